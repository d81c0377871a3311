import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { renderStatus } from '../../../src/admin/status/text.ts'
import { hasPrimary, statusJson } from '../../../src/admin/status/json.ts'
import { BALANCERS, type Balancer } from '../../../src/proxy/balance.ts'
import { Counters } from '../../../src/proxy/counters.ts'
import { Listener } from '../../../src/proxy/listener.ts'
import { RouteControl } from '../../../src/proxy/route-control.ts'
import { RouteServer } from '../../../src/proxy/route-server.ts'
import { ServedListener } from '../../../src/proxy/served-listener.ts'
import { Sessions } from '../../../src/proxy/sessions.ts'
import { inProcess } from '../../../src/proxy/worker.ts'
import type { ClusterView } from '../../../src/watcher/view.ts'
import { until } from '../../support/until.ts'
import { sampleStatus } from '../../unit/admin/sample.ts'
import { AUTH_OK, errorFields, STARTUP } from './support/messages.ts'
import { type FakeServer, PRIMARY, proxyConfig, REPLICAS, type Rig, Scene } from './support/scene.ts'
import { openView, replicaView, withPrimary } from './support/views.ts'
import type { Wire } from './support/wire.ts'

let scene: Scene
beforeEach(() => {
  scene = new Scene()
})
afterEach(async () => {
  mock.restoreAll()
  await scene.clear()
})

/** Two primaries, one after the other: whenever the second gets a connection, the first must have none. */
async function primaries(): Promise<{ readonly former: FakeServer; readonly next: FakeServer }> {
  const former = await scene.postgres()
  const next = await scene.server((wire) => {
    assert.equal(former.open, 0, 'two primaries have sessions')
    wire.socket.once('data', () => wire.send(AUTH_OK))
  })
  return { former, next }
}

async function served(rig: Rig, listener = 'primary'): Promise<Wire> {
  const client = (await scene.client(rig, listener)).send(STARTUP)
  await client.got(AUTH_OK)
  return client
}

/** The first line of `status`, and whether it says that there is a primary. */
function headline(rig: Rig, view: ClusterView): readonly [string, boolean] {
  const [cluster] = sampleStatus().clusters
  assert.ok(cluster !== undefined)
  const json = statusJson({ ...sampleStatus(), clusters: [{ ...cluster, view, proxy: rig.proxy.status() }] })
  return [renderStatus(json).split('\n', 1)[0] ?? '', hasPrimary(json)]
}

function faultOf(rig: Rig, listener = 'primary') {
  return rig.proxy.status().listeners.find(({ name }) => name === listener)?.fault
}

const never = (): Promise<void> => new Promise(() => undefined)
const failing = (): never => {
  throw new Error('injected')
}

