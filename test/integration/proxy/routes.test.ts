import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { ListenerConfig } from '../../../src/config/config.ts'
import type { ClusterView } from '../../../src/watcher/view.ts'
import { until } from '../../support/until.ts'
import { AUTH_OK, CANCEL_REQUEST, errorFields, STARTUP } from './support/messages.ts'
import { type FakeServer, PRIMARY, REPLICAS, type Rig, Scene } from './support/scene.ts'
import { closedView, openView, replicaView, withPrimary } from './support/views.ts'
import type { Wire } from './support/wire.ts'

const MB = 1024 ** 2
const UNFIT = { replica: { fit: false, checked: true, down: false, reason: 'its REST API does not answer' } }
const MIXED: ListenerConfig = { ...REPLICAS, name: 'mixed', route: 'read-only' }

let scene: Scene
let pg1: FakeServer
let pg2: FakeServer
let pg3: FakeServer
beforeEach(async () => {
  scene = new Scene()
  pg1 = await scene.postgres()
  pg2 = await scene.postgres()
  pg3 = await scene.postgres()
})
afterEach(() => scene.clear())

/** pg1 leads in `epoch`; pg2 and pg3 are replicas, with these changes. */
function cluster(epoch: number, changes: Parameters<typeof replicaView>[1] = {}): ClusterView {
  return withPrimary(replicaView({ pg2: pg2.address, pg3: pg3.address }, changes), 'pg1', pg1.address, epoch)
}

/** The same, and the primary takes nobody. */
function closed(epoch: number, changes: Parameters<typeof replicaView>[1] = {}): ClusterView {
  return { ...cluster(epoch, changes), primary: closedView(epoch).primary }
}

async function served(rig: Rig, listener: string): Promise<Wire> {
  const client = (await scene.client(rig, listener)).send(STARTUP)
  await client.got(AUTH_OK)
  return client
}

/** Where the sessions of a listener are, as `pg1 pg2 pg2`. */
function places(rig: Rig, listener: string): string {
  const own = rig.proxy.status().sessions.filter((each) => each.listener === listener)
  return own
    .flatMap(({ member, sessions }) => Array<string>(sessions).fill(member))
    .toSorted()
    .join(' ')
}

function listenerStatus(rig: Rig, name: string) {
  const found = rig.proxy.status().listeners.find((listener) => listener.name === name)
  assert.ok(found)
  return found
}

test('each route has the members that belong to it, in turn', async () => {
  const names = ['sync', 'async', 'read-only', 'any', 'standby-leader'] as const
  const rig = await scene.proxy({
    listeners: [PRIMARY, REPLICAS, ...names.map((route) => ({ ...REPLICAS, name: route, route }))],
  })
  rig.proxy.apply(cluster(1, { pg2: { isSync: true }, pg3: { tags: { noloadbalance: true } } }))
  for (const listener of ['primary', 'replicas', 'sync', 'read-only', 'any'])
    for (let n = 0; n < 3; n++) await served(rig, listener)
  assert.equal(places(rig, 'primary'), 'pg1 pg1 pg1')
  assert.equal(places(rig, 'replicas'), 'pg2 pg2 pg2')
  assert.equal(places(rig, 'sync'), 'pg2 pg2 pg2')
  assert.equal(places(rig, 'read-only'), 'pg1 pg1 pg2')
  assert.equal(places(rig, 'any'), 'pg1 pg2 pg3')
  ;(await scene.client(rig, 'async')).send(STARTUP)
  ;(await scene.client(rig, 'standby-leader')).send(STARTUP)
  await until('both are held', () => rig.held === 2)
  assert.deepEqual(
    listenerStatus(rig, 'async').members.map(({ member, fit, reason }) => [member, fit, reason]),
    [
      ['pg1', false, 'is the leader'],
      ['pg2', false, 'is synchronous'],
      ['pg3', false, 'noloadbalance'],
    ],
  )
  // pg3 may be used when the set of synchronous ones changes, and only then.
  rig.proxy.apply(cluster(1, { pg2: { isSync: false } }))
  await until('one has a server', () => rig.held === 1)
})

