import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ListenerConfig, Route } from '../../../src/config/config.ts'
import {
  byName,
  hasMoved,
  isDown,
  NEW_ROUTE,
  primaryTarget,
  routeStep,
  type RouteState,
  type Target,
} from '../../../src/proxy/route.ts'
import type { Address, ClusterView, MemberView, PrimaryView } from '../../../src/watcher/view.ts'
import { NOW, sampleMember, sampleView } from '../admin/sample.ts'

const ROUTES: readonly Route[] = ['primary', 'replica', 'sync', 'async', 'read-only', 'standby-leader', 'any']

function listener(route: Route, changes: Partial<ListenerConfig> = {}): ListenerConfig {
  const binds = [{ kind: 'tcp', host: null, port: 5001 }] as const
  const rest = { balance: 'roundrobin', maxLagBytes: null, tags: {}, fallback: 'none', closeFallback: false } as const
  return { name: route, binds, route, ...rest, ...changes }
}

/** A view with this one member; `leads`: it is the primary in this state. */
function one(changes: Partial<MemberView>, leads: PrimaryView['state'] | null = null, isStandby = false): ClusterView {
  const { primary } = sampleView()
  const member = sampleMember('m', changes)
  return sampleView({
    leader: member.isLeader ? 'm' : 'other',
    primary: { ...primary, state: leads ?? 'none', member: leads === null ? null : 'm', reason: 'why' },
    members: [member],
    standbyCluster: isStandby,
  })
}

function used({ uses, admitsPrimary }: RouteState, leads: boolean): boolean {
  const fit = uses[0]?.fit ?? false
  return fit && (!leads || admitsPrimary)
}

const DRAINED = { state: 'drain', by: 'alice', since: NOW, until: null } as const
const unfit = { fit: false, checked: true, down: false, reason: 'its REST API does not answer' }
const leads = { isLeader: true, replica: { fit: false, checked: true, down: false, reason: 'the leader' } }

describe('the members that serve', () => {
  const rows: readonly [string, ClusterView, readonly Route[], boolean?][] = [
    ['an asynchronous replica', one({}), ['replica', 'async', 'read-only', 'any']],
    ['a synchronous replica', one({ isSync: true }), ['replica', 'sync', 'read-only', 'any']],
    ['a replica with noloadbalance', one({ tags: { noloadbalance: true } }), ['any']],
    ['noloadbalance as Python sees truth', one({ tags: { noloadbalance: 'false' } }), ['any']],
    ['noloadbalance: false', one({ tags: { noloadbalance: false } }), ['replica', 'async', 'read-only', 'any']],
    ['noloadbalance: 0', one({ tags: { noloadbalance: 0 } }), ['replica', 'async', 'read-only', 'any']],
    ['a synchronous one with noloadbalance', one({ isSync: true, tags: { noloadbalance: true } }), ['any']],
    ['a replica that is not fit', one({ replica: unfit }), []],
    ['a replica without an address', one({ address: null }), []],
    ['the primary, open', one(leads, 'open'), ['primary', 'read-only', 'any'], true],
    ['the primary, unlocked', one(leads, 'unlocked'), ['primary', 'read-only', 'any'], true],
    [
      'the primary with noloadbalance',
      one({ ...leads, tags: { noloadbalance: true } }, 'open'),
      ['primary', 'read-only', 'any'],
      true,
    ],
    ['a primary that is not proved', one(leads, 'promoting'), [], true],
    ['a primary that cannot be reached', one(leads, 'unreachable'), [], true],
    [
      'a leader that says it is a replica',
      one({ ...leads, replica: { fit: true, checked: true, down: false, reason: '' } }, 'promoting'),
      [],
      true,
    ],
    [
      'one that is named leader while another is the primary',
      one({ ...leads, replica: { fit: true, checked: true, down: false, reason: '' } }),
      [],
    ],
    ['the leader of a standby cluster', one({ isLeader: true }, null, true), ['read-only', 'standby-leader', 'any']],
    [
      'a standby leader with noloadbalance',
      one({ isLeader: true, tags: { noloadbalance: true } }, null, true),
      ['read-only', 'standby-leader', 'any'],
    ],
    ['a standby leader that is not fit', one({ isLeader: true, replica: unfit }, null, true), []],
    ['a drained replica', one({ override: DRAINED }), []],
    ['a drained primary', one({ ...leads, override: DRAINED }, 'open'), [], true],
    ['a drained standby leader', one({ isLeader: true, override: DRAINED }, null, true), []],
    ['a replica of a standby cluster', one({}, null, true), ['replica', 'async', 'read-only', 'any']],
  ]
  for (const [title, view, expected, isPrimary = false] of rows) {
    test(`${title}: ${expected.join(', ') || 'nobody'}`, () => {
      const states = ROUTES.map((route) => [route, routeStep(NEW_ROUTE, view, listener(route))] as const)
      assert.deepEqual(
        states.filter(([, state]) => used(state, isPrimary)).map(([route]) => route),
        expected,
      )
      for (const [, { uses, targets }] of states) {
        assert.equal(uses[0]?.reason === '', uses[0]?.fit, 'a reason where it is not fit, and only there')
        // The primary comes by way of the fence, and by no other.
        assert.equal(targets.length, uses[0]?.fit === true && !isPrimary ? 1 : 0)
      }
    })
  }
})

