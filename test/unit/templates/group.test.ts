import assert from 'node:assert/strict'
import { chmodSync, statSync, unlinkSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MemberView } from '../../../src/watcher/view.ts'
import { until } from '../../support/until.ts'
import { memberView } from '../watcher/sample.ts'
import { Bench } from './bench.ts'

const SCOPE = 'scope {{scope}}\n'
const REPLICAS = '{{#each replicas}}\n{{name}}\n{{/each}}\n'
const replicas = (...names: string[]): { members: MemberView[] } => ({
  members: ['pg0', ...names].map((name) => memberView(name, name !== 'pg0')),
})

test('writes what the templates say, checks each of them and reloads once', async () => {
  await using bench = new Bench()
  const check = bench.command('grep -h . {{staged}} >> checked')
  const group = bench.group(
    bench.template('one', SCOPE, { check }),
    bench.template('two', 'name {{leader.name}}\n', { check }),
  )
  const status = await bench.state(group, 'in-sync')
  assert.deepEqual([bench.read('one'), bench.read('two')], ['scope demo\n', 'name pg0\n'])
  assert.deepEqual(bench.told('checked'), ['scope demo', 'name pg0'])
  assert.deepEqual(bench.told('reloads'), ['reload'])
  assert.deepEqual(bench.leftovers, [])
  assert.deepEqual(bench.events(), ['template-written', 'template-written', 'reloaded'])
  assert.deepEqual([status.reason, status.reload?.pending, status.reload?.runs, status.retryAt], ['', false, 1, null])
  assert.deepEqual(
    status.templates.map(({ renders, error, check: last }) => [renders, error, last?.ok]),
    [
      [1, null, true],
      [1, null, true],
    ],
  )
})

test('does not render for what the template has not used', async () => {
  await using bench = new Bench()
  const group = bench.group(bench.template('one', REPLICAS))
  await bench.state(group, 'in-sync')
  for (let position = 2; position < 50; position++) {
    const members = [memberView('pg0', false, { position }), memberView('pg1', true, { position, lagBytes: position })]
    bench.change(group, { members })
  }
  assert.deepEqual([group.status().templates[0]?.renders, group.status().state], [1, 'in-sync'])
})

test('renders again for what it has used, and does nothing when the text is the same', async () => {
  await using bench = new Bench()
  const group = bench.group(bench.template('one', '{{#if paused}}yes{{else}}yes{{/if}}\n'))
  await bench.state(group, 'in-sync')
  bench.change(group, { paused: true })
  assert.deepEqual([group.status().templates[0]?.renders, group.status().state], [2, 'in-sync'])
  assert.deepEqual(bench.told('reloads'), ['reload'])
})

test('makes one reload of many changes, and the last one is in the file', async () => {
  await using bench = new Bench()
  const debounce = { minMs: 50, maxMs: 10_000 }
  const group = bench.group(bench.template('one', SCOPE, { debounce }))
  await bench.state(group, 'in-sync')
  for (let n = 0; n < 20; n++) {
    bench.change(group, { scope: `s${n}` })
    await sleep(2)
  }
  assert.equal(group.status().state, 'pending')
  await bench.state(group, 'in-sync')
  assert.equal(bench.read('one'), 'scope s19\n')
  assert.equal(bench.told('reloads').length, 2)
})

test('does not wait for the debounce when it is urgent', async () => {
  await using bench = new Bench()
  const group = bench.group(bench.template('one', SCOPE, { debounce: { minMs: 30, maxMs: 3_600_000 } }))
  await bench.state(group, 'in-sync')
  const slow = bench.group(bench.template('two', SCOPE, { debounce: { minMs: 3_600_000, maxMs: 3_600_000 } }))
  await bench.state(slow, 'in-sync')
  bench.change(group, { scope: 'urgent' }, true)
  await bench.state(group, 'in-sync')
  assert.equal(bench.read('one'), 'scope urgent\n')
  // Urgent, but the last pass that has written something was too short a time ago.
  bench.change(slow, { scope: 'late' }, true)
  await sleep(50)
  assert.deepEqual([slow.status().state, bench.read('two')], ['pending', 'scope demo\n'])
})

test('writes at once what it has waited for since the start', async () => {
  await using bench = new Bench()
  bench.set(null)
  const group = bench.group(bench.template('one', SCOPE, { debounce: { minMs: 3_600_000, maxMs: 3_600_000 } }))
  await bench.until(group, 'waiting', ({ reason }) => reason === 'not known')
  bench.change(group, {})
  await bench.state(group, 'in-sync')
  assert.equal(bench.read('one'), 'scope demo\n')
})

