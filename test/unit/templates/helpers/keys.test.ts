import assert from 'node:assert/strict'
import { test } from 'node:test'
import { named, run } from './call.ts'

const KEYS = {
  '/db/host': '10.0.0.1',
  '/db/port': '5432',
  '/db/pool/size': '10',
  '/db/pool/mode': 'session',
  '/dbx/host': 'other',
  '/empty': '',
}
const inKeys = { keys: KEYS }

test('getv gives the value of a key, with or without its slashes at the ends', () => {
  for (const key of ['/db/host', 'db/host', '/db/host/']) assert.equal(run('getv', [key], inKeys), '10.0.0.1')
})

test('getv gives an empty value, not the default, for a key that is empty', () => {
  assert.equal(run('getv', ['/empty', 'x'], inKeys), '')
})

test('getv of a missing key gives the default, and without one is an error that names the key', () => {
  assert.equal(run('getv', ['/db/user', 'app'], inKeys), 'app')
  assert.throws(() => run('getv', ['/db/user'], inKeys), { name: 'HelperError', message: 'there is no key /db/user' })
  assert.throws(() => run('get', ['/db/user'], inKeys), { message: 'there is no key /db/user' })
})

test('a key that would deceive a log is named without what deceives', () => {
  assert.throws(() => run('getv', ['/db/\u001b[2J'], inKeys), { message: 'there is no key /db/\ufffd[2J' })
})

test('a key or a pattern that is made to take for ever takes no time', () => {
  const name = `x${'/'.repeat(1_000_000)}x`
  assert.equal(run('exists', [name], inKeys), false)
  assert.throws(() => run('gets', [name], inKeys), { message: 'the pattern is too long' })
})

test('get gives the key by the name in the template, and its value', () => {
  assert.deepEqual(plain(run('get', ['db/host'], inKeys)), { key: '/db/host', value: '10.0.0.1' })
})

test('exists is about the key itself, not about what is below it', () => {
  assert.equal(run('exists', ['/db/host'], inKeys), true)
  assert.equal(run('exists', ['/db'], inKeys), false)
})

test('gets gives the matching keys, sorted by key; a star does not cross a slash', () => {
  assert.deepEqual(plain(run('gets', ['/db/*'], inKeys)), [
    { key: '/db/host', value: '10.0.0.1' },
    { key: '/db/port', value: '5432' },
  ])
  assert.deepEqual(run('gets', ['/nothing/*'], inKeys), [])
})

test('getvs gives the values sorted by value, as confd does', () => {
  const keys = { '/up/a': '10.0.0.9', '/up/b': '10.0.0.10', '/up/c': '10.0.0.1' }
  assert.deepEqual(run('getvs', ['/up/*'], { keys }), ['10.0.0.1', '10.0.0.10', '10.0.0.9'])
})

test('ls gives the names of the children, lsdir only of those that have children', () => {
  assert.deepEqual(run('ls', ['/db'], inKeys), ['host', 'pool', 'port'])
  assert.deepEqual(run('lsdir', ['/db/'], inKeys), ['pool'])
  assert.deepEqual(run('ls', ['/'], inKeys), ['db', 'dbx', 'empty'])
  assert.deepEqual(run('lsdir', ['/'], inKeys), ['db', 'dbx'])
  assert.deepEqual(run('ls', ['/db/host'], inKeys), [])
})

test('sortKVByLength sorts by the length of the key, those of one length by the key', () => {
  const keys = { '/r/ccc': '1', '/r/b': '2', '/r/a': '3' }
  assert.deepEqual(plain(run('sortKVByLength', [run('gets', ['/r/*'], { keys })])), [
    { key: '/r/a', value: '3' },
    { key: '/r/b', value: '2' },
    { key: '/r/ccc', value: '1' },
  ])
})

test('a template without keys in the configuration gets an error that says so', () => {
  for (const helper of ['exists', 'get', 'getv', 'gets', 'getvs', 'ls', 'lsdir'])
    assert.throws(() => run(helper, ['/db']), { message: 'the template has no `keys` in the configuration' })
  assert.throws(() => run('getv', ['/db', 'default']), { name: 'HelperError' })
})

test('a malformed pattern is an error, where it is a literal before there is anything to render', () => {
  assert.equal(named('gets').checkLiterals?.(['/db/[']), 'malformed pattern: a [ is not closed')
  assert.equal(named('getvs').checkLiterals?.(['/db/*']), null)
  assert.equal(named('getvs').checkLiterals?.([undefined]), null)
  assert.throws(() => run('gets', ['/db/['], inKeys), { name: 'HelperError', message: /^malformed pattern/ })
})

test('only requested keys are read', () => {
  const changed = { ...KEYS, '/db/port': '6432', '/db/pool/size': '20', '/other': 'x' }
  const questions = [
    ['getv', '/db/host'],
    ['getv', '/db/user', 'x'],
    ['exists', '/db/port'],
    ['gets', '/dbx/*'],
    ['ls', '/db'],
    ['lsdir', '/db'],
  ]
  for (const [helper = '', ...args] of questions) {
    const before: unknown[] = []
    const after: unknown[] = []
    run(helper, args, { keys: KEYS, reads: before })
    run(helper, args, { keys: changed, reads: after })
    assert.deepEqual(after, before, helper)
    assert.equal(before.length, 1)
  }
})

test('the reading differs when a requested key changes, comes or goes', () => {
  const without = Object.fromEntries(Object.entries(KEYS).filter(([key]) => !key.startsWith('/db/pool')))
  for (const [helper, key, keys] of [
    ['getv', '/db/host', { ...KEYS, '/db/host': 'x' }],
    ['exists', '/db/user', { ...KEYS, '/db/user': '' }],
    ['ls', '/db', without],
    ['lsdir', '/db', without],
    ['gets', '/db/*', { ...KEYS, '/db/host': 'x' }],
    ['getvs', '/db/*', { ...KEYS, '/db/z': 'x' }],
  ] as const) {
    const before: unknown[] = []
    const after: unknown[] = []
    run(helper, [key], { keys: KEYS, reads: before })
    run(helper, [key], { keys, reads: after })
    assert.notEqual(JSON.stringify(after), JSON.stringify(before), helper)
  }
})

/** Records have no prototype. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}