describe('a fence', () => {
  for (const [title, instead, why, withinMs] of [
    ['throws', failing, 'injected', 1000],
    ['hangs', never, 'no acknowledgement within 1 s', 4000],
  ] as const) {
    test(`that ${title} ends in destroyed sockets, and the next primary serves the waiting clients`, async () => {
      const { former, next } = await primaries()
      const rig = await scene.proxy()
      rig.proxy.apply(openView('pg1', former.address, 1))
      const sessions = [await served(rig), await served(rig)]
      const fence = mock.method(RouteServer.prototype, 'fence', instead)
      const since = performance.now()
      rig.proxy.apply(openView('pg2', next.address, 2))
      fence.mock.restore()
      const waiting = (await scene.client(rig)).send(STARTUP)
      await waiting.got(AUTH_OK)
      assert.ok(performance.now() - since < withinMs)
      for (const session of sessions) await session.over()
      assert.equal(next.connections.length, 1)
      assert.equal(faultOf(rig), null)
      assert.deepEqual(
        rig.events('fence-forced').map(({ level, msg }) => [level, msg]),
        ['primary', 'replicas'].map((listener) => [
          40,
          `${listener}: destroyed all its connections to members, because sessions could not be closed one by one: ${why}`,
        ]),
      )
    })
  }

  test('with sockets that cannot be destroyed either holds clients, which read why; and status does not say open', async () => {
    const { former, next } = await primaries()
    const rig = await scene.proxy({ hold: { timeoutMs: 3000 } })
    rig.proxy.apply(openView('pg1', former.address, 1))
    const session = await served(rig)
    // Of one listener alone: the others have no sessions.
    const close = mock.method(Sessions.prototype, 'close', failing)
    const destroy = mock.method(Sessions.prototype, 'destroy', failing)
    const view = openView('pg2', next.address, 2)
    rig.proxy.apply(view)
    await until('it is at fault', () => faultOf(rig) !== null)
    const refused = (await scene.client(rig)).send(STARTUP)
    assert.deepEqual(faultOf(rig), {
      kind: 'fence',
      reason: 'sessions on an earlier primary cannot be closed: some connections to servers are left: injected',
    })
    const [line, hasOne] = headline(rig, view)
    assert.match(
      line,
      /^primary: pg2 HELD - listener primary: sessions on an earlier primary cannot be closed: some connections to servers are left: injected/,
    )
    assert.equal(hasOne, false)
    await refused.over()
    const error = errorFields(refused.received)
    assert.equal(error?.['M'], 'no primary became available within 3 s')
    assert.equal(
      error['H'],
      'Sessions on an earlier primary cannot be closed: some connections to servers are left: injected.',
    )
    assert.equal(next.connections.length, 0)
    assert.equal(session.ended, false)
    assert.deepEqual(
      rig.events('fence-failed').map(({ listener, route, level }) => [listener, route, level]),
      [
        ['primary', 'primary', 50],
        ['replicas', 'replica', 50],
      ],
    )
    const waiting = (await scene.client(rig)).send(STARTUP)
    await until('it is held', () => rig.held === 1)
    destroy.mock.restore()
    await waiting.got(AUTH_OK)
    await session.over()
    close.mock.restore()
    await until('it has no fault any more', () => faultOf(rig) === null)
    assert.match(headline(rig, view)[0], /^primary: pg2 open for/i)
    assert.equal(rig.events('fence-recovered').length, 2)
  })
})

test('an opening that throws holds the clients of that listener, and is tried again until it opens', async () => {
  const { former } = await primaries()
  const rig = await scene.proxy({ listeners: [PRIMARY, { ...REPLICAS, fallback: 'primary' }] })
  const open = mock.method(RouteControl.prototype, 'open', failing)
  const view = openView('pg1', former.address, 1)
  rig.proxy.apply(view)
  const waiting = (await scene.client(rig)).send(STARTUP)
  await until('it is at fault', () => faultOf(rig) !== null)
  assert.deepEqual(faultOf(rig), { kind: 'open', reason: 'the primary pg1 cannot be opened: injected' })
  assert.match(
    headline(rig, view)[0],
    /^primary: pg1 HELD - listener primary: the primary pg1 cannot be opened: injected/,
  )
  assert.equal(headline(rig, view)[1], false)
  await until('it is held', () => rig.held === 1)
  open.mock.restore()
  await waiting.got(AUTH_OK)
  assert.equal(faultOf(rig), null)
  assert.deepEqual(
    rig.events('open-failed').map(({ level, msg }) => [level, msg]),
    ['primary', 'replicas'].map((listener) => [
      50,
      `${listener}: new connections are held: the primary pg1 cannot be opened: injected`,
    ]),
  )
  assert.equal(rig.events('open-recovered').length, 2)
})