test('leaves alone what somebody else has written while it was checked', async () => {
  await using bench = new Bench()
  const group = bench.group(bench.template('one', SCOPE, { check: bench.command('cp {{staged}} one') }))
  await bench.state(group, 'in-sync')
  assert.deepEqual([bench.events(), bench.told('reloads'), bench.leftovers], [[], [], []])
})

test('makes one pass at a time, and has the next one do what has changed meanwhile', async () => {
  await using bench = new Bench()
  const check = bench.command('mkdir busy || echo twice >> overlaps; sleep 0.2; rmdir busy; echo check >> checks')
  const group = bench.group(bench.template('one', SCOPE, { check }))
  await until('the check runs', () => statSync(bench.path('busy')).isDirectory(), { everyMs: 2 })
  for (const scope of ['two', 'three']) bench.change(group, { scope }, true)
  await until('the last one is written', () => bench.read('one') === 'scope three\n')
  await bench.state(group, 'in-sync')
  assert.deepEqual([bench.told('overlaps'), bench.told('checks').length], [[], 2])
})

test('leaves the destination as it is when the check fails, says why once, tries again, and says when that is over', async () => {
  await using bench = new Bench()
  const old = 'by hand\0\n'
  bench.write('one', old)
  const check = bench.command('echo try >> tries; echo line 3 is wrong; grep -q good {{staged}}')
  const group = bench.group(bench.template('one', SCOPE, { check }))
  const status = await bench.state(group, 'failed')
  assert.deepEqual([bench.read('one'), bench.leftovers, bench.told('reloads')], [old, [], []])
  assert.match(status.reason, /^the check of .*one exited with 1/)
  const told = status.templates.map(({ error, check: last }) => [error, last?.output])
  assert.deepEqual(told, [[status.reason, 'line 3 is wrong']])
  assert.ok(status.retryAt !== null && status.retryAt > Date.now() - 1000)
  await until('it is tried again', () => bench.told('tries').length >= 2, { everyMs: 5 })
  const [failure, ...more] = bench.lines.filter(({ event }) => event === 'check-failed')
  assert.ok(failure !== undefined && more.length === 0)
  assert.deepEqual([failure.level, failure['output']], ['error', 'line 3 is wrong'])
  assert.match(failure.msg, /exited with 1.*: line 3 is wrong$/)
  bench.change(group, { scope: 'good' })
  await bench.state(group, 'in-sync')
  assert.deepEqual([bench.read('one'), bench.told('reloads')], ['scope good\n', ['reload']])
  assert.equal(bench.count('templates-recovered'), 1)
})

test('changes neither file, and does not reload, when the check of one of them fails', async () => {
  await using bench = new Bench()
  bench.write('one', 'old one\n')
  bench.write('two', 'old two\n')
  const group = bench.group(
    bench.template('one', SCOPE, { check: bench.command('true') }),
    bench.template('two', SCOPE, { check: bench.command('false') }),
  )
  const { templates } = await bench.state(group, 'failed')
  assert.deepEqual([bench.read('one'), bench.read('two')], ['old one\n', 'old two\n'])
  assert.deepEqual([bench.told('reloads'), bench.leftovers], [[], []])
  assert.deepEqual(
    templates.map(({ error }) => error !== null),
    [false, true],
  )
})

test('keeps a failed reload due: one reload serves it and the next change', async () => {
  await using bench = new Bench()
  const reload = bench.command('echo reload >> reloads; echo not now; test -e may')
  const group = bench.group(bench.template('one', SCOPE, { reload }))
  const failed = await bench.state(group, 'failed')
  assert.equal(bench.read('one'), 'scope demo\n')
  assert.deepEqual([failed.reload?.pending, failed.reload?.failures, failed.reload?.last?.output], [true, 1, 'not now'])
  bench.write('may', '')
  bench.change(group, { scope: 'next' })
  const { reload: last } = await bench.state(group, 'in-sync')
  assert.equal(bench.read('one'), 'scope next\n')
  assert.deepEqual([last?.pending, last?.runs, bench.told('reloads').length], [false, 2, 2])
  assert.deepEqual([bench.count('reload-failed'), bench.count('reloaded')], [1, 1])
})

test('runs at the start the reload that an earlier router owes, although no file differs and no cluster is known', async () => {
  await using bench = new Bench()
  const template = bench.template('one', SCOPE, { reload: bench.command('echo reload >> reloads; test -e may') })
  const first = bench.group(template)
  await bench.state(first, 'failed')
  await first.close()
  bench.write('may', '')
  bench.set(null)
  const second = bench.group(template)
  await bench.until(second, 'reloaded', ({ reload }) => reload?.pending === false && reload.runs === 1)
  assert.equal(second.status().state, 'waiting')
  bench.change(second, {})
  await bench.state(second, 'in-sync')
  assert.equal(bench.told('reloads').length, 2)
  await second.close()
  const third = bench.group(template)
  await bench.state(third, 'in-sync')
  assert.deepEqual([third.status().reload?.runs, bench.told('reloads').length], [0, 2])
})

