import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { until } from '../../support/until.ts'
import { AUTH_OK, CANCEL_REQUEST, NO, SSL_REQUEST, STARTUP } from './support/messages.ts'
import { type FakeServer, Scene } from './support/scene.ts'
import { closedView, openView, replicaView } from './support/views.ts'

let scene: Scene
beforeEach(() => {
  scene = new Scene()
})
afterEach(() => scene.clear())

/** Answers a startup, refuses TLS, and hangs up on a cancel request as Postgres does. */
async function postgres(): Promise<FakeServer> {
  return scene.server((wire) => {
    wire.socket.on('data', (chunk) => {
      if (chunk.equals(STARTUP)) wire.send(AUTH_OK)
      if (chunk.equals(SSL_REQUEST)) wire.send(NO)
      if (chunk.equals(CANCEL_REQUEST)) wire.socket.end()
    })
  })
}

function cancelsAt(server: FakeServer): number {
  return server.connections.filter(({ received }) => received.subarray(-16).equals(CANCEL_REQUEST)).length
}

test('a cancel request goes to the server of the sessions although no primary is open', async () => {
  const server = await postgres()
  const rig = await scene.proxy()
  rig.proxy.apply(openView('pg1', server.address, 1))
  await (await scene.client(rig)).send(STARTUP).got(AUTH_OK)
  rig.proxy.apply(closedView(1, { state: 'switching', member: 'pg1', address: server.address }))
  const canceller = (await scene.client(rig)).send(CANCEL_REQUEST)
  await canceller.over()
  assert.equal(cancelsAt(server), 1)
  assert.equal(canceller.received.length, 0)
  assert.equal(rig.held, 0)
})

test('a cancel request goes to the servers of all sessions of its route, whichever comes next in turn', async () => {
  const servers = [await postgres(), await postgres(), await postgres()]
  const [a, b, c] = servers as [FakeServer, FakeServer, FakeServer]
  const rig = await scene.proxy()
  rig.proxy.apply(replicaView({ pg1: a.address, pg2: b.address, pg3: c.address }))
  await (await scene.client(rig, 'replicas')).send(STARTUP).got(AUTH_OK)
  await (await scene.client(rig, 'replicas')).send(STARTUP).got(AUTH_OK)
  await (await scene.client(rig, 'replicas')).send(CANCEL_REQUEST).over()
  assert.deepEqual(servers.map(cancelsAt), [1, 1, 0])
})

test('a cancel request of a client that hangs up at once is passed on', async () => {
  const server = await postgres()
  const rig = await scene.proxy()
  rig.proxy.apply(openView('pg1', server.address, 1))
  await (await scene.client(rig)).send(STARTUP).got(AUTH_OK)
  ;(await scene.client(rig)).send(CANCEL_REQUEST).socket.end()
  await until('it has come', () => cancelsAt(server) === 1)
})

test('a cancel request after a refused SSLRequest, as libpq 17 sends it, goes to the servers of all sessions', async () => {
  const [a, b] = [await postgres(), await postgres()]
  const rig = await scene.proxy()
  rig.proxy.apply(replicaView({ pg1: a.address, pg2: b.address }))
  await (await scene.client(rig, 'replicas')).send(STARTUP).got(AUTH_OK)
  const canceller = (await scene.client(rig, 'replicas')).send(SSL_REQUEST)
  await canceller.got(NO)
  canceller.send(CANCEL_REQUEST)
  await canceller.over()
  // The second in turn has answered the SSLRequest, the session is the first's.
  assert.deepEqual([cancelsAt(a), cancelsAt(b)], [1, 0])
  assert.deepEqual(rig.failures, [])
})

test('a cancel request passes although the limit of connections is reached', async () => {
  const server = await postgres()
  const rig = await scene.proxy({ maxConnections: 1 })
  rig.proxy.apply(openView('pg1', server.address, 1))
  await (await scene.client(rig)).send(STARTUP).got(AUTH_OK)
  await (await scene.client(rig)).send(CANCEL_REQUEST).over()
  assert.equal(cancelsAt(server), 1)
  assert.equal(rig.proxy.status().totals.refused, 0)
})

test('a cancel request without sessions is closed at once', async () => {
  const rig = await scene.proxy()
  await (await scene.client(rig)).send(CANCEL_REQUEST).over()
  assert.equal(rig.held, 0)
})

test('a server that does not hang up on a cancel request is left after the connect timeout', async () => {
  const server = await scene.server((wire) => {
    wire.socket.on('data', (chunk) => {
      if (chunk.equals(STARTUP)) wire.send(AUTH_OK)
      // It goes on talking, so that no idle timer would ever fire.
      else setTimeout(() => wire.send('...'), 100)
    })
  })
  const rig = await scene.proxy({ timeouts: { connectMs: 300 } })
  rig.proxy.apply(openView('pg1', server.address, 1))
  await (await scene.client(rig)).send(STARTUP).got(AUTH_OK)
  const since = performance.now()
  await (await scene.client(rig)).send(CANCEL_REQUEST).over()
  const elapsed = performance.now() - since
  assert.ok(elapsed > 200 && elapsed < 2000, `${elapsed} ms`)
})

test('a cancel request that is under way does not outlive the proxy', async () => {
  const server = await scene.server((wire) => {
    wire.socket.on('data', (chunk) => {
      if (chunk.equals(STARTUP)) wire.send(AUTH_OK)
    })
  })
  const rig = await scene.proxy({ timeouts: { connectMs: 60_000 } })
  rig.proxy.apply(openView('pg1', server.address, 1))
  await (await scene.client(rig)).send(STARTUP).got(AUTH_OK)
  ;(await scene.client(rig)).send(CANCEL_REQUEST)
  const passedOn = await server.connection(1)
  await passedOn.got(CANCEL_REQUEST)
  rig.proxy.close()
  await passedOn.over()
})