test('a listener that cannot take a view holds all clients until it can, without another view, and is fenced all the same', async () => {
  const { former, next } = await primaries()
  const rig = await scene.proxy()
  rig.proxy.apply(openView('pg1', former.address, 1))
  const session = await served(rig)
  const take = mock.method(RouteControl.prototype, 'take', failing)
  rig.proxy.apply(openView('pg2', next.address, 2))
  await session.over()
  assert.deepEqual(faultOf(rig), { kind: 'open', reason: 'the primary pg2 cannot be opened: injected' })
  const waiting = (await scene.client(rig)).send(STARTUP)
  await until('it is held', () => rig.held === 1)
  take.mock.restore()
  await waiting.got(AUTH_OK)
  assert.equal(faultOf(rig), null)
  assert.equal(rig.events('listener-fault').length, 2)
  assert.equal(rig.events('listener-recovered').length, 2)
})

test('a listener that cannot take a view serves no reader that it knew before, also where it is held and destroyed', async () => {
  const [former, next, stale] = [await scene.postgres(), await scene.postgres(), await scene.postgres()]
  const rig = await scene.proxy()
  rig.proxy.apply(withPrimary(replicaView({ pg3: stale.address }), 'pg1', former.address, 1))
  await served(rig, 'replicas')
  const take = mock.method(RouteControl.prototype, 'take', failing)
  const opened = mock.method(RouteServer.prototype, 'open')
  const destroyed = mock.method(RouteControl.prototype, 'destroy')
  const held = mock.method(RouteControl.prototype, 'forget')
  rig.proxy.apply(withPrimary(replicaView({ pg3: stale.address }), 'pg2', next.address, 2))
  const waiting = (await scene.client(rig, 'replicas')).send(STARTUP)
  await until('both were destroyed', () => destroyed.mock.callCount() >= 2)
  await until('both were held after that', () => held.mock.callCount() >= 6)
  await until('the reader is held', () => rig.held === 1)
  assert.equal(opened.mock.callCount(), 0)
  assert.equal(stale.connections.length, 1)
  take.mock.restore()
  await waiting.got(AUTH_OK)
  assert.equal(faultOf(rig, 'replicas'), null)
})

test('a listener whose sockets are destroyed and that then cannot serve its readers holds no other listener', async () => {
  const { former, next } = await primaries()
  const replica = await scene.postgres()
  const rig = await scene.proxy()
  const view = (epoch: number, name: string, { address }: FakeServer): ClusterView =>
    withPrimary(replicaView({ pg3: replica.address }), name, address, epoch)
  rig.proxy.apply(view(1, 'pg1', former))
  const sessions = [await served(rig), await served(rig, 'replicas')]
  mock.method(RouteServer.prototype, 'fence', failing)
  // Readers are let through with the view, with the fence, and after the destruction.
  mock.method(RouteServer.prototype, 'open').mock.mockImplementationOnce(failing, 2)
  rig.proxy.apply(view(2, 'pg2', next))
  const [writer, reader] = [await scene.client(rig), await scene.client(rig, 'replicas')]
  reader.send(STARTUP)
  await writer.send(STARTUP).got(AUTH_OK)
  assert.deepEqual(faultOf(rig, 'replicas'), { kind: 'open', reason: 'the primary pg2 cannot be opened: injected' })
  assert.deepEqual([faultOf(rig), rig.held], [null, 1])
  for (const session of sessions) await session.over()
  assert.deepEqual(rig.events('fence-failed'), [])
  await reader.got(AUTH_OK)
  await until('it has no fault any more', () => faultOf(rig, 'replicas') === null)
})