test('keeps both files of a group while one of its lists is empty, and writes them when it no longer is', async () => {
  await using bench = new Bench()
  bench.set(replicas())
  bench.write('one', 'old\n')
  const group = bench.group(bench.template('one', REPLICAS), bench.template('two', SCOPE))
  const { reason } = await bench.state(group, 'kept')
  assert.match(reason, /replicas is empty$/)
  assert.deepEqual([bench.read('one'), bench.told('reloads')], ['old\n', []])
  assert.throws(() => bench.read('two'))
  bench.change(group, replicas('pg2'))
  await bench.state(group, 'in-sync')
  assert.deepEqual([bench.read('one'), bench.read('two')], ['pg2\n', 'scope demo\n'])
  assert.deepEqual([bench.count('template-kept'), bench.count('templates-recovered')], [1, 1])
})

test('writes empty lists with on_empty: render, and fails for a primary that is not there', async () => {
  await using bench = new Bench()
  bench.set(replicas())
  const lists = bench.group(bench.template('one', REPLICAS, { onEmpty: 'render' }))
  await bench.state(lists, 'in-sync')
  assert.equal(bench.read('one'), '')
  bench.set({ primary: { state: 'none', member: null, address: null, reason: '', since: 1, epoch: 1, basis: '' } })
  const primary = bench.group(bench.template('two', 'host {{primary.host}}\n', { onEmpty: 'render' }))
  assert.match((await bench.state(primary, 'failed')).reason, /two\.hbs:1:\d+: there is no primary/)
})

test('names the place in a source that is not right, leaves its file alone, and goes on once it is mended', async () => {
  await using bench = new Bench()
  bench.write('one', 'old\n')
  const template = bench.template('one', '\n{{scopee}}\n', { intervalMs: 100 })
  const group = bench.group(template)
  const { reason, templates } = await bench.state(group, 'failed')
  assert.match(reason, /one\.hbs:2:\d+: .*scopee/)
  assert.deepEqual([templates[0]?.error, bench.read('one'), bench.told('reloads')], [reason, 'old\n', []])
  assert.equal(bench.lines.find(({ event }) => event === 'template-failed')?.level, 'error')
  bench.write('one.hbs', SCOPE)
  await bench.state(group, 'in-sync')
  assert.equal(bench.read('one'), 'scope demo\n')
  assert.equal(bench.count('template-failed'), 1)
})

test('goes on with the last template that was right while its source is broken or gone, and says so', async () => {
  await using bench = new Bench()
  const group = bench.group(bench.template('one', SCOPE))
  await bench.state(group, 'in-sync')
  bench.write('one.hbs', '{{#if}}')
  group.resync()
  await bench.state(group, 'failed')
  assert.equal(bench.read('one'), 'scope demo\n')
  bench.change(group, { scope: 'failed over' }, true)
  await until('it is written', () => bench.read('one') === 'scope failed over\n')
  unlinkSync(bench.path('one.hbs'))
  group.resync()
  await bench.until(group, 'without source', ({ reason }) => reason.endsWith('one.hbs is not there'))
  bench.write('one.hbs', SCOPE)
  group.resync()
  await bench.state(group, 'in-sync')
})

test('restores at a full pass what somebody else has changed, and does nothing where nobody has', async () => {
  await using bench = new Bench()
  const group = bench.group(bench.template('one', SCOPE, { mode: 0o640 }))
  await bench.state(group, 'in-sync')
  const before = statSync(bench.path('one'))
  group.resync()
  await group.settled(AbortSignal.timeout(10_000))
  assert.equal(statSync(bench.path('one')).ino, before.ino)
  assert.deepEqual([group.status().templates[0]?.renders, bench.told('reloads').length], [1, 1])
  bench.write('one', 'by hand\n')
  group.resync()
  await until('it is restored', () => bench.read('one') === 'scope demo\n')
  chmodSync(bench.path('one'), 0o666)
  group.resync()
  await until('its mode is restored', () => (statSync(bench.path('one')).mode & 0o777) === 0o640)
  await bench.state(group, 'in-sync')
  assert.equal(bench.count('template-restored'), 2)
})

test('fails loudly and does not loop for an owner whom nobody knows', async () => {
  await using bench = new Bench()
  const group = bench.group(bench.template('one', SCOPE, { owner: 'nobody-has-this-name' }))
  const { reason, templates } = await bench.state(group, 'failed')
  assert.match(reason, /one: there is no user nobody-has-this-name/)
  await sleep(300)
  assert.deepEqual([templates[0]?.renders, bench.count('file-failed'), bench.leftovers], [1, 1, []])
  assert.throws(() => bench.read('one'))
})