test('serves the leader of a standby cluster, also after that cluster is promoted', async () => {
  const listener = { ...REPLICAS, name: 'standby', route: 'standby-leader' } as const
  const rig = await scene.proxy({ listeners: [PRIMARY, listener, MIXED] })
  const standby = replicaView({ pg1: pg1.address, pg2: pg2.address }, { pg1: { isLeader: true } })
  rig.proxy.apply({ ...standby, standbyCluster: true, leader: 'pg1' })
  const client = await served(rig, 'standby')
  await served(rig, 'mixed')
  await served(rig, 'mixed')
  assert.equal(places(rig, 'mixed'), 'pg1 pg2')
  rig.proxy.apply(withPrimary(standby, 'pg1', pg1.address, 2))
  await served(rig, 'primary')
  assert.equal(client.ended, false)
  ;(await scene.client(rig, 'standby')).send(STARTUP)
  await until('it is held', () => rig.held === 1)
})

test('fences the sessions on the primary whichever route they came by, and no others', async () => {
  const rig = await scene.proxy({ listeners: [PRIMARY, MIXED, { ...REPLICAS, fallback: 'primary' }] })
  const none = { pg2: UNFIT, pg3: UNFIT }
  rig.proxy.apply(cluster(1, none))
  const onPrimary = [await served(rig, 'primary'), await served(rig, 'mixed'), await served(rig, 'replicas')]
  rig.proxy.apply(cluster(1))
  const onReplicas = [await served(rig, 'mixed'), await served(rig, 'mixed'), await served(rig, 'replicas')]
  assert.equal(places(rig, 'mixed'), 'pg1 pg2 pg3')
  const next = withPrimary(replicaView({ pg1: pg1.address, pg3: pg3.address }), 'pg2', pg2.address, 2)
  rig.proxy.apply(next)
  assert.equal(rig.proxy.status().totals.fenced, 3)
  await Promise.all(onPrimary.map((wire) => wire.over()))
  assert.equal(
    onReplicas.some(({ ended }) => ended),
    false,
  )
})

test('a mixed route continues with the replicas while the primary is not open', async () => {
  const rig = await scene.proxy({ listeners: [MIXED] })
  rig.proxy.apply(cluster(1))
  for (let n = 0; n < 3; n++) await served(rig, 'mixed')
  assert.equal(places(rig, 'mixed'), 'pg1 pg2 pg3')
  rig.proxy.apply(closed(1))
  for (let n = 0; n < 4; n++) await served(rig, 'mixed')
  assert.equal(places(rig, 'mixed'), 'pg1 pg2 pg2 pg2 pg3 pg3 pg3')
  assert.equal(rig.held, 0)
})

test('a dial of a mixed route to the primary that comes too late is closed, and its client served again', async () => {
  const slow = await scene.server()
  const rig = await scene.proxy({ listeners: [MIXED] })
  rig.proxy.apply(openView('pg1', slow.address, 1))
  const client = (await scene.client(rig, 'mixed')).send(STARTUP)
  const backend = await slow.connection()
  await backend.got(STARTUP)
  rig.proxy.apply(withPrimary(replicaView({ pg3: pg3.address }), 'pg2', await scene.nobody(), 2))
  backend.send(AUTH_OK)
  await client.got(AUTH_OK)
  await backend.over()
  assert.equal(places(rig, 'mixed'), 'pg3')
})

test('sessions that a replica accepted before its promotion end when another leader follows', async () => {
  const rig = await scene.proxy()
  rig.proxy.apply(cluster(1))
  const [onPg2, onPg3] = [await served(rig, 'replicas'), await served(rig, 'replicas')]
  assert.equal(places(rig, 'replicas'), 'pg2 pg3')
  rig.proxy.apply(withPrimary(replicaView({ pg3: pg3.address }), 'pg2', pg2.address, 2))
  await served(rig, 'primary')
  assert.equal(onPg2.ended, false)
  rig.proxy.apply(withPrimary(replicaView({ pg2: pg2.address }), 'pg3', pg3.address, 3))
  await onPg2.over()
  // The new one's have nothing to do with the reign that is over.
  assert.equal(onPg3.ended, false)
})

test('sessions of a leader that was promoted and never opened end before the next one is opened', async () => {
  const rig = await scene.proxy()
  rig.proxy.apply(cluster(1))
  const [onPg2, onPg3] = [await served(rig, 'replicas'), await served(rig, 'replicas')]
  assert.equal(places(rig, 'replicas'), 'pg2 pg3')
  const named = withPrimary(replicaView({ pg3: pg3.address }), 'pg2', pg2.address, 2)
  rig.proxy.apply({ ...named, primary: { ...named.primary, state: 'promoting' } })
  assert.equal(places(rig, 'replicas'), 'pg2 pg3')
  rig.proxy.apply(withPrimary(replicaView({ pg2: pg2.address }), 'pg3', pg3.address, 3))
  await onPg2.over()
  await served(rig, 'primary')
  assert.equal(onPg3.ended, false)
  assert.equal(places(rig, 'replicas'), 'pg3')
})