test('sessions that cannot be closed are a fault of their own: new connections are served, and there is a primary', async () => {
  const [primary, replica] = [await scene.postgres(), await scene.postgres()]
  const rig = await scene.proxy()
  const view = withPrimary(replicaView({ pg2: { down: true } }), 'pg1', primary.address, 1)
  rig.proxy.apply(withPrimary(replicaView({ pg2: replica.address }), 'pg1', primary.address, 1))
  await served(rig, 'replicas')
  const close = mock.method(Sessions.prototype, 'close', failing)
  rig.proxy.apply(view)
  await until('it is at fault', () => faultOf(rig, 'replicas') !== null)
  assert.deepEqual(faultOf(rig), { kind: 'closing', reason: 'injected' })
  assert.deepEqual(faultOf(rig, 'replicas'), { kind: 'closing', reason: 'injected' })
  await served(rig)
  assert.deepEqual([headline(rig, view)[0].slice(0, 22), headline(rig, view)[1]], ['primary: pg1 OPEN for ', true])
  assert.match(
    String(rig.events('listener-fault')[0]?.['msg']),
    /^primary: cannot follow the cluster, so sessions are left that should be closed; please report it: injected$/,
  )
  close.mock.restore()
  await until('it is closed', () => faultOf(rig, 'replicas') === null && rig.sessions === 1)
})

describe('the end of a worker in which one listener fails', () => {
  test('closes the others and what is left of that one', async () => {
    const [primary, replica] = [await scene.postgres(), await scene.postgres()]
    const rig = await scene.proxy()
    rig.proxy.apply(withPrimary(replicaView({ pg2: replica.address }), 'pg1', primary.address, 1))
    const sessions = [await served(rig), await served(rig, 'replicas')]
    mock.method(Listener.prototype, 'close', failing, { times: 1 })
    mock.method(Counters.prototype, 'closed', failing, { times: 1 })
    rig.proxy.close()
    for (const session of sessions) await session.over()
    assert.deepEqual(
      rig.events('listener-fault').map(({ listener }) => listener),
      ['primary'],
    )
    mock.restoreAll()
    rig.proxy.close()
  })

  for (const step of ['stop', 'drain', 'endSessions'] as const) {
    test(`(${step}) ends the drain all the same, and the others have their time`, async () => {
      const [primary, replica] = [await scene.postgres(), await scene.postgres()]
      const rig = await scene.proxy({ drainTimeoutMs: 600 })
      rig.proxy.apply(withPrimary(replicaView({ pg2: replica.address }), 'pg1', primary.address, 1))
      const [writer, reader] = [await served(rig), await served(rig, 'replicas')]
      mock.method(
        ServedListener.prototype,
        step,
        step === 'drain' ? () => Promise.reject(new Error('injected')) : failing,
        { times: 1 },
      )
      const since = performance.now()
      await rig.proxy.drain()
      assert.ok(performance.now() - since >= 590, 'sessions have their time')
      assert.deepEqual(
        rig.events('listener-fault').map(({ level, msg }) => [level, msg]),
        [[50, 'not all sessions could be drained; please report it: a listener has failed: injected']],
      )
      await reader.over()
      assert.equal(writer.ended, step !== 'endSessions')
      rig.proxy.close()
      await writer.over()
    })
  }

  test('is acknowledged where a listener is removed, and nothing is left of it', async () => {
    const { former } = await primaries()
    const rig = await scene.proxy({ drainTimeoutMs: 100 })
    rig.proxy.apply(openView('pg1', former.address, 1))
    const session = await served(rig)
    mock.method(ServedListener.prototype, 'stop', failing, { times: 1 })
    rig.proxy.reconfigure(proxyConfig({ listeners: [REPLICAS], drainTimeoutMs: 100 }))
    await session.over()
    await until('it is forgotten', () => rig.sessions === 0)
  })
})

