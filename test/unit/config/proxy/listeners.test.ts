import assert from 'node:assert/strict'
import { test } from 'node:test'
import { overlappingBinds, parseTags } from '../../../../src/config/proxy/listeners.ts'

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
    const places = (listeners: Readonly<Record<string, unknown>>): string[] =>
      overlappingBinds(listeners, '/run/admin.sock').map(({ path }) => path.join('.'))
    assert.deepEqual(places({ a: { bind: a }, b: { bind: b } }), clash ? ['proxy.listeners.b.bind'] : [])
    assert.deepEqual(places({ a: { bind: [a, b] } }), clash ? ['proxy.listeners.a.bind.1'] : [])
  })

test('an address is refused with the listener that uses it', () => {
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

test('a listener that uses an address is not shown by a name that is none', () => {
  const [fault] = overlappingBinds({ 'a b:c': { bind: '*:1' }, d: { bind: '*:1' } }, '/x')
  assert.equal(fault?.message, '"*:1" is taken by the listener (not a plain name) ("*:1")')
})