test('sessions of a replica that has moved to another address end, and new ones go there', async () => {
  const rig = await scene.proxy()
  const at = (address: ClusterView['primary']['address']): ClusterView =>
    cluster(1, { pg2: { address, place: address }, pg3: UNFIT })
  rig.proxy.apply(at(pg2.address))
  const before = await served(rig, 'replicas')
  // While no address is known nobody has moved.
  rig.proxy.apply(at(null))
  assert.equal(before.ended, false)
  const elsewhere = await scene.postgres()
  rig.proxy.apply(at(elsewhere.address))
  await before.over()
  await served(rig, 'replicas')
  assert.equal(rig.events('fenced')[0]?.['reason'], 'its address has changed')
  assert.equal(elsewhere.connections.length, 1)
})

test('does not fall back to the primary while the lag of a fit replica is not known yet', async () => {
  const listener: ListenerConfig = { ...REPLICAS, maxLagBytes: MB, fallback: 'primary', closeFallback: true }
  const rig = await scene.proxy({ listeners: [listener] })
  rig.proxy.apply(cluster(1, { pg3: UNFIT }))
  const client = (await scene.client(rig, 'replicas')).send(STARTUP)
  await until('it is held', () => rig.held === 1)
  rig.proxy.apply(cluster(1, { pg2: { lagBytes: 0 }, pg3: UNFIT }))
  await client.got(AUTH_OK)
  assert.equal(places(rig, 'replicas'), 'pg2')
  assert.deepEqual(
    ['fallback-begun', 'fallback-ended', 'member-unused', 'member-used', 'fenced'].flatMap((event) =>
      rig.events(event),
    ),
    [],
  )
})

test('falls back to the primary while no replica can, says so, and leaves those sessions where they are', async () => {
  const rig = await scene.proxy({ listeners: [PRIMARY, { ...REPLICAS, fallback: 'primary' }] })
  rig.proxy.apply(cluster(1))
  await served(rig, 'replicas')
  assert.equal(listenerStatus(rig, 'replicas').fallback, false)
  rig.proxy.apply(cluster(1, { pg2: UNFIT, pg3: UNFIT }))
  assert.equal(listenerStatus(rig, 'replicas').fallback, true)
  const stranded = await served(rig, 'replicas')
  assert.equal(places(rig, 'replicas'), 'pg1 pg2')
  // The primary comes and goes: the fallback does not begin anew.
  rig.proxy.apply(closed(1, { pg2: UNFIT, pg3: UNFIT }))
  assert.equal(listenerStatus(rig, 'replicas').fallback, false)
  rig.proxy.apply(cluster(1, { pg2: UNFIT, pg3: UNFIT }))
  rig.proxy.apply(cluster(1, { pg2: UNFIT }))
  assert.equal(listenerStatus(rig, 'replicas').fallback, false)
  await served(rig, 'replicas')
  assert.equal(places(rig, 'replicas'), 'pg1 pg2 pg3')
  assert.equal(stranded.ended, false)
  assert.deepEqual(
    [...rig.events('fallback-begun'), ...rig.events('fallback-ended')].map(({ level, msg }) => [level, msg]),
    [
      [40, 'replicas: no replica can be used: new sessions go to the primary pg1'],
      [30, 'replicas: pg3 can be used again: new sessions no longer go to the primary'],
    ],
  )
})

test('closes the sessions of the fallback when a replica is back, where that is configured', async () => {
  const slow = await scene.server()
  const listeners: ListenerConfig[] = [{ ...REPLICAS, fallback: 'primary', closeFallback: true }]
  const rig = await scene.proxy({ listeners })
  const none = { pg2: UNFIT, pg3: UNFIT }
  rig.proxy.apply(cluster(1, none))
  const stranded = [await served(rig, 'replicas'), await served(rig, 'replicas')]
  // And one that is being dialled in that very moment.
  rig.proxy.apply(withPrimary(cluster(1, none), 'pg1', slow.address, 1))
  const late = (await scene.client(rig, 'replicas')).send(STARTUP)
  await (await slow.connection()).got(STARTUP)
  rig.proxy.apply(cluster(1, { pg2: UNFIT }))
  await Promise.all(stranded.map((wire) => wire.over()))
  await late.got(AUTH_OK)
  assert.equal(places(rig, 'replicas'), 'pg3')
  assert.deepEqual(
    rig.events('fenced').map(({ member, connections, reason }) => [member, connections, reason]),
    [['pg1', 2, 'pg3 can be used again']],
  )
})