describe('why not', () => {
  const rows: readonly [string, Route, Partial<ListenerConfig>, ClusterView, string | null][] = [
    ['is a replica', 'primary', {}, one({}), null],
    ['is the leader', 'replica', {}, one(leads, 'open'), null],
    ['is a replica', 'standby-leader', {}, one({}), null],
    ['is the standby leader', 'replica', {}, one({ isLeader: true }, null, true), null],
    ['promoting: why', 'primary', {}, one(leads, 'promoting'), null],
    ['its REST API does not answer', 'replica', {}, one({ replica: unfit }), null],
    ['noloadbalance', 'replica', {}, one({ tags: { noloadbalance: true } }), 'noloadbalance'],
    ['is not synchronous', 'sync', {}, one({}), 'sync'],
    ['is synchronous', 'async', {}, one({ isSync: true }), 'sync'],
    ['has no tag dc', 'replica', { tags: { dc: 'a' } }, one({}), 'tag'],
    ['tag dc is b, not a', 'replica', { tags: { dc: 'a' } }, one({ tags: { dc: 'b' } }), 'tag'],
    ['tag dc is b, not a', 'read-only', { tags: { dc: 'a' } }, one({ ...leads, tags: { dc: 'b' } }, 'open'), 'tag'],
    ['lag 2 MB above 1 MB', 'any', { maxLagBytes: 1024 ** 2 }, one({ lagBytes: 2 * 1024 ** 2 }), 'lag'],
    ['drained by alice since 2026-11-20 03:14:54Z', 'any', {}, one({ override: DRAINED }), null],
    ['its lag is not known', 'replica', { maxLagBytes: 1 }, one({}), null],
  ]
  for (const [reason, route, changes, view, cause] of rows) {
    test(`${route}: ${reason}`, () => {
      const { uses } = routeStep(NEW_ROUTE, view, listener(route, changes))
      assert.deepEqual(uses, [{ member: 'm', fit: false, reason, cause }])
    })
  }
})

