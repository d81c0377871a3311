import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { until } from '../../support/until.ts'
import { freePort } from '../../support/net/ports.ts'
import { AUTH_OK, errorFields, STARTUP } from './support/messages.ts'
import { type ConfigChanges, PRIMARY, proxyConfig, REPLICAS, type Rig, Scene, tcp } from './support/scene.ts'
import { openView, replicaView, withPrimary } from './support/views.ts'
import { Wire } from './support/wire.ts'

let scene: Scene
beforeEach(() => {
  scene = new Scene()
})
afterEach(() => scene.clear())

async function served(rig: Rig, listener = 'primary'): Promise<Wire> {
  const client = (await scene.client(rig, listener)).send(STARTUP)
  await client.got(AUTH_OK)
  return client
}

/** Bytes still pass both ways. */
async function assertAlive(client: Wire, server: Wire): Promise<void> {
  const before = server.received
  client.send('x')
  await server.got(Buffer.concat([before, Buffer.from('x')]))
}

function reconfigure(rig: Rig, changes: ConfigChanges): void {
  assert.equal(rig.proxy.reconfigure(proxyConfig(changes)), true)
}

test('a listener that is unchanged keeps its sessions and its port; another one begins, without another view', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy({ listeners: [PRIMARY] })
  rig.proxy.apply(openView('pg1', server.address, 1))
  const client = await served(rig)
  const port = rig.port()
  reconfigure(rig, { listeners: [PRIMARY, { ...PRIMARY, name: 'more' }] })
  await until('the new one listens', () => rig.events('listening').length === 2)
  assert.equal(rig.port(), port)
  await assertAlive(client, await server.connection())
  await served(rig, 'more')
  assert.deepEqual(
    rig.proxy.status().listeners.map(({ name, sessions }) => [name, sessions]),
    [
      ['primary', 1],
      ['more', 1],
    ],
  )
})

test('a listener that is no longer configured accepts no client; its sessions are fenced, or end by themselves', async () => {
  const [server, next] = [await scene.postgres(), await scene.postgres()]
  const rig = await scene.proxy({ listeners: [PRIMARY, { ...PRIMARY, name: 'old' }] })
  rig.proxy.apply(openView('pg1', server.address, 1))
  const client = await served(rig, 'old')
  const port = rig.port('old')
  reconfigure(rig, { listeners: [PRIMARY] })
  await assert.rejects(Wire.to(port))
  await assertAlive(client, await server.connection())
  assert.deepEqual(rig.proxy.status().sessions, [{ member: 'pg1', listener: 'old', sessions: 1 }])
  rig.proxy.apply(openView('pg2', next.address, 2))
  await client.over()
  await until('it has left', () => rig.proxy.status().sessions.length === 0)
  // What it has counted stays counted.
  assert.partialDeepStrictEqual(rig.proxy.status().totals, { accepted: 1, refused: 0, fenced: 1, failedDials: 0 })
  assert.deepEqual(
    rig.proxy.status().listeners.map(({ name }) => name),
    ['primary'],
  )
})

test('clients that wait at a listener that is no longer configured read so, and sessions left after drain_timeout are closed', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy({ listeners: [PRIMARY, { ...REPLICAS, name: 'old' }], drainTimeoutMs: 300 })
  rig.proxy.apply(openView('pg1', server.address, 1))
  const waiting = (await scene.client(rig, 'old')).send(STARTUP)
  await until('it is held', () => rig.held === 1)
  reconfigure(rig, { listeners: [PRIMARY], drainTimeoutMs: 300 })
  await waiting.over()
  assert.equal(errorFields(waiting.received)?.['M'], 'the listener old was removed or has another route')
  const client = await served(rig)
  reconfigure(rig, { listeners: [{ ...REPLICAS, name: 'other' }], drainTimeoutMs: 300 })
  await client.over()
  assert.equal(rig.proxy.status().endings['drain-timeout'], 1)
})

