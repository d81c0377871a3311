/** The view that is published, composed of the parts of the watcher. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Cluster } from '../../../src/watcher/cluster.ts'
import type { Fitness } from '../../../src/watcher/members/fitness.ts'
import { initialPrimary, type PrimaryPhase } from '../../../src/watcher/primary/machine.ts'
import { factsOf, type KnownMembers, recalled, remember, serving } from '../../../src/watcher/members/known-members.ts'
import type { Pins } from '../../../src/watcher/members/pins.ts'
import { type ClusterView, type DcsView, isServing, servesReads } from '../../../src/watcher/view.ts'
import { composeView, MemberViews } from '../../../src/watcher/compose-view.ts'
import { cluster, FIT, member, view } from './sample.ts'

const proxy = { address: 'conn_url' }
const config = { scope: 'demo', namespace: 'service', citusGroup: null, proxy } as Parameters<
  typeof composeView
>[0]['config']

const PINS: Pins = new Map([['pg0', new Map([['pg0.example.com', '10.0.0.1']])]])

function composed(seen: Cluster, phase: PrimaryPhase, own: Fitness = FIT, pins: Pins = PINS) {
  const before = remember(new Map(), cluster({ members: [member('pg9')] }), null, 0)
  const known = remember(before, seen, null, 1)
  const machine = {
    ...initialPrimary(3, 0),
    link: 'up' as const,
    facts: factsOf(seen, known, 'conn_url'),
    phase,
    since: 5,
    epoch: 7,
  }
  const fitness = new Map([...known.keys()].map((name) => [name, own]))
  return composeView({ config, dcs: view().dcs, cluster: seen, machine, known, fitness, pins })
}

test('the leader that the DCS names, and who is open, are no replicas, whatever their REST API says', () => {
  const { members } = composed(cluster(), { state: 'unlocked', member: 'pg1', reason: '' })
  const fit = members.map(({ name, replica }) => [name, replica.fit, replica.reason])
  assert.deepEqual(fit, [
    ['pg0', false, 'the leader'],
    ['pg1', false, 'the leader'],
    ['pg9', false, 'no member key in the DCS (Patroni stopped or cut off)'],
  ])
})

test('members are sorted by name, and those whose keys have gone are there', () => {
  const seen = cluster({ members: [member('b'), member('a'), member('B')], leader: null })
  const { members, leader } = composed(seen, { state: 'none', reason: 'nobody', cause: null })
  assert.deepEqual(
    members.map(({ name, gone }) => [name, gone]),
    [['B', false], ['a', false], ['b', false], ['pg9', true]], // prettier-ignore
  )
  assert.equal(leader, null)
})

test('whether one that runs as a primary has no lock is said once the DCS is read, where there is a lock', () => {
  const own = { ...FIT, rest: 'unfit', reason: 'it runs as a primary (timeline 4)', cause: 'runs-as-primary' } as const
  const seen = (state: DcsView['state'], hasLock: boolean): string | undefined => {
    const known = remember(new Map(), cluster(), null, 0)
    const parts = {
      config,
      dcs: { ...view().dcs, state },
      cluster: cluster({ hasLock }),
      machine: initialPrimary(3, 0),
    }
    const { members } = composeView({ ...parts, known, fitness: new Map([['pg1', own]]) })
    const { reason, cause } = members.find(({ name }) => name === 'pg1')?.replica ?? {}
    assert.equal(cause, state === 'up' && hasLock ? 'second-primary' : 'runs-as-primary')
    return reason
  }
  assert.equal(seen('up', true), 'it runs as a primary without the leader lock (timeline 4)')
  for (const [state, hasLock] of [
    ['up', false],
    ['lost', true],
    ['never', true],
  ] as const)
    // prettier-ignore
    assert.equal(seen(state, hasLock), 'it runs as a primary (timeline 4)')
})

test('members of an earlier run whose keys have gone are not shown, unless one leads', () => {
  const earlier = ['pg1', 'pg7', 'pg8'].map((name) => ({ member: member(name), goneSince: name === 'pg8' ? 1 : null }))
  const shown = (known: KnownMembers, leads: string): unknown => {
    const machine = { ...initialPrimary(3, 0), phase: { state: 'unlocked', member: leads, reason: '' } as const }
    const parts = { config, dcs: view().dcs, cluster: cluster(), machine, known, fitness: new Map() }
    return composeView(parts).members.map(({ name, gone }) => `${name}${gone ? ' gone' : ''}`)
  }
  const before = recalled(earlier)
  assert.deepEqual(shown(before, 'pg1'), ['pg1', 'pg7'])
  const read = remember(before, cluster(), null, 2)
  assert.deepEqual(shown(read, 'pg1'), ['pg0', 'pg1'])
  assert.deepEqual(shown(read, 'pg8'), ['pg0', 'pg1', 'pg8 gone'])
  assert.deepEqual([...read.keys()].toSorted(), ['pg0', 'pg1', 'pg7', 'pg8'])
  // It may have sessions.
  const served = remember(serving(before, 'pg7'), cluster(), null, 2)
  assert.deepEqual(shown(served, 'pg1'), ['pg0', 'pg1', 'pg7 gone'])
  assert.equal(serving(before, 'pg8'), before)
  // Once its key was there it is one that has gone before somebody's eyes.
  const back = remember(read, cluster({ members: [member('pg0'), member('pg1'), member('pg8')] }), null, 3)
  assert.deepEqual(shown(remember(back, cluster(), null, 4), 'pg1'), ['pg0', 'pg1', 'pg8 gone'])
})

test('the primary has its address and what it was decided by; none has neither', () => {
  const open = composed(cluster(), { state: 'open', member: 'pg0', reason: 'proved' }).primary
  assert.deepEqual(
    [open.address, open.reason, open.since, open.epoch],
    [{ host: 'pg0.example.com', port: 5432 }, 'proved', 5, 7],
  )
  assert.deepEqual(open.place, { host: '10.0.0.1', port: 5432 })
  assert.notEqual(open.basis, '')
  const none = composed(cluster(), { state: 'none', reason: 'nobody', cause: null }).primary
  assert.deepEqual([none.member, none.address, none.basis], [null, null, ''])
})

test('the leader of a standby cluster serves readers, and no other leader does', () => {
  const standby = cluster({ standbyCluster: true })
  const { members } = composed(standby, { state: 'none', reason: 'a standby cluster', cause: null })
  const leader = members.find(({ name }) => name === 'pg0')
  assert.deepEqual([leader?.isLeader, leader?.replica.fit], [true, true])
  const promoted = composed(cluster(), { state: 'open', member: 'pg0', reason: '' }).members
  assert.deepEqual(
    promoted.filter(({ isLeader }) => isLeader).map(({ name, replica }) => [name, replica.fit]),
    [['pg0', false]],
  )
})

test('the leader that the members name leads as well, where there is no lock to read', () => {
  const seen = cluster({ leader: null, hasLock: false, claimed: 'pg1' })
  const { leader, members } = composed(seen, { state: 'none', reason: '', cause: null })
  assert.equal(leader, 'pg1')
  assert.deepEqual(
    members.map(({ isLeader }) => isLeader),
    [false, true, false],
  )
})

test('the synchronous set is known by name, whatever the case', () => {
  const seen = cluster({ members: [member('pg0'), member('PG1')], syncStandbys: ['pg1'] })
  const { members } = composed(seen, { state: 'open', member: 'pg0', reason: '' })
  const sync = members.filter(({ isSync }) => isSync).map(({ name }) => name)
  assert.deepEqual(sync, ['PG1'])
})

test('the lag of a member whose Postgres is not running is not known', () => {
  const members = ['running', 'stopped', 'creating replica'].map((state, at) => member(`pg${at + 1}`, { state }))
  const seen = cluster({ members: [member('pg0'), ...members] })
  const lagging = composed(seen, { state: 'open', member: 'pg0', reason: '' }, { ...FIT, lagBytes: 5 }).members
  const lags = lagging.map(({ name, lagBytes }) => [name, lagBytes])
  assert.deepEqual(lags, [['pg0', null], ['pg1', 5], ['pg2', null], ['pg3', null], ['pg9', null]]) // prettier-ignore
})

test('requests to the cluster are shown, and which timeline is lost', () => {
  const failover = { leader: 'pg0', member: 'pg1', scheduledAt: null }
  const shown = composed(cluster({ failover, quorum: true }), { state: 'none', reason: '', cause: null })
  assert.deepEqual([shown.switchover, shown.quorum, shown.ttlMs, shown.setBack], [failover, true, 30_000, null])
})

test('an open primary whose name has never been resolved is nowhere, and the reason says so', () => {
  const { primary } = composed(cluster(), { state: 'open', member: 'pg0', reason: 'proved' }, FIT, new Map())
  assert.deepEqual([primary.place, primary.reason], [null, 'its name pg0.example.com has not been resolved'])
})

test('an override is in the view of its member and of the primary, which is not served then, in the same epoch', () => {
  const seen = cluster({ members: [member('pg0'), member('pg1')], leader: { name: 'pg1', session: '1' } })
  const known = remember(new Map(), seen, null, 1)
  const phase: PrimaryPhase = { state: 'open', member: 'pg1', reason: 'why' }
  const machine = { ...initialPrimary(3, 0), link: 'up' as const, phase, epoch: 7 }
  const override = { state: 'drain', by: 'alice', since: 1, until: null } as const
  const before = new MemberViews()
  const fitness = new Map([['pg0', FIT]])
  const parts = { config, dcs: view().dcs, cluster: seen, machine, known, fitness, before }
  const seenWith = (...names: readonly string[]): ClusterView =>
    composeView({ ...parts, overrides: new Map(names.map((name) => [name, override])) })
  const none = seenWith()
  const both = seenWith('pg0', 'pg1', 'pg7')
  assert.deepEqual(
    both.members.map((each) => each.override),
    [override, override],
  )
  assert.deepEqual(both.primary, { ...none.primary, override })
  assert.deepEqual([isServing(none.primary), isServing(both.primary)], [true, false])
  assert.deepEqual(none.members.map(servesReads), [true, false])
  assert.deepEqual(both.members.map(servesReads), [false, false])
  assert.equal('override' in none.primary, false)
  // Nothing has changed of this one.
  assert.equal(seenWith('pg0').members[0], both.members[0])
  assert.deepEqual(seenWith(), none)
})
