import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatBind, overlappingBinds, parseBind, parseBinds, parseTags } from '../../../../src/config/proxy/binds.ts'

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

test('tags are texts, numbers and booleans', () => {
  const tags = { dc: 'a', rank: 2, spare: false, empty: '' }
  assert.deepEqual(parseTags(tags), { value: tags, faults: [] })
  assert.deepEqual(parseTags({}), { value: {}, faults: [] })
})

const NO_TAGS: readonly (readonly [title: string, value: unknown, faults: readonly string[]])[] = [
  ['a text', 'dc=a', [': must be a mapping like {dc: a}, not text']],
  ['a list', ['dc'], [': must be a mapping like {dc: a}, not a list']],
  [
    'tags of nothing, a list, a date and no number',
    { dc: null, rack: ['a'], since: new Date(0), ok: 1, n: NaN },
    [
      'dc: must be text (quoted, if in doubt), a number, true or false, not nothing',
      'rack: must be text (quoted, if in doubt), a number, true or false, not a list',
      'since: must be text (quoted, if in doubt), a number, true or false, not a date',
      'n: must be text (quoted, if in doubt), a number, true or false, not NaN',
    ],
  ],
]

for (const [title, value, faults] of NO_TAGS)
  test(`${title} ${title.startsWith('tags') ? 'are' : 'is'} refused as tags`, () => {
    const found = parseTags(value).faults.map(({ path, message }) => `${path.join('.')}: ${message}`)
    assert.deepEqual(found, faults)
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
  ['[::]:5000', '*:5000', true],
  ['[0::0]:5000', '10.0.0.1:5000', true],
  ['[::1]:5000', '[0:0::1]:5000', true],
  ['localhost:5000', '*:5000', true],
  ['localhost:5000', 'LOCALHOST:5000', true],
  ['localhost:5000', 'other:5000', false],
  ['/run/a.sock', 'unix@/run//a.sock', true],
  ['/run/a.sock', '/run/b.sock', false],
  ['/run/a:5000', '*:5000', false],
]

for (const [a, b, clash] of PAIRS)
  test(`${a} and ${b} ${clash ? 'are one address' : 'can both be opened'}, in two listeners and in one`, () => {
    const places = (listeners: unknown): string[] =>
      overlappingBinds(listeners, '/run/admin.sock').map(({ path }) => path.join('.'))
    assert.deepEqual(places({ a: { bind: a }, b: { bind: b } }), clash ? ['proxy.listeners.b.bind'] : [])
    assert.deepEqual(places({ a: { bind: [a, b] } }), clash ? ['proxy.listeners.a.bind.1'] : [])
  })

test('an address is refused with who takes it', () => {
  const listeners = { a: { bind: '[::]:1, *:0' }, b: { bind: ['*:2', '0.0.0.0:1', '127.0.0.1:2', '/run//x'] } }
  assert.deepEqual(
    overlappingBinds(listeners, '/run/x').map(({ path, message }) => [path.slice(2).join('.'), message]),
    [
      ['b.bind.1', '"0.0.0.0:1" is taken by the listener a ("[::]:1", IPv6 and IPv4)'],
      ['b.bind.2', '"127.0.0.1:2" is taken by this listener already ("*:2")'],
      ['b.bind.3', '"/run/x" is the admin socket (admin.socket)'],
    ],
  )
})

test('what takes an address is not told by a name that is none', () => {
  const [fault] = overlappingBinds({ 'a b:c': { bind: '*:1' }, d: { bind: '*:1' } }, '/x')
  assert.equal(fault?.message, '"*:1" is taken by the listener (not a plain name) ("*:1")')
})