test('on other addresses a listener keeps its sessions, and two can change places', async () => {
  const server = await scene.postgres()
  const [one, other] = [await freePort(), await freePort()]
  const listeners = (first: number, second: number) => [
    { ...PRIMARY, binds: [tcp('127.0.0.1', first)] },
    { ...PRIMARY, name: 'second', binds: [tcp('127.0.0.1', second)] },
  ]
  const rig = await scene.proxy({ listeners: listeners(one, other) })
  rig.proxy.apply(openView('pg1', server.address, 1))
  const client = await served(rig)
  reconfigure(rig, { listeners: listeners(other, one) })
  await until('both listen', () => rig.events('listening').length === 4)
  assert.deepEqual([rig.port(), rig.port('second')], [other, one])
  await assertAlive(client, await server.connection())
  await served(rig)
  assert.equal(rig.proxy.status().listeners[0]?.sessions, 2)
})

test('a port that is taken is a fault of that listener, shown and logged once, until it is free', async () => {
  const server = await scene.postgres()
  const other = await scene.server()
  const rig = await scene.proxy()
  rig.proxy.apply(openView('pg1', server.address, 1))
  const { port } = other.address
  reconfigure(rig, { listeners: [{ ...PRIMARY, binds: [tcp('127.0.0.1', port)] }, REPLICAS] })
  const fault = () => rig.proxy.status().listeners[0]?.fault
  await until('it is at fault', () => fault() !== null)
  assert.equal(fault()?.kind, 'listen')
  assert.match(fault()?.reason ?? '', /^listener primary cannot bind 127\.0\.0\.1:\d+: the port is in use/)
  await other.close()
  await until('it listens', () => fault() === null)
  assert.equal(rig.port(), port)
  await served(rig)
  assert.equal(rig.events('listen-failed').length, 1)
})

test('with another route a listener starts from scratch, and the sessions of the former one end as they like', async () => {
  const [primary, replica] = [await scene.postgres(), await scene.postgres()]
  const rig = await scene.proxy({ listeners: [{ ...PRIMARY, name: 'db' }] })
  const view = withPrimary(replicaView({ pg2: replica.address }), 'pg1', primary.address, 1)
  rig.proxy.apply(view)
  const client = await served(rig, 'db')
  reconfigure(rig, { listeners: [{ ...REPLICAS, name: 'db' }] })
  await until('it listens again', () => rig.events('listening').length === 2)
  await served(rig, 'db')
  assert.deepEqual([primary.connections.length, replica.connections.length], [1, 1])
  await assertAlive(client, await primary.connection())
})

test('limits, timeouts and what a route asks of its members are taken in place, without another view', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy()
  rig.proxy.apply(replicaView({ pg1: server.address }, { pg1: { lagBytes: 5000 } }))
  await served(rig, 'replicas')
  reconfigure(rig, { listeners: [PRIMARY, { ...REPLICAS, maxLagBytes: 1000 }], hold: { timeoutMs: 0 } })
  assert.partialDeepStrictEqual(rig.proxy.status().listeners[1]?.members, [
    { member: 'pg1', fit: false, reason: 'lag 4.9 kB above 1000 bytes' },
  ])
  const refused = (await scene.client(rig, 'replicas')).send(STARTUP)
  await refused.over()
  assert.equal(errorFields(refused.received)?.['M'], 'no replica is available')
  reconfigure(rig, { maxConnections: 1 })
  const beyond = (await scene.client(rig, 'replicas')).send(STARTUP)
  await beyond.over()
  assert.match(errorFields(beyond.received)?.['M'] ?? '', /limit of 1 connection is reached/)
  reconfigure(rig, { timeouts: { clientMs: 100 } })
  const idle = await served(rig, 'replicas')
  await idle.over()
  assert.equal(rig.proxy.status().endings['client-timeout'], 1)
  assert.equal(rig.sessions, 1, 'a session has the timeouts that it began with')
})

test('a proxy that is being stopped takes no other configuration, and one that has not been started listens where it says', async () => {
  const rig = scene.rig({ listeners: [PRIMARY] })
  reconfigure(rig, { listeners: [PRIMARY, { ...PRIMARY, name: 'more' }] })
  await rig.proxy.start()
  assert.ok(rig.port('more') > 0)
  await rig.proxy.drain()
  assert.equal(rig.proxy.reconfigure(proxyConfig({})), false)
  assert.equal(rig.proxy.status().listeners.length, 2)
})
