import assert from 'node:assert/strict'
import { test } from 'node:test'
import { overlappingBinds, parseBind } from '../../../src/config/listeners.ts'

const BINDS: readonly (readonly [string, string | null, number])[] = [
  ['*:5000', null, 5000],
  [':5000', null, 5000],
  ['127.0.0.1:5000', '127.0.0.1', 5000],
  ['0.0.0.0:5000', '0.0.0.0', 5000],
  ['[::1]:5000', '::1', 5000],
  ['[::]:5000', '::', 5000],
  ['[fe80::1%eth0]:5000', 'fe80::1%eth0', 5000],
  ['localhost:5000', 'localhost', 5000],
  ['db-1.example.org:5000', 'db-1.example.org', 5000],
  ['127.0.0.1:0', '127.0.0.1', 0],
  ['*:65535', null, 65535],
]

for (const [text, host, port] of BINDS)
  test(`${text} is an address to listen on`, () => {
    assert.deepEqual(parseBind(text), { ok: true, value: { host, port } })
  })

const NO_BINDS: readonly (readonly [unknown, RegExp])[] = [
  [undefined, /^is required/],
  [null, /^nothing is not an address/],
  [5000, /^5000 is not an address with a port/],
  ['127.0.0.1', /has no port/],
  ['5000', /has no port/],
  ['*:', /has no port/],
  ['*:http', /has no port/],
  ['*:65536', /a port is 0 to 65535/],
  ['*:-1', /has no port/],
  ['::1:5000', /in brackets/],
  ['[::x]:5000', /no IPv6 address/],
  ['[127.0.0.1]:5000', /no IPv6 address/],
  ['10.0.0.256:5000', /neither an address nor a host name/],
  ['a b:5000', /neither/],
  ['.:5000', /neither/],
]

for (const [text, message] of NO_BINDS)
  test(`${text === undefined ? 'nothing' : JSON.stringify(text)} is no address to listen on`, () => {
    const parsed = parseBind(text)
    assert.ok(!parsed.ok)
    assert.match(parsed.message, message)
  })

const PAIRS: readonly (readonly [string, string, boolean])[] = [
  ['*:5000', '*:5000', true],
  ['*:5000', ':5000', true],
  ['*:5000', '127.0.0.1:5000', true],
  ['[::1]:5000', '*:5000', true],
  ['[::]:5000', '10.0.0.1:5000', true],
  ['0.0.0.0:5000', '10.0.0.1:5000', true],
  ['0.0.0.0:5000', '[::1]:5000', false],
  ['127.0.0.1:5000', '127.0.0.1:5000', true],
  ['127.0.0.1:5000', '127.0.0.2:5000', false],
  ['127.0.0.1:5000', '[::1]:5000', false],
  ['*:5000', '*:5001', false],
  ['*:0', '*:0', false],
]

for (const [a, b, clash] of PAIRS)
  test(`${a} and ${b} ${clash ? 'are one address' : 'can both be opened'}`, () => {
    const faults = overlappingBinds({ a: { bind: a }, b: { bind: b } })
    assert.deepEqual(
      faults.map(({ path }) => path.join('.')),
      clash ? ['proxy.listeners.b.bind'] : [],
    )
  })
