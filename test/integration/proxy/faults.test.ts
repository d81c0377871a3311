import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { renderStatus } from '../../../src/admin/status/text.ts'
import { hasPrimary, statusJson } from '../../../src/admin/status/json.ts'
import { BALANCERS, type Balancer } from '../../../src/proxy/balance.ts'
import { RouteControl } from '../../../src/proxy/route-control.ts'
import { RouteServer } from '../../../src/proxy/route-server.ts'
import { Sessions } from '../../../src/proxy/sessions.ts'
import { inProcess } from '../../../src/proxy/worker.ts'
import type { ClusterView } from '../../../src/watcher/view.ts'
import { until } from '../../support/until.ts'
import { sampleStatus } from '../../unit/admin/sample.ts'
import { AUTH_OK, errorFields, STARTUP } from './support/messages.ts'
import { type FakeServer, PRIMARY, REPLICAS, type Rig, Scene } from './support/scene.ts'
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
  for (const [title, instead, withinMs] of [
    ['throws', failing, 1000],
    ['hangs', never, 4000],
  ] as const) {
    test(`that ${title} ends in destroyed sockets, and the next primary serves who waited`, async () => {
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
        rig.events('fence-forced').map(({ listener, level }) => [listener, level]),
        [
          ['primary', 40],
          ['replicas', 40],
        ],
      )
    })
  }

  test('whose sockets cannot be destroyed either holds clients, who read why; and status does not say open', async () => {
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
  assert.equal(rig.events('open-failed').length, 2)
  assert.equal(rig.events('open-recovered').length, 2)
})

test('a listener that cannot take a view holds everybody until it can, without another view, and is fenced all the same', async () => {
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
    test(`that ${title} costs nobody more than the choice, and is logged once`, async () => {
      const [first, second] = [await scene.postgres(), await scene.postgres()]
      const start = inProcess(undefined, { ...BALANCERS, roundrobin: () => balancer })
      const rig = await scene.proxy({}, undefined, undefined, start)
      rig.proxy.apply(replicaView({ pg1: first.address, pg2: second.address }))
      const clients = [await served(rig, 'replicas'), await served(rig, 'replicas')]
      assert.deepEqual([first.connections.length, second.connections.length], [2, 0])
      for (const { socket } of clients) socket.resetAndDestroy()
      await until('they have ended', () => rig.sessions === 0)
      assert.equal(rig.events('balancer-fault').length, 1)
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
  for (const line of rig.lines) {
    const { listener } = line
    assert.ok(listener === 'write' || listener === 'reports', JSON.stringify(line))
    assert.equal(line['route'], kinds[listener], JSON.stringify(line))
  }
  const seen = new Set(rig.lines.map(({ event }) => event))
  for (const event of ['listening', 'refused', 'released', 'fenced', 'dial-failed', 'member-unused', 'member-used'])
    assert.ok(seen.has(event), event)
  for (const event of ['fallback-begun', 'fallback-ended']) assert.ok(seen.has(event), event)
})