test('asks the DNS beside the passes, and writes what it answers', async () => {
  await using bench = new Bench()
  const group = bench.group(bench.template('one', "{{#each (lookupIPV4 'localhost')}}\nserver {{this}}\n{{/each}}\n"))
  await bench.state(group, 'in-sync')
  assert.match(bench.read('one'), /^server 127\.0\.0\.1$/m)
  assert.equal(bench.told('reloads').length, 1)
})

test('tells who is left out, once, and when that is over', async () => {
  await using bench = new Bench()
  bench.set(replicas('pg1', 'pg;2'))
  const group = bench.group(bench.template('one', REPLICAS))
  const { templates } = await bench.state(group, 'in-sync')
  assert.equal(bench.read('one'), 'pg1\n')
  assert.equal(templates[0]?.leftOut.length, 1)
  bench.change(group, replicas('pg1', 'pg;2', 'pg3'))
  await until('it is written', () => bench.read('one') === 'pg1\npg3\n')
  bench.change(group, replicas('pg1', 'pg3'))
  assert.deepEqual([bench.count('member-left-out'), bench.count('member-left-out-over')], [1, 1])
})

test('is settled when what is known is in the file and reloaded, and not while it is kept or fails', async () => {
  await using bench = new Bench()
  const reload = bench.command('sleep 0.1; cat one >> loaded')
  const group = bench.group(bench.template('one', `${SCOPE}${REPLICAS}`, { reload }))
  const never = new AbortController()
  await group.settled(never.signal)
  assert.deepEqual(bench.told('loaded'), ['scope demo', 'pg1'])
  bench.change(group, { scope: 'next' })
  await group.settled(never.signal)
  assert.deepEqual(bench.told('loaded').slice(2), ['scope next', 'pg1'])
  bench.change(group, replicas())
  await bench.state(group, 'kept')
  await assert.rejects(group.settled(AbortSignal.timeout(50)), { name: 'TimeoutError' })
  const waiting = group.settled(never.signal)
  bench.change(group, replicas('pg3'))
  await waiting
  assert.deepEqual(bench.told('loaded').slice(4), ['scope demo', 'pg3'])
})

test('is settled although something else has changed meanwhile, and when an answer makes no difference', async () => {
  await using bench = new Bench()
  const answers = "{{#if paused}}{{#each (lookupIPV4 'localhost')}}{{/each}}{{/if}}"
  const reload = bench.command('echo reload >> reloads; sleep 0.2')
  const group = bench.group(
    bench.template('one', `${answers}${SCOPE}`, { reload, debounce: { minMs: 60_000, maxMs: 60_000 } }),
  )
  const settled = group.settled(AbortSignal.timeout(10_000))
  await until('the reload runs', () => bench.told('reloads').length === 1, { everyMs: 2 })
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

test('ends a check that runs when it is closed, and leaves nothing behind', async () => {
  await using bench = new Bench()
  bench.write('one', 'old\n')
  const check = bench.command('echo $$ > pid; exec sleep 60')
  const group = bench.group(bench.template('one', SCOPE, { check }))
  const pid = await until('the check runs', () => Number(bench.told('pid')[0]))
  await group.close()
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  assert.deepEqual([bench.read('one'), bench.leftovers, bench.told('reloads')], ['old\n', [], []])
  await assert.rejects(group.settled(new AbortController().signal), /the router ends/)
})

test('lets a reload that runs end when it is closed', async () => {
  await using bench = new Bench()
  const reload = bench.command('echo begun >> reloads; sleep 0.3; echo done >> reloads')
  const group = bench.group(bench.template('one', SCOPE, { reload }))
  await until('the reload runs', () => bench.told('reloads').length === 1, { everyMs: 2 })
  await group.close()
  assert.deepEqual(bench.told('reloads'), ['begun', 'done'])
  assert.equal(bench.count('reload-owed'), 0)
})

test('ends a reload that takes too long when it is closed, and the next router makes up for it', async () => {
  await using bench = new Bench()
  const template = bench.template('one', SCOPE, {
    reload: bench.command('echo $$ >> reloads; test -e may || sleep 60', 60_000),
  })
  const group = bench.group(template)
  const pid = await until('the reload runs', () => Number(bench.told('reloads')[0]), { everyMs: 2 })
  await group.close()
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  assert.equal(bench.count('reload-owed'), 1)
  bench.write('may', '')
  await bench.state(bench.group(template), 'in-sync')
  assert.equal(bench.told('reloads').length, 2)
})
