/** URLs whose host has a zone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHttpUrl } from '../../src/http-url.ts'

const URLS: readonly (readonly [text: string, host: string, origin: string])[] = [
  ['http://[fe80::1%25eth0]:8008/patroni', 'fe80::1%eth0', 'http://[fe80::1%25eth0]:8008'],
  ['HTTPS://u:p@[FE80:0::1%eth0.5]:8008', 'fe80::1%eth0.5', 'https://[fe80::1%25eth0.5]:8008'],
  ['http://[fe80::1%2525g]:8008', 'fe80::1%25g', 'http://[fe80::1%2525g]:8008'],
  ['http://[fe80::1%2]:8008', 'fe80::1%2', 'http://[fe80::1%252]:8008'],
  ['http://[::1]:8008', '::1', 'http://[::1]:8008'],
  ['http://Pg1:8008/x?y', 'pg1', 'http://pg1:8008'],
]

for (const [text, host, origin] of URLS)
  test(`the host of ${text} is ${host}, and no server sees its zone`, () => {
    const parsed = parseHttpUrl(text)
    assert.deepEqual([parsed?.host, parsed?.origin], [host, origin])
    assert.doesNotMatch(parsed?.url.href ?? '', /%/)
    assert.equal(parseHttpUrl(origin)?.origin, origin)
  })

const NONE = [
  ...['', 'pg1:8008', 'ftp://pg1', 'http://', 'http://fe80::1%eth0:8008', 'http://[fe80::1%25]:8008'],
  ...[
    'http://[fe80::1%]:8008',
    'http://[fe80::1%25eth 0]:8008',
    'http://[fe80::1%25a%2Fb]:8008',
    'http://[fe80::1%eth0',
  ],
  ...['http://[10.0.0.1%25eth0]:8008', 'http://10.0.0.1%25eth0:8008'],
]

for (const text of NONE)
  test(`"${text}" is no URL of http`, () => {
    assert.equal(parseHttpUrl(text), null)
  })
