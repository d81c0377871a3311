import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { ListenerConfig, PrimaryState } from '../../../src/config/config.ts'
import { PrimaryFence } from '../../../src/proxy/primary-fence.ts'
import { type Controlled, RouteControl } from '../../../src/proxy/route-control.ts'
import { primaryTarget, type Target } from '../../../src/proxy/route.ts'
import type { ClusterView } from '../../../src/watcher/view.ts'
import { sampleMember, sampleView } from '../admin/sample.ts'

/** A server with a session on each of these targets: what it is told, and whom it would close. */
class FakeServer implements Controlled {
  readonly told: string[] = []
  readonly closed: string[] = []
  readonly #sessions: readonly Target[]

  constructor(sessions: readonly Target[] = []) {
    this.#sessions = sessions
  }

  open(targets: readonly Target[], fallback: Target | null): void {
    const names = targets.map(({ member, epoch }) => `${member}@${epoch}`).join(' ')
    this.#tell(`open ${names}${fallback === null ? '' : ` or ${fallback.member}@${fallback.epoch}`}`)
  }

  shut(reason: string, isByRequest = false): void {
    this.#tell(`shut${isByRequest ? ' by request' : ''}: ${reason}`)
  }

  fence(matches: (target: Target) => boolean): Promise<void> {
    this.closed.push(...this.#sessions.filter(matches).map(({ member, epoch }) => `${member}@${epoch}`))
    return Promise.resolve()
  }

  closeSessions(matches: (target: Target) => boolean): Promise<void> {
    return this.fence(matches)
  }

  destroy(): void {
    void this.fence(() => true)
  }

  /** What is told again changes nothing. */
  #tell(what: string): void {
    if (this.told.at(-1) !== what) this.told.push(what)
  }
}

function target(member: string, epoch: number): Target {
  return { member, address: { host: '10.0.0.1', port: 5432 }, host: 'db1', epoch, basis: epoch === 0 ? null : 'basis' }
}

function controlOf(server: FakeServer, changes: Partial<ListenerConfig>): RouteControl {
  const binds = [{ kind: 'tcp', host: null, port: 5001 }] as const
  const rest = { balance: 'roundrobin', maxLagBytes: null, tags: {}, fallback: 'none', closeFallback: false } as const
  const listener: ListenerConfig = { name: 'r', route: 'replica', binds, ...rest, ...changes }
  return new RouteControl(listener, server, () => undefined, assert.ifError)
}

function never(): never {
  throw new Error('no listener has a fault')
}

/** pg1 is the primary in epoch 7; pg2 is a replica, if it is fit. */
function view(isReplicaFit = true): ClusterView {
  const unfit = { fit: false, checked: true, down: false, reason: 'unfit' }
  return sampleView({
    members: [
      sampleMember('pg1', { isLeader: true, replica: unfit }),
      sampleMember('pg2', { replica: isReplicaFit ? { fit: true, checked: true, down: false, reason: '' } : unfit }),
    ],
  })
}

const OPEN = primaryTarget(view()) ?? target('nobody', 0)

for (const [title, changes, before, after] of [
  ['a mixed route', { route: 'read-only' }, 'open pg2@0', 'open pg2@0 pg1@7'],
  ['a fallback', { fallback: 'primary' }, 'open pg2@0', 'open pg2@0 or pg1@7'],
  ['the primary route', { route: 'primary' }, 'shut: the state of the cluster is not known yet', 'open pg1@7'],
  ['a route without the primary', {}, 'open pg2@0', null],
] as const) {
  test(`${title} takes the primary from the data plane, that is after the fence, and never from the view`, () => {
    const server = new FakeServer()
    const control = controlOf(server, changes)
    control.take(view(), null)
    assert.deepEqual(server.told, [before])
    control.open(OPEN)
    control.take(view(), null)
    assert.deepEqual(server.told, after === null ? [before] : [before, after])
    control.hold('primary: none: no leader key')
    const held = before.startsWith('shut') ? 'shut: primary: none: no leader key' : before
    assert.equal(server.told.at(-1), held)
  })
}

