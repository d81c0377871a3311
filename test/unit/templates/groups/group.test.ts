/** When a group renders, writes and reloads: with a clock, files and commands that the test controls. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeGroup, SUCCESS } from './fake-group.ts'

const SCOPE = 'scope {{scope}}\n'
const HOUR_MS = 3_600_000
const HOURLY = { debounce: { minMs: HOUR_MS, maxMs: HOUR_MS } }

test('makes one reload of many changes, and the last one is in the file', async (t) => {
  await using fake = new FakeGroup(t)
  await fake.start([fake.template('one', SCOPE, { debounce: { minMs: 400, maxMs: 10_000 } })])
  for (let n = 0; n < 20; n++) {
    fake.change({ scope: `s${n}` })
    await fake.advance(2)
  }
  assert.equal(fake.state, 'pending')
  await fake.advance(390)
  assert.deepEqual([fake.state, fake.reloads], ['pending', 1])
  await fake.advance(10)
  assert.equal(fake.state, 'in-sync')
  assert.equal(fake.texts.get('one'), 'scope s19\n')
  assert.equal(fake.reloads, 2)
})

test('writes a change that is alone after the shortest debounce, however many views follow that change nothing', async (t) => {
  await using fake = new FakeGroup(t)
  await fake.start([fake.template('one', SCOPE)])
  await fake.advance(1000)
  fake.change({ scope: 'next' })
  for (let ms = 0; ms < 199; ms++) {
    await fake.advance(1)
    fake.change({ scope: 'next' })
  }
  assert.deepEqual([fake.state, fake.reloads], ['pending', 1])
  await fake.advance(2)
  assert.deepEqual([fake.state, fake.reloads, fake.texts.get('one')], ['in-sync', 2, 'scope next\n'])
})

test('renders no more than 40 times a second of many views, and what has changed last', async (t) => {
  await using fake = new FakeGroup(t)
  await fake.start([fake.template('one', SCOPE, HOURLY)])
  const before = fake.renders
  for (let n = 0; n < 1000; n++) {
    fake.change({ scope: `s${n}` })
    await fake.advance(1)
  }
  const renders = fake.renders - before
  assert.ok(renders >= 20 && renders <= 42, String(renders))
  assert.deepEqual([fake.state, fake.reloads], ['pending', 1])
  await fake.advance(HOUR_MS, 1000)
  assert.deepEqual([fake.state, fake.texts.get('one')], ['in-sync', 'scope s999\n'])
})

test('renders twice a second at most where that takes long, and not for those who ask for its status', async (t) => {
  await using fake = new FakeGroup(t)
  fake.costMs = 100
  await fake.start([fake.template('one', SCOPE, HOURLY)])
  const before = fake.renders
  fake.change({ scope: 'next' })
  await fake.advance(350)
  assert.equal(fake.renders, before)
  await fake.advance(150)
  assert.deepEqual([fake.renders, fake.state], [before + 1, 'pending'])
})

test('does not wait for the debounce when it is urgent, but for the distance between two passes that write', async (t) => {
  await using fake = new FakeGroup(t)
  fake.texts.set('one', 'scope demo\n')
  await fake.start([fake.template('one', SCOPE, HOURLY)])
  fake.change({ scope: 'waits' })
  await fake.advance(HOUR_MS - 10_000, 10_000)
  assert.deepEqual([fake.state, fake.texts.get('one')], ['pending', 'scope demo\n'])
  fake.change({ scope: 'urgent' }, true)
  await fake.until('in-sync')
  assert.equal(fake.texts.get('one'), 'scope urgent\n')
  fake.change({ scope: 'late' }, true)
  await fake.advance(HOUR_MS - 10_000, 10_000)
  assert.deepEqual([fake.state, fake.texts.get('one')], ['pending', 'scope urgent\n'])
  await fake.advance(10_000)
  assert.deepEqual([fake.state, fake.texts.get('one')], ['in-sync', 'scope late\n'])
})

test('does not forget that something is urgent while it asks the DNS', async (t) => {
  await using fake = new FakeGroup(t)
  const text = "{{#if paused}}{{#each (lookupIPV4 'pg1')}}{{this}}\n{{/each}}{{/if}}"
  fake.texts.set('one', '')
  await fake.start([fake.template('one', text, HOURLY)])
  fake.change({ paused: true }, true)
  fake.group.changed(false)
  assert.equal(fake.state, 'pending')
  await fake.advance(1)
  assert.equal(fake.texts.get('one'), '')
  fake.answer('10.0.0.1')
  await fake.until('in-sync')
  assert.equal(fake.texts.get('one'), '10.0.0.1\n')
  fake.change({ paused: false })
  await fake.advance(HOUR_MS - 10_000, 10_000)
  assert.equal(fake.state, 'pending')
})

test('tries a failed reload again after 1 s and 2 s, and does not run the check again for it', async (t) => {
  await using fake = new FakeGroup(t)
  const failure = { ...SUCCESS, ok: false, outcome: 'exited with 1', exitCode: 1, output: 'not now' }
  fake.run = (command) => (command === 'reload' ? failure : SUCCESS)
  await fake.start([fake.template('one', SCOPE, { check: fake.command('check') })], 'failed')
  await fake.advance(999)
  assert.deepEqual(fake.commands, ['check', 'reload'])
  await fake.advance(1)
  await fake.happens(() => fake.reloads === 2)
  assert.deepEqual(fake.commands, ['check', 'reload', 'reload'])
  await fake.advance(1999)
  assert.equal(fake.reloads, 2)
  fake.run = () => SUCCESS
  await fake.advance(1)
  await fake.until('in-sync')
  assert.equal(fake.reloads, 3)
  await fake.advance(HOUR_MS, 10_000)
  assert.equal(fake.reloads, 3)
  assert.deepEqual(fake.events, ['template-written', 'reload-failed', 'reloaded', 'templates-recovered'])
})

test('takes a command that cannot be run at all for a failure, and recovers from it', async (t) => {
  await using fake = new FakeGroup(t)
  fake.run = () => Promise.reject(new Error('injected'))
  await fake.start([fake.template('one', SCOPE)], 'failed')
  assert.match(fake.group.status().reason, /injected/)
  fake.run = () => SUCCESS
  await fake.advance(1000)
  await fake.until('in-sync')
  assert.equal(fake.group.status().reload?.pending, false)
})
