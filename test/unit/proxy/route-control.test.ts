import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import type { ListenerConfig } from '../../../src/config/config.ts'
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

  shut(reason: string): void {
    this.#tell(`shut: ${reason}`)
  }

  fence(matches: (target: Target) => boolean): Promise<void> {
    this.closed.push(...this.#sessions.filter(matches).map(({ member, epoch }) => `${member}@${epoch}`))
    return Promise.resolve()
  }

  closeSessions(matches: (target: Target) => boolean): Promise<void> {
    return this.fence(matches)
  }

  /** What is told again changes nothing. */
  #tell(what: string): void {
    if (this.told.at(-1) !== what) this.told.push(what)
  }
}

function target(member: string, epoch: number): Target {
  return { member, address: { host: member, port: 5432 }, epoch, basis: epoch === 0 ? null : 'basis' }
}

function controlOf(server: FakeServer, changes: Partial<ListenerConfig>): RouteControl {
  const binds = [{ kind: 'tcp', host: null, port: 5001 }] as const
  const rest = { maxLagBytes: null, tags: {}, fallback: 'none', closeFallback: false } as const
  const listener: ListenerConfig = { name: 'r', route: 'replica', binds, ...rest, ...changes }
  return new RouteControl(listener, server, pino({ level: 'silent' }))
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
  ['the primary route', { route: 'primary' }, 'shut: the cluster is not known yet', 'open pg1@7'],
  ['a route without the primary', {}, 'open pg2@0', null],
] as const) {
  test(`${title} takes the primary from the data plane, that is after the fence, and never from the view`, () => {
    const server = new FakeServer()
    const control = controlOf(server, changes)
    control.observe(view())
    control.update()
    assert.deepEqual(server.told, [before])
    control.open(OPEN)
    control.update()
    assert.deepEqual(server.told, after === null ? [before] : [before, after])
    control.hold('primary: none: no leader key')
    const held = before.startsWith('shut') ? 'shut: primary: none: no leader key' : before
    assert.equal(server.told.at(-1), held)
  })
}

test('nothing is opened for a view that is only observed', () => {
  const server = new FakeServer()
  const control = controlOf(server, { route: 'any' })
  control.observe(view())
  assert.deepEqual(server.told, [])
})

test('nobody falls back to the primary before it is known that no replica is fit', () => {
  const server = new FakeServer()
  const control = controlOf(server, { fallback: 'primary' })
  const unchecked = { fit: false, checked: false, down: false, reason: 'not checked yet' }
  const members = view().members.map((member) => (member.isLeader ? member : { ...member, replica: unchecked }))
  control.open(OPEN)
  control.observe({ ...view(), members })
  control.update()
  assert.deepEqual(new Set(server.told.map((what) => what.slice(0, 4))), new Set(['shut']))
  control.observe(view(false))
  control.update()
  assert.match(server.told.at(-1) ?? '', /^open .*pg1@7/)
})

test('a fence ends the sessions of every other epoch, and those that the former primary had as a replica', async () => {
  const server = new FakeServer([target('pg1', 6), target('pg1', 7), target('pg1', 0), target('pg2', 0)])
  const control = controlOf(server, { route: 'any' })
  await control.fence(7, 'pg1 has the lock')
  assert.deepEqual(server.closed.splice(0), ['pg1@6'])
  control.open(OPEN)
  await control.fence(8, 'pg2 has the lock')
  assert.deepEqual(server.closed.splice(0), ['pg1@6', 'pg1@7', 'pg1@0'])
  // The next reign is of nobody: what pg1 serves from now on it serves as a replica.
  await control.fence(9, 'no leader')
  assert.deepEqual(server.closed, ['pg1@6', 'pg1@7'])
})

test('the primary that a mixed route uses is not closed for what is said of replicas', () => {
  const server = new FakeServer([target('pg1', 7), target('pg2', 0), target('pg9', 0)])
  const control = controlOf(server, { route: 'read-only' })
  control.observe(sampleView({ members: [sampleMember('pg2')] }))
  assert.deepEqual(server.closed, ['pg9@0'])
})

for (const [route, expected] of [
  ['sync', 'shut: no synchronous replica takes connections; primary: none: why'],
  ['standby-leader', 'shut: no standby leader takes connections; primary: none: why'],
  ['read-only', 'shut: no member takes connections; primary: none: why'],
  ['primary', 'shut: primary: none: why'],
] as const) {
  test(`who waits in vain for ${route} is told why`, () => {
    const server = new FakeServer()
    const control = controlOf(server, { route, fallback: 'primary' })
    control.observe(view(false))
    control.hold('primary: none: why')
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
      control.observe(view(isFit))
      control.open(OPEN)
    }
    assert.deepEqual(server.closed, expected)
  }
})