test('a view that is taken with a hold opens the primary for no client, whatever it says', () => {
  const server = new FakeServer()
  const control = controlOf(server, { route: 'any' })
  control.take(view(), 'leader pg1: not fenced yet')
  assert.deepEqual(server.told, ['open pg2@0'])
})

test('no client falls back to the primary before it is known that no replica is fit', () => {
  const server = new FakeServer()
  const control = controlOf(server, { fallback: 'primary' })
  const unchecked = { fit: false, checked: false, down: false, reason: 'not checked yet' }
  const members = view().members.map((member) => (member.isLeader ? member : { ...member, replica: unchecked }))
  control.open(OPEN)
  control.take({ ...view(), members }, null)
  assert.deepEqual(new Set(server.told.map((what) => what.slice(0, 4))), new Set(['shut']))
  control.take(view(false), null)
  assert.match(server.told.at(-1) ?? '', /^open .*pg1@7/)
})

test('no client falls back to the primary before the lag of a fit replica is known', () => {
  const server = new FakeServer()
  const control = controlOf(server, { fallback: 'primary', maxLagBytes: 1000 })
  const lagging = (lagBytes: number | null): ClusterView => ({
    ...view(),
    members: view().members.map((member) => (member.isLeader ? member : { ...member, lagBytes })),
  })
  control.take(lagging(null), null)
  control.open(OPEN)
  assert.equal(control.status.fallback, false)
  assert.deepEqual(server.told, ['shut: no replica can be used; the state of the cluster is not known yet'])
  control.take(lagging(2000), null)
  assert.equal(control.status.fallback, true)
  // It was known once: what is not known now ends nothing.
  control.take(lagging(null), null)
  assert.equal(control.status.fallback, true)
})

/** The members are pg1 to pg3, and the DCS names `leader`, of whom the primary's state is. */
function led(leader: string | null, state: PrimaryState, changes: Partial<ClusterView> = {}): ClusterView {
  const primary = { ...sampleView().primary, state, member: state === 'none' ? null : leader }
  const members = ['pg1', 'pg2', 'pg3'].map((name) => sampleMember(name, { isLeader: name === leader }))
  return sampleView({ leader, primary, members, ...changes })
}

