/** When a group is done with a change, and how it ends. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MemberView } from '../../../src/watcher/view.ts'
import { until } from '../../support/until.ts'
import { memberView } from '../../unit/watcher/sample.ts'
import { Bench } from './support/workbench.ts'

const SCOPE = 'scope {{scope}}\n'
const REPLICAS = '{{#each replicas}}\n{{name}}\n{{/each}}\n'
const replicas = (...names: string[]): { members: MemberView[] } => ({
  members: ['pg0', ...names].map((name) => memberView(name, name !== 'pg0')),
})

test('is settled when what is known is in the file and reloaded, and not while it is kept or fails', async () => {
  await using bench = new Bench()
  const reload = bench.command('sleep 0.1; cat one >> loaded')
  const group = bench.group(bench.template('one', `${SCOPE}${REPLICAS}`, { reload }))
  const never = new AbortController()
  await group.settled(never.signal)
  assert.deepEqual(bench.logged('loaded'), ['scope demo', 'pg1'])
  bench.change(group, { scope: 'next' })
  await group.settled(never.signal)
  assert.deepEqual(bench.logged('loaded').slice(2), ['scope next', 'pg1'])
  bench.change(group, replicas())
  await bench.state(group, 'kept')
  await assert.rejects(group.settled(AbortSignal.timeout(50)), { name: 'TimeoutError' })
  const waiting = group.settled(never.signal)
  bench.change(group, replicas('pg3'))
  await waiting
  assert.deepEqual(bench.logged('loaded').slice(4), ['scope demo', 'pg3'])
})

test('is settled although something else has changed meanwhile, and when an answer makes no difference', async () => {
  await using bench = new Bench()
  const answers = "{{#if paused}}{{#each (lookupIPV4 'localhost')}}{{/each}}{{/if}}"
  const reload = bench.command('echo reload >> reloads; sleep 0.2')
  const group = bench.group(
    bench.template('one', `${answers}${SCOPE}`, { reload, debounce: { minMs: 60_000, maxMs: 60_000 } }),
  )
  const settled = group.settled(AbortSignal.timeout(10_000))
  await until('the reload runs', () => bench.logged('reloads').length === 1, { everyMs: 2 })
  bench.change(group, { scope: 'next' })
  await settled
  assert.equal(group.status().state, 'pending')
  bench.set({})
  const other = bench.group(bench.template('two', `${answers}${SCOPE}`))
  await bench.state(other, 'in-sync')
  bench.change(other, { paused: true })
  await other.settled(AbortSignal.timeout(10_000))
  assert.equal(other.status().templates[0]?.renders, 3)
})

test('is settled by no pass that began before the change, and by no other change than the requested one', async () => {
  await using bench = new Bench()
  const text = `{{#if paused}}{{#each (lookupIPV4 'pg1')}}{{this}} {{/each}}{{/if}}${SCOPE}`
  const reload = bench.command('sleep 0.1; cat one >> loaded')
  const group = bench.group(bench.template('one', text, { reload }))
  const runs = async (count: number): Promise<unknown> =>
    bench.until(group, 'reloading', (status) => status.reload?.runs === count && bench.read('one') !== '')
  await runs(1)
  bench.change(group, { scope: 'next' })
  await group.settled(AbortSignal.timeout(10_000))
  assert.deepEqual(bench.logged('loaded'), ['scope demo', 'scope next'])
  bench.change(group, { scope: 'third' })
  await runs(3)
  await group.settled(AbortSignal.timeout(10_000))
  assert.deepEqual(bench.logged('loaded').slice(2), ['scope third'])
  bench.change(group, { scope: 'last' })
  await runs(4)
  bench.change(group, { scope: 'last', paused: true })
  const settled = group.settled(AbortSignal.timeout(10_000))
  await until('it is reloaded', () => bench.logged('loaded').includes('scope last'))
  await bench.until(group, 'reloaded', (status) => status.reload?.pending === false)
  bench.answer('10.0.0.1')
  await settled
  assert.deepEqual(bench.logged('loaded').slice(3), ['scope last', '10.0.0.1 scope last'])
  bench.change(group, { scope: 'again', paused: true })
  await group.settled(AbortSignal.timeout(10_000))
  assert.deepEqual(bench.logged('loaded').slice(5), ['10.0.0.1 scope again'])
})

test('ends a check that runs when it is closed, and leaves nothing behind', async () => {
  await using bench = new Bench()
  bench.write('one', 'old\n')
  const check = bench.command('echo $$ > pid; exec sleep 60')
  const group = bench.group(bench.template('one', SCOPE, { check }))
  const pid = await until('the check runs', () => Number(bench.logged('pid')[0]))
  await group.close()
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  assert.deepEqual([bench.read('one'), bench.leftovers, bench.logged('reloads')], ['old\n', [], []])
  await assert.rejects(group.settled(new AbortController().signal), /the router ends/)
})

test('lets a reload that runs end when it is closed', async () => {
  await using bench = new Bench()
  const reload = bench.command('echo begun >> reloads; sleep 0.3; echo done >> reloads')
  const group = bench.group(bench.template('one', SCOPE, { reload }))
  await until('the reload runs', () => bench.logged('reloads').length === 1, { everyMs: 2 })
  assert.equal(group.status().state, 'pending')
  await group.close()
  assert.deepEqual(bench.logged('reloads'), ['begun', 'done'])
  assert.equal(bench.count('reload-owed'), 0)
})

test('ends a reload that takes too long when it is closed, and the next router makes up for it', async () => {
  await using bench = new Bench()
  const template = bench.template('one', SCOPE, {
    reload: bench.command('echo $$ >> reloads; test -e may || sleep 60', 60_000),
  })
  const group = bench.group(template)
  const pid = await until('the reload runs', () => Number(bench.logged('reloads')[0]), { everyMs: 2 })
  await group.close()
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  assert.equal(bench.count('reload-owed'), 1)
  bench.write('may', '')
  await bench.state(bench.group(template), 'in-sync')
  assert.equal(bench.logged('reloads').length, 2)
})
