import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Check, CHECKS, healthOf, parseWanted } from '../../../../src/admin/http/health.ts'
import type { ProxyStatus } from '../../../../src/proxy/status.ts'
import type { ClusterView } from '../../../../src/watcher/view.ts'
import { sampleListener, sampleMember, sampleProxy, sampleStatus, sampleView } from '../sample.ts'

const ANY = { lagBytes: null, tags: {} }

/** Returns the members of each check that says yes. */
function passing(view: ClusterView, proxy: ProxyStatus | null, wanted = ANY as Parameters<typeof healthOf>[2]): object {
  const status = sampleStatus({ view, proxy })
  const members = (check: Check): readonly string[] => healthOf(check, status, wanted)[0]?.members ?? []
  return Object.fromEntries(CHECKS.flatMap((check) => (members(check).length === 0 ? [] : [[check, members(check)]])))
}

const MEMBERS = [
  sampleMember('pg1', {
    isLeader: true,
    replica: { fit: false, checked: true, down: false, reason: '', cause: 'leads' },
  }),
  sampleMember('pg2', { isSync: true, lagBytes: 1000, tags: { dc: 'A' } }),
  sampleMember('pg3', { lagBytes: 5000 }),
]
const VIEW = sampleView({ members: MEMBERS })
const WITHOUT_PRIMARY = sampleView({
  members: MEMBERS,
  primary: { ...VIEW.primary, state: 'none', member: null, reason: 'no leader key' },
})

test('without a listener a check says what Patroni would say of the members', () => {
  assert.deepEqual(passing(VIEW, null), {
    ...{ primary: ['pg1'], leader: ['pg1'], replica: ['pg2', 'pg3'], sync: ['pg2'], async: ['pg3'] },
    ...{ 'read-only': ['pg1', 'pg2', 'pg3'], health: ['pg1', 'pg2', 'pg3'] },
  })
  assert.deepEqual(passing(WITHOUT_PRIMARY, null), {
    ...{ replica: ['pg2', 'pg3'], sync: ['pg2'], async: ['pg3'] },
    ...{ 'read-only': ['pg2', 'pg3'], health: ['pg2', 'pg3'] },
  })
})

test('lag and tags of the request are those of Patroni, and the primary has neither', () => {
  const wanted = parseWanted({ lag: '1kB', tag_dc: 'a', other: 'x' })
  assert.deepEqual(wanted, { lagBytes: 1024, tags: { dc: 'a' } })
  assert.deepEqual(passing(VIEW, null, { lagBytes: 1024, tags: {} }), {
    ...{ primary: ['pg1'], leader: ['pg1'], replica: ['pg2'], sync: ['pg2'] },
    ...{ 'read-only': ['pg1', 'pg2'], health: ['pg1', 'pg2'] },
  })
  const any = { primary: ['pg1'], leader: ['pg1'] }
  const tagged = { replica: ['pg2'], sync: ['pg2'], 'read-only': ['pg2'], health: ['pg1', 'pg2'] }
  assert.deepEqual(passing(VIEW, null, { lagBytes: null, tags: { dc: 'A' } }), { ...any, ...tagged })
  assert.deepEqual(passing(VIEW, null, { lagBytes: null, tags: { dc: 'a' } }), { ...any, health: ['pg1'] })
  const wrong = parseWanted({ lag: '16mb' })
  assert.ok(typeof wrong === 'string')
  assert.match(wrong, /^lag: .*did you mean "16MB"/)
})

test('the leader of a standby cluster is a leader that serves reads, whatever the lag that is given', () => {
  const members = [sampleMember('pg1', { isLeader: true, lagBytes: null }), sampleMember('pg2', { lagBytes: 5000 })]
  const standby = { ...WITHOUT_PRIMARY, members, standbyCluster: true }
  const leader = { 'standby-leader': ['pg1'], leader: ['pg1'] }
  const found = passing(standby, null, { lagBytes: 1024, tags: {} })
  assert.deepEqual(found, { ...leader, 'read-only': ['pg1'], health: ['pg1'] })
})

test('a listener of the route decides, with its own limits, its fallback, its faults and what it holds by request', () => {
  const own = (route: 'primary' | 'replica', members: Record<string, string>, changes = {}): ProxyStatus =>
    sampleProxy({ listeners: [sampleListener('own', route, members, changes)] })
  const of = (check: Check, proxy: ProxyStatus, view = VIEW): readonly unknown[] => {
    const [found] = healthOf(check, sampleStatus({ view, proxy }), ANY)
    return [found?.ok, found?.members.join(), found?.reason]
  }
  const lagging = { pg1: 'is the leader', pg2: 'lag 1 kB above 1 kB', pg3: '' }
  assert.deepEqual(of('replica', own('replica', lagging)), [true, 'pg3', ''])
  const none = { pg2: 'down', pg3: 'down' }
  assert.deepEqual(of('replica', own('replica', none)), [false, '', 'pg2: down; pg3: down'])
  assert.deepEqual(of('replica', own('replica', none, { fallback: true })), [true, 'pg1', ''])
  assert.deepEqual(of('replica', own('replica', none, { fallback: true }), WITHOUT_PRIMARY)[0], false)
  const heldByRequest = { by: 'alice', since: 0, until: 1 }
  assert.deepEqual(of('replica', own('replica', { pg2: '' }, { heldByRequest })), [false, '', 'held by alice'])
  const fault = { kind: 'open', reason: 'it cannot open' }
  assert.deepEqual(of('primary', own('primary', { pg1: '' }, { fault })), [false, '', 'it cannot open'])
  const fence = sampleProxy({
    listeners: [
      sampleListener('one', 'primary', { pg1: '' }),
      sampleListener('two', 'replica', { pg2: '' }, { fault: { kind: 'fence', reason: 'stuck' } }),
    ],
  })
  assert.deepEqual(of('primary', fence), [false, '', 'stuck'])
})

test('an overridden primary accepts no new connections, and a router that has read nothing none at all', () => {
  const override = { state: 'drain', by: 'alice', since: 0, until: null } as const
  const drained = sampleView({ members: MEMBERS, primary: { ...VIEW.primary, override } })
  const [found] = healthOf('primary', sampleStatus({ view: drained, proxy: null }), ANY)
  assert.deepEqual([found?.ok, found?.reason], [false, 'pg1 is overridden (drain by alice)'])
  const gone = { ...VIEW.primary, override, state: 'unreachable', reason: 'no answer' } as const
  const lost = sampleStatus({ view: sampleView({ members: MEMBERS, primary: gone }), proxy: null })
  assert.equal(healthOf('primary', lost, ANY)[0]?.reason, 'pg1 is unreachable: no answer')
  const unread = sampleView({ members: [], dcs: { ...VIEW.dcs, state: 'never' } })
  const status = sampleStatus({ view: unread, proxy: null })
  for (const check of CHECKS) assert.equal(healthOf(check, status, ANY)[0]?.reason, 'the DCS has not been read yet')
})
