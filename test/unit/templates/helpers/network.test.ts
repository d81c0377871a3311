import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from './call.ts'

test('lookupIP gives the addresses that were found', () => {
  const answers = { 'ip db.local': { ok: true, value: ['10.0.0.1', '::1'] } } as const
  assert.deepEqual(run('lookupIP', ['db.local'], { answers }), ['10.0.0.1', '::1'])
})

test('lookupIPV4 and lookupIPV6 ask for their own', () => {
  const answers = {
    'ipv4 db.local': { ok: true, value: ['10.0.0.1'] },
    'ipv6 db.local': { ok: true, value: ['::1'] },
  } as const
  assert.deepEqual(run('lookupIPV4', ['db.local'], { answers }), ['10.0.0.1'])
  assert.deepEqual(run('lookupIPV6', ['db.local'], { answers }), ['::1'])
})

test('a name that does not resolve is an error, which does not say the name', () => {
  const answers = { 'ip secret.local': { ok: false, reason: 'does not resolve' } } as const
  assert.throws(() => run('lookupIP', ['secret.local'], { answers }), {
    name: 'HelperError',
    message: 'the name does not resolve',
  })
})

test('resolves returns whether there is an address, and is no error where that is unknown', () => {
  const answers = {
    'ip db.local': { ok: true, value: ['10.0.0.1'] },
    'ip empty.local': { ok: true, value: [] },
    'ip lost.local': { ok: false, reason: 'does not resolve' },
    'ip silent.local': { ok: false, reason: 'has no answer within 5 s' },
  } as const
  const resolved = ['db.local', 'empty.local', 'lost.local', 'silent.local', 'x'.repeat(5000)]
  assert.deepEqual(
    resolved.map((host) => run('resolves', [host], { answers })),
    [true, false, false, false, false],
  )
})

test('lookupSRV gives records', () => {
  const answers = { 'srv _mail._tcp.example.com': { ok: true, value: ['a.example.com:25 10 5'] } } as const
  assert.equal(
    JSON.stringify(run('lookupSRV', ['mail', 'tcp', 'example.com'], { answers })),
    '[{"target":"a.example.com","port":25,"priority":10,"weight":5}]',
  )
})

test('lookupSRV without service and protocol looks the name up as it is', () => {
  const answers = { 'srv _etcd._tcp.example.com': { ok: true, value: [] } } as const
  assert.deepEqual(run('lookupSRV', ['', '', '_etcd._tcp.example.com'], { answers }), [])
})

test('fileExists asks about absolute paths only', () => {
  const answers = {
    'file /etc/a': { ok: true, value: true },
    'file /etc/b': { ok: true, value: false },
    'file /etc/c': { ok: false, reason: 'cannot be looked at (EACCES)' },
  } as const
  assert.equal(run('fileExists', ['/etc/a'], { answers }), true)
  assert.equal(run('fileExists', ['/etc/b'], { answers }), false)
  assert.throws(() => run('fileExists', ['/etc/c'], { answers }), { message: 'the file cannot be looked at (EACCES)' })
  assert.throws(() => run('fileExists', ['etc/a'], { answers }), { message: 'the path does not begin with a slash' })
})

test('getenv gives the variable; the default, or nothing, where it is empty or not set', () => {
  const env = { HOST: 'h', EMPTY: '' }
  assert.equal(run('getenv', ['HOST', 'x'], { env }), 'h')
  assert.equal(run('getenv', ['EMPTY', 'x'], { env }), 'x')
  assert.equal(run('getenv', ['NONE'], { env }), '')
  assert.equal(run('getenv', ['toString', 'x'], { env }), 'x')
})

test('a text too long for a name or a path is not looked up', () => {
  const long = `/${'x'.repeat(5000)}`
  assert.throws(() => run('lookupIP', [long]), { name: 'HelperError', message: 'the name is too long' })
  assert.throws(() => run('fileExists', [long]), { name: 'HelperError', message: 'the path is too long' })
})
