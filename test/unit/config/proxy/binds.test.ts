import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatBind, parseBind, parseBinds } from '../../../../src/config/proxy/binds.ts'

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
    assert.deepEqual(parseBind(text), { ok: true, value: { kind: 'tcp', host, port } })
  })

const NO_BINDS: readonly (readonly [unknown, RegExp])[] = [
  [null, /^nothing is not an address/],
  ['', /^is an empty address/],
  [['*:5000'], /^a list is not an address/],
  [{ port: 5000 }, /^a mapping is not an address/],
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
  ['http://*:5000', /neither an address with a port nor the absolute path/],
  ['run/db.sock', /nor the absolute path of a Unix socket/],
  ['unix@run/db.sock', /nor the absolute path of a Unix socket/],
  ['unix@db.sock', /nor the absolute path of a Unix socket/],
  ['/run/db/', /is a directory/],
  [`/${'x'.repeat(107)}`, /at most 107 bytes/],
  [`unix@/${'ü'.repeat(54)}`, /at most 107 bytes/],
]

for (const [text, message] of NO_BINDS)
  test(`${JSON.stringify(text)} is no address to listen on`, () => {
    const parsed = parseBind(text)
    assert.ok(!parsed.ok)
    assert.match(parsed.message, message)
  })

const SOCKETS: readonly (readonly [string, string])[] = [
  ['/run/db.sock', '/run/db.sock'],
  ['unix@/run/db.sock', '/run/db.sock'],
  ['unix:/run/db.sock', '/run/db.sock'],
  ['/run//postgresql/../db.sock', '/run/db.sock'],
  ['/run/a@b:5000', '/run/a@b:5000'],
  [`/${'x'.repeat(106)}`, `/${'x'.repeat(106)}`],
]

for (const [text, path] of SOCKETS)
  test(`${text} is a Unix socket to listen on`, () => {
    assert.deepEqual(parseBind(text), { ok: true, value: { kind: 'unix', path } })
  })

const SEVERAL: readonly (readonly [title: string, value: unknown, binds: readonly string[]])[] = [
  ['one address', '*:5000', ['*:5000']],
  ['commas', '127.0.0.1:5000 , [::1]:5000,unix@/run/db.sock', ['127.0.0.1:5000', '[::1]:5000', '/run/db.sock']],
  ['a list', ['127.0.0.1:5000', '/run/db.sock'], ['127.0.0.1:5000', '/run/db.sock']],
  ['a list with commas in it', ['a:1,b:2', 'c:3'], ['a:1', 'b:2', 'c:3']],
]

for (const [title, value, binds] of SEVERAL)
  test(`a listener binds what ${title} name${title.startsWith('a ') || title.startsWith('one') ? 's' : ''}`, () => {
    const parsed = parseBinds(value)
    assert.deepEqual(parsed.faults, [])
    assert.deepEqual(parsed.value?.map(formatBind), binds)
  })

const NO_SEVERAL: readonly (readonly [title: string, value: unknown, faults: readonly string[]])[] = [
  ['nothing', undefined, [`: is required, like '*:5000'`]],
  ['null', null, [`: is required, like '*:5000'`]],
  ['an empty list', [], [`: is required, like '*:5000'`]],
  ['an empty text', '', [`: is an empty address: write it like '*:5000'`]],
  ['a comma too many', '*:5000,', [`: is an empty address: write it like '*:5000'`]],
  ['a number', 5000, [`: 5000 is not an address with a port, like '*:5000'`]],
  [
    'a list of nonsense',
    ['*:1', null, '*:x'],
    [
      `1: nothing is not an address with a port, like '*:5000'`,
      `2: "*:x" has no port: write it like '*:5000' or 127.0.0.1:5000`,
    ],
  ],
]

for (const [title, value, faults] of NO_SEVERAL)
  test(`${title} is not where a listener could listen`, () => {
    const found = parseBinds(value).faults.map(({ path, message }) => `${path.join('.')}: ${message}`)
    assert.deepEqual(found, faults)
  })