describe('a balancer', () => {
  const joined: string[] = []
  const ended: string[] = []
  const healthy: Balancer = {
    pick: ([first]) => first ?? failing(),
    joined: ({ member }) => joined.push(member),
    ended: ({ member }) => ended.push(member),
  }
  for (const [title, balancer] of [
    ['throws', { pick: failing, joined: failing, ended: failing }],
    ['hangs, that is chooses nothing', { ...healthy, pick: () => never() as never }],
    ['chooses none of the targets', { ...healthy, pick: ([first]) => ({ ...(first ?? failing()) }) }],
  ] satisfies [string, Balancer][]) {
    test(`that ${title} costs the clients only the choice, and is logged once`, async () => {
      const [first, second] = [await scene.postgres(), await scene.postgres()]
      const start = inProcess(undefined, { ...BALANCERS, roundrobin: () => balancer })
      const rig = await scene.proxy({}, undefined, undefined, start)
      rig.proxy.apply(replicaView({ pg1: first.address, pg2: second.address }))
      const clients = [await served(rig, 'replicas'), await served(rig, 'replicas')]
      assert.deepEqual([first.connections.length, second.connections.length], [2, 0])
      for (const { socket } of clients) socket.resetAndDestroy()
      await until('they have ended', () => rig.sessions === 0)
      assert.equal(rig.events('balancer-fault').length, 1)
      assert.match(
        String(rig.events('balancer-fault')[0]?.['msg']),
        /^replicas: the balancer failed, so the first member of the route gets all new connections; please report it: /,
      )
      assert.equal(rig.events('balancer-fault')[0]?.['listener'], 'replicas')
    })
  }

  test('sees the load: every session that begins on a target, and its end', async () => {
    const server = await scene.postgres()
    const start = inProcess(undefined, { ...BALANCERS, roundrobin: () => healthy })
    const rig = await scene.proxy({ listeners: [REPLICAS] }, undefined, undefined, start)
    rig.proxy.apply(replicaView({ pg1: server.address }))
    joined.length = 0
    ended.length = 0
    const left = await served(rig, 'replicas')
    await served(rig, 'replicas')
    assert.deepEqual([joined, ended], [['pg1', 'pg1'], []])
    left.socket.resetAndDestroy()
    await until('it has ended', () => rig.sessions === 1)
    assert.deepEqual(ended, ['pg1'])
    // Another way to end: those of a member that is down.
    rig.proxy.apply(replicaView({ pg1: { down: true } }))
    assert.deepEqual(ended, ['pg1', 'pg1'])
  })
})

test('the log of a listener says its name as `listener` and the kind of its route as `route`, in every line', async () => {
  const [replica, primary] = [await scene.postgres(), await scene.postgres()]
  const reports = { ...REPLICAS, name: 'reports', fallback: 'primary', maxLagBytes: 1000 } as const
  const rig = await scene.proxy({ listeners: [{ ...PRIMARY, name: 'write' }, reports], hold: { timeoutMs: 200 } })
  const lagging = (lagBytes: number): ClusterView =>
    withPrimary(replicaView({ pg2: replica.address }, { pg2: { lagBytes } }), 'pg1', primary.address, 1)
  await (await scene.client(rig, 'write')).send(STARTUP).over()
  const waiting = (await scene.client(rig, 'write')).send(STARTUP)
  await until('it is held', () => rig.held === 1)
  rig.proxy.apply(lagging(5000))
  await waiting.got(AUTH_OK)
  rig.proxy.apply(lagging(0))
  rig.proxy.apply(withPrimary(replicaView({}), 'pg3', await scene.nobody(), 2))
  ;(await scene.client(rig, 'write')).send(STARTUP)
  await until('a dial has failed', () => rig.events('dial-failed').length > 0)
  const kinds = { write: 'primary', reports: 'replica' }
  // They are about all listeners.
  const common = ['held', 'opened']
  for (const line of rig.lines.filter(({ event }) => !common.includes(String(event)))) {
    const { listener } = line
    assert.ok(listener === 'write' || listener === 'reports', JSON.stringify(line))
    assert.equal(line['route'], kinds[listener], JSON.stringify(line))
  }
  const seen = new Set(rig.lines.map(({ event }) => event))
  for (const event of ['listening', 'refused', 'released', 'fenced', 'dial-failed', 'member-unused', 'member-used'])
    assert.ok(seen.has(event), event)
  for (const event of ['fallback-begun', 'fallback-ended', ...common]) assert.ok(seen.has(event), event)
})