describe('a fence', () => {
  test('ends the sessions of every other epoch, and those that the former primary had as a replica', async () => {
    const server = new FakeServer([target('pg1', 6), target('pg1', 7), target('pg1', 0), target('pg2', 0)])
    const control = controlOf(server, { route: 'any' })
    control.take(led('pg1', 'open'), 'held')
    await control.fence(7, 'pg1 has the lock')
    assert.deepEqual(server.closed.splice(0), ['pg1@6'])
    control.open(target('pg1', 7))
    control.take(led('pg2', 'open'), 'held')
    await control.fence(8, 'pg2 has the lock')
    assert.deepEqual(server.closed.splice(0), ['pg1@6', 'pg1@7', 'pg1@0'])
    control.open(target('pg2', 8))
    // The next reign is of nobody: what pg1 serves from now on it serves as a replica.
    control.take(led(null, 'none'), 'held')
    await control.fence(9, 'no leader')
    assert.deepEqual(server.closed.splice(0), ['pg1@6', 'pg1@7', 'pg2@0'])
    control.take(led('pg3', 'open'), 'held')
    await control.fence(10, 'pg3 has the lock')
    assert.deepEqual(server.closed, ['pg1@6', 'pg1@7'])
  })

  test('ends the replica sessions of a leader that was promoted and never opened', async () => {
    const server = new FakeServer([target('pg1', 0), target('pg2', 0), target('pg3', 0)])
    const control = controlOf(server, {})
    control.take(led('pg1', 'open'), 'held')
    await control.fence(1, 'pg1 has the lock')
    control.open(target('pg1', 1))
    control.take(led('pg2', 'promoting'), 'held')
    await control.fence(2, 'pg2 has the lock')
    assert.deepEqual(server.closed.splice(0), ['pg1@0'], 'a promotion cuts nothing')
    // The same epoch: nobody has sessions to write by.
    control.take(led('pg3', 'promoting'), 'held')
    control.take(led('pg3', 'open'), 'held')
    await control.fence(3, 'pg3 has the lock')
    assert.deepEqual(server.closed, ['pg2@0'])
  })

  test('ends those of leaders that came and went while another fence was under way', async () => {
    const server = new FakeServer([target('pg1', 0), target('pg2', 0), target('pg3', 0)])
    const control = controlOf(server, {})
    const follower = new PrimaryFence({
      all: () => [
        {
          hold: (reason) => control.hold(reason),
          fence: (epoch, reason) => control.fence(epoch, reason),
          destroy: () => Promise.reject(new Error('every fence is acknowledged')),
          open: (target) => {
            control.open(target)
            return Promise.resolve()
          },
        },
      ],
      take: (view, hold) => control.take(view, hold),
      forced: never,
      faultBegun: never,
      held: () => undefined,
      opened: () => undefined,
      faultEnded: never,
    })
    const epoch = (view: ClusterView, epoch: number): ClusterView => ({ ...view, primary: { ...view.primary, epoch } })
    for (const view of [
      epoch(led('pg1', 'open'), 1),
      epoch(led('pg2', 'open'), 2),
      epoch(led('pg1', 'promoting'), 3),
      epoch(led('pg3', 'open'), 4),
    ]) {
      follower.follow(view)
    }
    await turn()
    assert.deepEqual(server.closed, ['pg1@0', 'pg2@0'])
  })

  test('spares the readers of a leader that is opened late, until another one follows it', async () => {
    const server = new FakeServer([target('pg2', 0)])
    const control = controlOf(server, {})
    control.take(led('pg2', 'promoting'), 'held')
    await control.fence(2, 'pg2 has the lock')
    control.take(led('pg2', 'open'), 'held')
    await control.fence(3, 'pg2 has proved itself')
    assert.deepEqual(server.closed, [])
    control.open(target('pg2', 3))
    control.take(led('pg1', 'promoting'), 'held')
    await control.fence(4, 'pg1 has the lock')
    assert.deepEqual(server.closed, ['pg2@0'])
  })

  test('ends those of a primary that has taken its proof back, though the DCS still names it', async () => {
    const server = new FakeServer([target('pg1', 0)])
    const control = controlOf(server, {})
    control.take(led('pg1', 'open'), 'held')
    control.open(target('pg1', 1))
    control.take(led('pg1', 'promoting'), 'held')
    await control.fence(2, 'it answers as a replica')
    assert.deepEqual(server.closed, ['pg1@0'])
  })

  test('spares the readers of leaders of a standby cluster, which took no writes', async () => {
    const server = new FakeServer([target('pg1', 0), target('pg2', 0)])
    const control = controlOf(server, { route: 'any' })
    control.take(led('pg1', 'none', { standbyCluster: true }), 'held')
    control.take(led('pg2', 'none', { standbyCluster: true }), 'held')
    control.take(led('pg2', 'open'), 'held')
    await control.fence(2, 'the standby cluster was promoted')
    assert.deepEqual(server.closed, [])
    // From its promotion on it takes them.
    control.take(led('pg1', 'open'), 'held')
    await control.fence(3, 'pg1 has the lock')
    assert.deepEqual(server.closed, ['pg2@0'])
  })
})

test('closes the sessions of a replica that has moved to another address', () => {
  const server = new FakeServer([target('pg1', 7), target('pg1', 0), target('pg2', 0)])
  const control = controlOf(server, {})
  const before = led('pg1', 'open')
  control.take(before, null)
  assert.deepEqual(server.closed, [])
  const members = before.members.map((member) =>
    member.name === 'pg2' ? { ...member, place: { host: '10.0.0.2', port: 5432 } } : member,
  )
  control.take({ ...before, members }, null)
  assert.deepEqual(server.closed, ['pg2@0'])
})