describe('tags, compared as Patroni does', () => {
  const rows: readonly [ListenerConfig['tags'], MemberView['tags'], boolean][] = [
    [{}, { dc: 'a' }, true],
    [{ dc: 'a' }, { dc: 'a', other: 1 }, true],
    [{ dc: 'a' }, { dc: 'A' }, false],
    [{ dc: 'a' }, {}, false],
    [{ dc: 'a', ssd: true }, { dc: 'a' }, false],
    [{ ssd: true }, { ssd: true }, true],
    [{ ssd: true }, { ssd: 'true' }, true],
    [{ ssd: true }, { ssd: 'True' }, false],
    [{ ssd: false }, {}, false],
    [{ weight: 10 }, { weight: 10 }, true],
    [{ weight: '10' }, { weight: 10 }, true],
    [{ toString: 'x' }, {}, false],
  ]
  for (const [wanted, tags, expected] of rows) {
    test(`${JSON.stringify(wanted)} and ${JSON.stringify(tags)}: ${expected ? 'match' : 'no match'}`, () => {
      const state = routeStep(NEW_ROUTE, one({ tags }), listener('replica', { tags: wanted }))
      assert.equal(state.targets.length, expected ? 1 : 0)
    })
  }

  test('hold for the primary of a mixed route, and not for the routes that have one member', () => {
    const wanted = { tags: { dc: 'a' } }
    const admits = (tags: MemberView['tags'], route: Route): boolean =>
      routeStep(NEW_ROUTE, one({ ...leads, tags }, 'open'), listener(route, wanted)).admitsPrimary
    assert.deepEqual([admits({ dc: 'a' }, 'read-only'), admits({ dc: 'b' }, 'read-only')], [true, false])
    assert.deepEqual([admits({ dc: 'a' }, 'any'), admits({}, 'any')], [true, false])
    assert.equal(admits({ dc: 'b' }, 'primary'), true)
    const standby = one({ isLeader: true, tags: { dc: 'b' } }, null, true)
    assert.equal(routeStep(NEW_ROUTE, standby, listener('standby-leader', wanted)).targets.length, 1)
    assert.equal(routeStep(NEW_ROUTE, standby, listener('read-only', wanted)).targets.length, 0)
  })
})

test('lag has its hysteresis in each route by itself', () => {
  const MB = 1024 ** 2
  const config = listener('read-only', { maxLagBytes: 10 * MB })
  let state = NEW_ROUTE
  const fit = [9, 11, 9, 8].map((lag) => {
    state = routeStep(state, one({ lagBytes: lag * MB }), config)
    return state.targets.length
  })
  assert.deepEqual(fit, [1, 0, 0, 1])
})

test('the lag of a member is still watched while something else rules it out', () => {
  const config = listener('replica', { maxLagBytes: 1000 })
  const silent = routeStep(NEW_ROUTE, one({ lagBytes: 2000, replica: unfit }), config)
  const between = routeStep(silent, one({ lagBytes: 900 }), config)
  assert.equal(between.targets.length, 0)
})

describe('members that may turn out to be fit', () => {
  const unchecked = { fit: false, checked: false, down: false, reason: 'not checked yet' }
  const lag = { maxLagBytes: 1000 }
  const rows: readonly [string, ClusterView, Partial<ListenerConfig>, boolean][] = [
    ['a replica that was not checked yet', one({ replica: unchecked }), {}, true],
    ['a replica whose lag is not known yet', one({}), lag, true],
    ['one that lags', one({ lagBytes: 2000 }), lag, false],
    ['one that does not', one({ lagBytes: 10 }), lag, false],
    ['one that other things than its lag rule out', one({ tags: { noloadbalance: true } }), lag, false],
    ['one without the tag', one({}), { ...lag, tags: { dc: 'a' } }, false],
    ['one that is down', one({ replica: unfit }), lag, false],
    ['the leader', one(leads, 'open'), lag, false],
    ['any replica, where lag does not matter', one({}), {}, false],
  ]
  for (const [title, view, changes, expected] of rows) {
    test(`${title}: ${expected ? 'yes' : 'no'}`, () =>
      assert.equal(routeStep(NEW_ROUTE, view, listener('replica', changes)).isPending, expected))
  }
})