test('falls back to the primary in a round in which no replica can be dialled', async () => {
  const rig = await scene.proxy({ listeners: [{ ...REPLICAS, fallback: 'primary' }], hold: { timeoutMs: 0 } })
  const dead = replicaView({ pg2: await scene.nobody(), pg3: await scene.nobody() })
  rig.proxy.apply(withPrimary(dead, 'pg1', pg1.address, 1))
  await served(rig, 'replicas')
  assert.equal(places(rig, 'replicas'), 'pg1')
  assert.deepEqual(rig.failures.map(({ member }) => member).toSorted(), ['pg2', 'pg3'])
})

test('a dial of the fallback continues when the next view changes nothing for it', async () => {
  const slow = await scene.server()
  const rig = await scene.proxy({ listeners: [{ ...REPLICAS, fallback: 'primary' }] })
  const view = withPrimary(cluster(1, { pg2: UNFIT, pg3: UNFIT }), 'pg1', slow.address, 1)
  rig.proxy.apply(view)
  const client = (await scene.client(rig, 'replicas')).send(STARTUP)
  const backend = await slow.connection()
  await backend.got(STARTUP)
  rig.proxy.apply(view)
  backend.send(AUTH_OK)
  await client.got(AUTH_OK)
  assert.equal(slow.connections.length, 1)
})

test('holds clients that find neither a replica nor the primary, and says why', async () => {
  const rig = await scene.proxy({ listeners: [{ ...REPLICAS, fallback: 'primary' }], hold: { timeoutMs: 200 } })
  rig.proxy.apply(closed(1, { pg2: UNFIT, pg3: UNFIT }))
  const client = (await scene.client(rig, 'replicas')).send(STARTUP)
  await client.over()
  assert.equal(errorFields(client.received)?.['H'], 'No replica can be used; no leader key.')
})

test('a replica that lags gets no new sessions, keeps those it has, and is logged once', async () => {
  const rig = await scene.proxy({ listeners: [{ ...REPLICAS, maxLagBytes: 16 * MB }] })
  const at = (lag: number): ClusterView => cluster(1, { pg2: { lagBytes: lag * MB }, pg3: { lagBytes: 0 } })
  rig.proxy.apply(at(1))
  const early = [await served(rig, 'replicas'), await served(rig, 'replicas')]
  for (const lag of [20, 17, 15, 18]) {
    rig.proxy.apply(at(lag))
    await served(rig, 'replicas')
  }
  assert.equal(places(rig, 'replicas'), 'pg2 pg3 pg3 pg3 pg3 pg3')
  assert.partialDeepStrictEqual(listenerStatus(rig, 'replicas').members[1], {
    member: 'pg2',
    fit: false,
    reason: 'lag 18 MB above 16 MB',
  })
  rig.proxy.apply(at(12))
  await served(rig, 'replicas')
  assert.equal(places(rig, 'replicas').split(' ')[1], 'pg2')
  assert.deepEqual(
    [...rig.events('member-unused'), ...rig.events('member-used')].map(({ level, msg }) => [level, msg]),
    [
      [40, 'replicas: does not use pg2: lag 20 MB above 16 MB'],
      [30, 'replicas: uses pg2 again'],
    ],
  )
  assert.equal(
    early.some(({ ended }) => ended),
    false,
  )
})

test('a cancel request of a mixed route goes to the servers of all its sessions, the primary too', async () => {
  const rig = await scene.proxy({ listeners: [MIXED] })
  rig.proxy.apply(cluster(1))
  for (let n = 0; n < 3; n++) await served(rig, 'mixed')
  const canceller = (await scene.client(rig, 'mixed')).send(CANCEL_REQUEST)
  for (const server of [pg1, pg2, pg3]) {
    const wire = await server.connection(1)
    await until('it has come', () => wire.received.equals(CANCEL_REQUEST))
    wire.socket.end()
  }
  await canceller.over()
})