test('the primary that a mixed route uses is not closed for what is said of replicas', () => {
  const server = new FakeServer([target('pg1', 7), target('pg2', 0), target('pg9', 0)])
  const control = controlOf(server, { route: 'read-only' })
  control.take(sampleView({ members: [sampleMember('pg2')] }), null)
  assert.deepEqual(server.closed, ['pg9@0'])
})

for (const [route, expected] of [
  ['sync', 'shut: no synchronous replica can be used; primary: none: why'],
  ['standby-leader', 'shut: no standby leader can be used; primary: none: why'],
  ['read-only', 'shut: no member can be used; primary: none: why'],
  ['primary', 'shut: primary: none: why'],
] as const) {
  test(`a client whose wait for ${route} ends reads why`, () => {
    const server = new FakeServer()
    const control = controlOf(server, { route, fallback: 'primary' })
    control.take(view(false), 'primary: none: why')
    assert.deepEqual(server.told, [expected])
  })
}

test('closes the fallback sessions once, and the sessions of a mixed route on the primary never', () => {
  for (const [route, expected] of [
    ['replica', ['pg1@7']],
    ['read-only', []],
  ] as const) {
    const server = new FakeServer([target('pg1', 7), target('pg2', 0)])
    const control = controlOf(server, { route, fallback: 'primary', closeFallback: true })
    for (const isFit of [false, true, true]) {
      control.take(view(isFit), null)
      control.open(OPEN)
    }
    assert.deepEqual(server.closed, expected)
  }
})

describe('a hold by request', () => {
  test('shuts the route whatever its members could serve, closes nothing, and opens what there is when it ends', () => {
    const server = new FakeServer([target('pg1', 7), target('pg2', 0)])
    const control = controlOf(server, { route: 'any' })
    control.take(view(), null)
    control.open(OPEN)
    control.pause('held')
    control.take(view(false), null)
    control.hold('no leader key')
    control.open(OPEN)
    control.take(view(), null)
    control.pause(null)
    assert.deepEqual(server.told.slice(-3), ['open pg2@0 pg1@7', 'shut by request: held', 'open pg2@0 pg1@7'])
    assert.deepEqual(server.closed, [])
  })

  test('ends in a hold that counts the time where no member can serve', () => {
    const server = new FakeServer()
    const control = controlOf(server, { route: 'primary' })
    control.pause('held')
    control.take(view(), 'leader pg1: switching')
    control.pause(null)
    assert.deepEqual(server.told, ['shut by request: held', 'shut: leader pg1: switching'])
  })

  test('lets no client fall back to the primary', () => {
    const server = new FakeServer()
    const control = controlOf(server, { fallback: 'primary' })
    control.take(view(), null)
    control.open(OPEN)
    control.pause('held')
    control.take(view(false), null)
    assert.equal(server.told.at(-1), 'shut by request: held')
    control.pause(null)
    assert.equal(server.told.at(-1), 'open  or pg1@7')
  })
})

test('no client of a drained primary falls back to it, or from it', async () => {
  const override = { state: 'drain', by: 'alice', since: 0, until: null } as const
  const { primary, members, ...rest } = view(false)
  const drained = {
    ...rest,
    primary: { ...primary, override },
    members: members.map((member) => (member.isLeader ? { ...member, override } : member)),
  }
  assert.equal(primaryTarget(drained), null)
  const server = new FakeServer()
  const control = controlOf(server, { fallback: 'primary' })
  const fence = new PrimaryFence({
    all: () => [],
    take: (next, hold) => control.take(next, hold),
    ...{ held: () => undefined, opened: () => undefined, forced: never, faultBegun: never, faultEnded: never },
  })
  fence.follow(view(false))
  control.open(OPEN)
  assert.equal(server.told.at(-1), 'open  or pg1@7')
  fence.follow(drained)
  await turn()
  assert.equal(server.told.at(-1), 'shut: no replica can be used; leader pg1: drained')
  fence.close()
})