test('max_lag is no matter of the primary and of the standby leader', () => {
  const config = listener('any', { maxLagBytes: 1 })
  assert.equal(routeStep(NEW_ROUTE, one(leads, 'open'), config).uses[0]?.fit, true)
  assert.equal(routeStep(NEW_ROUTE, one({ isLeader: true }, null, true), config).targets.length, 1)
})

describe('a target', () => {
  const address = { host: 'db9.example', port: 6432 }
  const place = { host: '10.0.0.9', port: 6432 }

  test('is dialled where it was fit, not wherever its name leads, and belongs to no epoch', () => {
    const { targets } = routeStep(NEW_ROUTE, one({ address, place }), listener('replica'))
    assert.deepEqual(targets, [{ member: 'm', address: place, host: 'db9.example', epoch: 0, basis: null }])
  })

  test('is none while its name has not been resolved', () => {
    const { targets, uses } = routeStep(NEW_ROUTE, one({ address, place: null }), listener('replica'))
    assert.deepEqual([targets, uses[0]?.reason], [[], 'its name db9.example has not been resolved'])
  })
})

describe('the primary', () => {
  const { primary } = sampleView()
  for (const state of ['open', 'unlocked'] as const) {
    test(`${state}: the member that is open, with its epoch and basis`, () => {
      const view = sampleView({ primary: { ...primary, state, epoch: 9, basis: 'b' } })
      const address = { host: '10.0.0.1', port: 5432 }
      assert.deepEqual(primaryTarget(view), { member: 'pg1', address, host: '10.0.0.1', epoch: 9, basis: 'b' })
    })
  }
  for (const state of ['switching', 'promoting', 'unreachable', 'unverified', 'none'] as const) {
    test(`${state}: no target`, () => assert.equal(primaryTarget(sampleView({ primary: { ...primary, state } })), null))
  }
  test('no target without an address', () => {
    assert.equal(primaryTarget(sampleView({ primary: { ...primary, address: null } })), null)
    assert.equal(primaryTarget(sampleView({ primary: { ...primary, member: null } })), null)
  })
})

describe('sessions that only read', () => {
  const view = sampleView({
    members: [
      sampleMember('a'),
      sampleMember('b', { replica: unfit }),
      sampleMember('c', { replica: { ...unfit, down: true } }),
    ],
  })
  const on = (member: string, address: Address): Target => ({ member, address, host: 'db1', epoch: 0, basis: null })
  const address = { host: '10.0.0.1', port: 5432 }
  for (const [name, expected] of Object.entries({ a: false, b: false, c: true, forgotten: true })) {
    test(`those on ${name} are ${expected ? 'closed' : 'kept'}`, () =>
      assert.equal(isDown(byName(view), on(name, address)), expected))
  }
  for (const [title, now, expected] of [
    ['of the same address stay', { ...address }, false],
    ['of another host have lost their member', { ...address, host: '10.0.0.2' }, true],
    ['of another port have lost their member', { ...address, port: 5433 }, true],
    ['stay while no other address is known', null, false],
  ] as const) {
    test(`those ${title}`, () => assert.equal(hasMoved(byName(one({ address: now })), on('m', address)), expected))
  }

  test('of a name that leads to another server now have lost their member', () => {
    const named = { address: { host: 'db1.example', port: 5432 } }
    assert.equal(hasMoved(byName(one({ ...named, place: address })), on('m', address)), false)
    assert.equal(hasMoved(byName(one({ ...named, place: { ...address, host: '10.0.0.2' } })), on('m', address)), true)
    assert.equal(hasMoved(byName(one({ ...named, place: null })), on('m', address)), true)
  })
})

test('a drained member that has not answered yet keeps no route pending: it would not serve', () => {
  const unchecked = { fit: false, checked: false, down: false, reason: 'not checked yet' }
  const isPending = (changes: Partial<MemberView>): boolean =>
    routeStep(NEW_ROUTE, one({ replica: unchecked, ...changes }), listener('replica')).isPending
  assert.equal(isPending({}), true)
  assert.equal(isPending({ override: DRAINED }), false)
})
