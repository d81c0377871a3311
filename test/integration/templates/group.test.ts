import assert from 'node:assert/strict'
import { chmodSync, statSync, unlinkSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { now } from '../../../src/clock.ts'
import type { MemberView } from '../../../src/watcher/view.ts'
import { type Fate, withFaults } from '../../support/files/faults.ts'
import { until } from '../../support/until.ts'
import { memberView } from '../../unit/watcher/sample.ts'
import { Bench } from './support/workbench.ts'

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
  assert.deepEqual(bench.logged('checked'), ['scope demo', 'name pg0'])
  assert.deepEqual(bench.logged('reloads'), ['reload'])
  assert.deepEqual(bench.leftovers, [])
  assert.deepEqual(bench.events(), ['template-written', 'template-written', 'reloaded'])
  assert.deepEqual([status.reason, status.reload?.pending, status.reload?.runs, status.retryAt], ['', false, 1, null])
  assert.deepEqual(
    status.templates.map(({ renders, error, checks, checkFailures, check: last }) => [
      ...[renders, error, checks, checkFailures, last?.ok],
    ]),
    [
      [1, null, 1, 0, true],
      [1, null, 1, 0, true],
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
  assert.deepEqual(bench.logged('reloads'), ['reload'])
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

test('leaves alone a file that another program has written while it was checked', async () => {
  await using bench = new Bench()
  const group = bench.group(bench.template('one', SCOPE, { check: bench.command('cp {{staged}} one') }))
  await bench.state(group, 'in-sync')
  assert.deepEqual([bench.events(), bench.logged('reloads'), bench.leftovers], [[], [], []])
})

test('makes one pass at a time, and has the next one do what has changed meanwhile', async () => {
  await using bench = new Bench()
  const check = bench.command('mkdir busy || echo twice >> overlaps; sleep 0.2; rmdir busy; echo check >> checks')
  const group = bench.group(bench.template('one', SCOPE, { check }))
  await until('the check runs', () => statSync(bench.path('busy')).isDirectory(), { everyMs: 2 })
  for (const scope of ['two', 'three']) bench.change(group, { scope }, true)
  await until('the last one is written', () => bench.read('one') === 'scope three\n')
  await bench.state(group, 'in-sync')
  assert.deepEqual([bench.logged('overlaps'), bench.logged('checks').length], [[], 2])
})

test('leaves the destination as it is when the check fails, says why once, tries again, and says when that is over', async () => {
  await using bench = new Bench()
  const old = 'by hand\0\n'
  const since = Date.now()
  bench.write('one', old)
  const check = bench.command('echo try >> tries; echo line 3 is wrong; grep -q good {{staged}}')
  const group = bench.group(bench.template('one', SCOPE, { check }))
  const status = await bench.state(group, 'failed')
  assert.deepEqual([bench.read('one'), bench.leftovers, bench.logged('reloads')], [old, [], []])
  assert.match(status.reason, /^the check of .*one exited with 1/)
  const errors = status.templates.map(({ error, check: last }) => [error, last?.output])
  assert.deepEqual(errors, [[status.reason, 'line 3 is wrong']])
  assert.ok(status.retryAt !== null && status.retryAt >= since)
  await until('it is tried again', () => bench.logged('tries').length >= 2, { everyMs: 5 })
  const [failure, ...more] = bench.lines.filter(({ event }) => event === 'check-failed')
  assert.ok(failure !== undefined && more.length === 0)
  assert.deepEqual([failure.level, failure['output']], ['error', 'line 3 is wrong'])
  assert.match(failure.msg, /exited with 1.*: line 3 is wrong$/)
  bench.change(group, { scope: 'good' })
  await bench.state(group, 'in-sync')
  assert.deepEqual([bench.read('one'), bench.logged('reloads')], ['scope good\n', ['reload']])
  assert.equal(bench.count('templates-recovered'), 1)
  const { checks = 0, checkFailures = 0 } = group.status().templates[0] ?? {}
  assert.deepEqual([checks, checkFailures], [bench.logged('tries').length, checks - 1])
})

test('gives both commands the same names: in a check of what is staged, in a reload of the destination', async () => {
  await using bench = new Bench()
  const tell = '{{staged}} {{destination}} $PATRONI_ROUTER_STAGED $PATRONI_ROUTER_DESTINATION'
  const check = bench.command(`cat {{staged}} && echo ${tell} >> told`)
  const group = bench.group(bench.template('one', SCOPE, { check, reload: bench.command(`echo ${tell} >> told`) }))
  await bench.state(group, 'in-sync')
  const [checked, reloaded] = bench.logged('told').map((line) => line.split(' '))
  const [destination, staged] = [bench.path('one'), checked?.[0] ?? '']
  assert.match(staged, /\/\.one\.patroni-router-\d+-[0-9a-f]+\.tmp$/)
  assert.deepEqual(checked, [staged, destination, staged, destination])
  assert.deepEqual(
    reloaded,
    Array.from({ length: 4 }, () => destination),
  )
})

test('writes a mount point in place, time and again, with one warning', async () => {
  await using bench = new Bench()
  bench.write('one', 'old\n')
  const { ino } = statSync(bench.path('one'))
  const mounted: Fate = ({ name, args }) => (name === 'rename' && args[1] === bench.path('one') ? 'EBUSY' : null)
  await withFaults(mounted, async () => {
    const group = bench.group(bench.template('one', SCOPE))
    await bench.state(group, 'in-sync')
    bench.change(group, { scope: 'next' })
    await group.settled(AbortSignal.timeout(10_000))
  })
  assert.deepEqual([bench.read('one'), statSync(bench.path('one')).ino], ['scope next\n', ino])
  assert.deepEqual([bench.logged('reloads').length, bench.leftovers], [2, []])
  assert.deepEqual(
    bench.lines.filter(({ level }) => level === 'warn').map(({ event }) => event),
    ['written-in-place'],
  )
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
  assert.deepEqual([bench.logged('reloads'), bench.leftovers], [[], []])
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
  assert.deepEqual([last?.pending, last?.runs, bench.logged('reloads').length], [false, 2, 2])
  assert.deepEqual([bench.count('reload-failed'), bench.count('reloaded'), bench.count('reload-owed')], [1, 1, 0])
})

test('runs at the start the reload that an earlier router owes, although no file differs and no cluster is known', async () => {
  await using bench = new Bench()
  const template = bench.template('one', SCOPE, { reload: bench.command('echo reload >> reloads; test -e may') })
  const first = bench.group(template)
  await bench.state(first, 'failed')
  await first.close()
  const runs = bench.logged('reloads').length
  bench.write('may', '')
  bench.set(null)
  const second = bench.group(template)
  await bench.until(second, 'reloaded', ({ reload }) => reload?.pending === false && reload.runs === 1)
  await bench.state(second, 'waiting')
  bench.change(second, {})
  await bench.state(second, 'in-sync')
  assert.equal(bench.logged('reloads').length, runs + 1)
  await second.close()
  const third = bench.group(template)
  await bench.state(third, 'in-sync')
  assert.deepEqual([third.status().reload?.runs, bench.logged('reloads').length], [0, runs + 1])
})

test('keeps both files of a group while one of its lists is empty, and writes them when it no longer is', async () => {
  await using bench = new Bench()
  bench.set(replicas())
  bench.write('one', 'old\n')
  const group = bench.group(bench.template('one', REPLICAS), bench.template('two', SCOPE))
  const { reason } = await bench.state(group, 'kept')
  assert.match(reason, /replicas is empty$/)
  assert.deepEqual([bench.read('one'), bench.logged('reloads')], ['old\n', []])
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
  bench.set({
    primary: {
      state: 'none',
      member: null,
      address: null,
      place: null,
      reason: '',
      since: 1,
      epoch: 1,
      silences: 0,
      basis: '',
    },
  })
  const primary = bench.group(bench.template('two', 'host {{primary.host}}\n', { onEmpty: 'render' }))
  assert.match((await bench.state(primary, 'failed')).reason, /two\.hbs:1:\d+: there is no primary/)
})

test('names the place in a faulty source, leaves its file alone, and continues once it is fixed', async () => {
  await using bench = new Bench()
  bench.write('one', 'old\n')
  const template = bench.template('one', '\n{{scopee}}\n', { intervalMs: 100 })
  const group = bench.group(template)
  const { reason, templates } = await bench.state(group, 'failed')
  assert.match(reason, /one\.hbs:2:\d+: .*scopee/)
  assert.deepEqual([templates[0]?.error, bench.read('one'), bench.logged('reloads')], [reason, 'old\n', []])
  assert.equal(bench.lines.find(({ event }) => event === 'template-failed')?.level, 'error')
  bench.write('one.hbs', SCOPE)
  await bench.state(group, 'in-sync')
  assert.equal(bench.read('one'), 'scope demo\n')
  assert.equal(bench.count('template-failed'), 1)
})

test('keeps using the last correct template while its source is broken or gone, and reports it', async () => {
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
  unlinkSync(bench.path('one.hbs'))
  group.resync()
  await bench.state(group, 'failed')
  // The same as before.
  bench.write('one.hbs', SCOPE)
  group.resync()
  await bench.state(group, 'in-sync')
})

test('restores changed files at a full pass, and does nothing where there are none', async () => {
  await using bench = new Bench()
  const group = bench.group(bench.template('one', SCOPE, { mode: 0o640 }))
  await bench.state(group, 'in-sync')
  const before = statSync(bench.path('one'))
  group.resync()
  await group.settled(AbortSignal.timeout(10_000))
  assert.equal(statSync(bench.path('one')).ino, before.ino)
  assert.deepEqual([group.status().templates[0]?.renders, bench.logged('reloads').length], [1, 1])
  bench.write('one', 'by hand\n')
  group.resync()
  await until('it is restored', () => bench.read('one') === 'scope demo\n')
  // A mode that changes within that pass would be restored by it, too.
  await until('that is logged', () => bench.count('template-restored') === 1)
  chmodSync(bench.path('one'), 0o666)
  group.resync()
  await until('its mode is restored', () => (statSync(bench.path('one')).mode & 0o777) === 0o640)
  // The file is in its place before that is logged, and the state is in-sync meanwhile.
  await until('both are logged', () => bench.count('template-restored') === 2)
  await bench.state(group, 'in-sync')
})

test('makes few passes of a storm of requests for one, and one after the last', async () => {
  await using bench = new Bench()
  const reload = bench.command('echo reload >> reloads; sleep 0.05')
  const group = bench.group(bench.template('one', SCOPE, { reload, debounce: { minMs: 60, maxMs: 120 } }))
  const begun = Date.now()
  for (let n = 0; n < 300; n++) {
    bench.write('one.hbs', `${n} ${SCOPE}`)
    group.resync()
    if (n % 10 === 0) await sleep(2)
  }
  await until('the last one counts', () => bench.read('one') === '299 scope demo\n')
  await bench.state(group, 'in-sync')
  assert.ok(bench.logged('reloads').length <= (Date.now() - begun) / 60 + 1)
})

test('restores changed files by itself, every interval, and reads its source again', async () => {
  await using bench = new Bench()
  const group = bench.group(bench.template('one', SCOPE, { intervalMs: 50 }))
  await bench.state(group, 'in-sync')
  bench.write('one', 'by hand\n')
  await until('it is restored', () => bench.read('one') === 'scope demo\n')
  bench.write('one.hbs', 'other {{scope}}\n')
  await until('the other template counts', () => bench.read('one') === 'other demo\n')
  unlinkSync(bench.path('one'))
  await until('it is written and reloaded again', () => bench.logged('reloads').length === 4)
  assert.deepEqual([bench.read('one'), bench.count('template-restored')], ['other demo\n', 2])
})

test('fails loudly and does not loop for an unknown owner', async () => {
  await using bench = new Bench()
  const since = now()
  const group = bench.group(bench.template('one', SCOPE, { owner: 'nobody-has-this-name' }))
  const { reason, templates, retryAt } = await bench.state(group, 'failed')
  assert.match(reason, /one: there is no user nobody-has-this-name/)
  assert.ok(retryAt !== null && retryAt >= since + 1000)
  assert.deepEqual([templates[0]?.renders, bench.count('file-failed'), bench.leftovers], [1, 1, []])
  assert.throws(() => bench.read('one'))
})

test('asks the DNS beside the passes, and writes what it answers', async () => {
  await using bench = new Bench()
  const group = bench.group(bench.template('one', "{{#each (lookupIPV4 'localhost')}}\nserver {{this}}\n{{/each}}\n"))
  await bench.state(group, 'in-sync')
  assert.match(bench.read('one'), /^server 127\.0\.0\.1$/m)
  assert.equal(bench.logged('reloads').length, 1)
})

test('asks the DNS again with every full pass', async () => {
  await using bench = new Bench()
  bench.answer('none')
  const text = "{{#each (lookupIPV4 'pg1')}}{{this}}\n{{else}}nobody\n{{/each}}"
  const group = bench.group(bench.template('one', text, { intervalMs: 50 }))
  await until('it has no address', () => bench.read('one') === 'nobody\n')
  for (const address of ['10.0.0.1', '10.0.0.2']) {
    bench.answer(address)
    await until('it is written', () => bench.read('one') === `${address}\n`)
  }
  await bench.state(group, 'in-sync')
})

test('reports a member that is left out, once, and when that is over', async () => {
  await using bench = new Bench()
  bench.set(replicas('pg1', 'pg;2'))
  const group = bench.group(bench.template('one', REPLICAS))
  const { templates } = await bench.state(group, 'in-sync')
  assert.equal(bench.read('one'), 'pg1\n')
  assert.equal(templates[0]?.leftOut.length, 1)
  bench.change(group, replicas('pg1', 'pg;2', 'pg3'))
  await until('it is written', () => bench.read('one') === 'pg1\npg3\n')
  bench.change(group, replicas('pg1', 'pg3'))
  await until('that is over', () => bench.count('member-left-out-over') === 1)
  assert.equal(bench.count('member-left-out'), 1)
})

test('takes a fault of its own for a failure, throws nothing where a change is noted, and recovers', async () => {
  await using bench = new Bench()
  const group = bench.group(bench.template('one', SCOPE))
  await bench.state(group, 'in-sync')
  bench.change(group, { members: null as never })
  const { reason } = await bench.state(group, 'failed')
  assert.match(reason, /members|null|iterable/)
  for (let n = 0; n < 10; n++) bench.change(group, { members: null as never })
  assert.ok(bench.count('fault') <= 2)
  bench.change(group, { scope: 'next' })
  await bench.state(group, 'in-sync')
  assert.equal(bench.read('one'), 'scope next\n')
})
