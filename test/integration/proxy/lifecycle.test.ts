import assert from 'node:assert/strict'
import { createServer, Server, type AddressInfo } from 'node:net'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { RouterError } from '../../../src/errors.ts'
import { until } from '../../support/until.ts'
import { AUTH_OK, errorFields, STARTUP, SSL_REQUEST } from './support/messages.ts'
import { PRIMARY, REPLICAS, type Rig, Scene, tcp } from './support/scene.ts'
import { closedView, openView, replicaView } from './support/views.ts'
import { Wire } from './support/wire.ts'

let scene: Scene
beforeEach(() => {
  scene = new Scene()
})
afterEach(() => scene.clear())

async function served(rig: Rig): Promise<Wire> {
  const client = (await scene.client(rig)).send(STARTUP)
  await client.got(AUTH_OK)
  return client
}

test('listens on a port of the kernel where the port is 0, and says which', async () => {
  const rig = await scene.proxy()
  assert.ok(rig.port() > 0)
  assert.notEqual(rig.port(), rig.port('replicas'))
  assert.deepEqual(
    rig.events('listening').map(({ listener, address }) => [listener, address]),
    [
      ['primary', `127.0.0.1:${rig.port()}`],
      ['replicas', `127.0.0.1:${rig.port('replicas')}`],
    ],
  )
})

test('listens on IPv6, and on every address where none is named', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy({
    listeners: [
      { ...PRIMARY, binds: [tcp('::1')] },
      { ...PRIMARY, name: 'every', binds: [tcp(null)] },
    ],
  })
  rig.proxy.apply(openView('pg1', server.address, 1))
  assert.equal(rig.proxy.status().listeners[0]?.address, `[::1]:${rig.port()}`)
  assert.equal(rig.proxy.status().listeners[1]?.address, `[::]:${rig.port('every')}`)
  for (const [port, host] of [
    [rig.port(), '::1'],
    [rig.port('every'), '::1'],
    [rig.port('every'), '127.0.0.1'],
  ] as const) {
    const client = await Wire.to(port, host)
    await client.send(STARTUP).got(AUTH_OK)
    client.socket.destroy()
  }
})

for (const host of ['127.0.0.1', '::1']) {
  test(`binds all listeners or none: BIND_FAILED names the listener and ${host}`, async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, host, resolve))
    const { port } = other.address() as AddressInfo
    const rig = scene.rig({ listeners: [PRIMARY, { ...REPLICAS, binds: [tcp(host, port)] }] })
    try {
      await assert.rejects(rig.proxy.start(), (error) => {
        const where = host === '::1' ? `[::1]:${port}` : `127.0.0.1:${port}`
        assert.ok(error instanceof RouterError)
        assert.equal(error.code, 'BIND_FAILED')
        assert.equal(error.message, `listener replicas cannot bind ${where}: the port is in use by another process`)
        assert.ok(error.cause instanceof Error)
        return true
      })
      const first = rig.port()
      await assert.rejects(Wire.to(first))
    } finally {
      await new Promise((resolve) => other.close(resolve))
    }
  })
}

test('names an address that is not of this machine', async () => {
  const rig = scene.rig({ listeners: [{ ...PRIMARY, binds: [tcp('192.0.2.1')] }] })
  await assert.rejects(rig.proxy.start(), /listener primary cannot bind 192.0.2.1:0: listen EADDRNOTAVAIL/)
})

test('a connection that cannot be accepted ends nothing, and the log says so once', async () => {
  const listened = mock.method(Server.prototype, 'listen')
  const rig = await scene.proxy({ listeners: [PRIMARY] })
  const own = listened.mock.calls[0]?.this as Server
  listened.mock.restore()
  // Full tables of the kernel cannot be had in a test: this is what Node tells of them.
  const full = Object.assign(new Error('accept ENFILE'), { code: 'ENFILE' })
  own.emit('error', full)
  own.emit('error', full)
  await scene.client(rig)
  await scene.client(rig)
  await until('both are accepted', () => rig.proxy.status().totals.accepted === 2)
  assert.deepEqual(
    rig.events('accept-trouble').map(({ level, listener, reason }) => [level, listener, reason]),
    [
      [50, 'primary', 'accept ENFILE'],
      [30, 'primary', null],
    ],
  )
})

test('a proxy that is closed while it starts does not listen', async () => {
  const rig = scene.rig({ listeners: [{ ...PRIMARY, binds: [tcp('localhost')] }] })
  const starting = rig.proxy.start()
  rig.proxy.close()
  await starting.catch(() => undefined)
  await turn()
  await assert.rejects(Wire.to(rig.port()))
})

test('tells its status before it listens, while it drains and after it is closed', async () => {
  const rig = scene.rig()
  assert.equal(rig.proxy.status().listeners[0]?.address, '127.0.0.1:0')
  await rig.proxy.start()
  const { address } = rig.proxy.status().listeners[0] ?? {}
  await rig.proxy.drain()
  assert.equal(rig.proxy.status().listeners[0]?.address, address)
  rig.proxy.close()
  assert.equal(rig.proxy.status().listeners[0]?.address, address)
})

test('drain accepts no client, refuses the waiting ones and lets sessions end by themselves', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy()
  rig.proxy.apply(openView('pg1', server.address, 1))
  const client = await served(rig)
  rig.proxy.apply(closedView(1, { state: 'unreachable' }))
  const held = (await scene.client(rig)).send(STARTUP)
  const negotiating = (await scene.client(rig)).send(SSL_REQUEST)
  await until('two are held', () => rig.held === 2)
  const silent = await scene.client(rig)
  await until('all are accepted', () => rig.proxy.status().totals.accepted === 4)
  let isDrained = false
  const drained = rig.proxy.drain().then(() => (isDrained = true))
  await held.over()
  assert.equal(errorFields(held.received)?.['C'], '57P03')
  assert.match(errorFields(held.received)?.['M'] ?? '', /the router is shutting down/)
  held.socket.end()
  await negotiating.over()
  await silent.over()
  await assert.rejects(Wire.to(rig.port()))
  client.send('still here')
  await (await server.connection()).got(Buffer.concat([STARTUP, Buffer.from('still here')]))
  assert.equal(isDrained, false)
  client.socket.end()
  ;(await server.connection()).socket.end()
  await drained
  assert.equal(rig.sessions, 0)
})

test('drain waits for a client whose server has not answered yet', async () => {
  const server = await scene.server()
  const rig = await scene.proxy()
  rig.proxy.apply(openView('pg1', server.address, 1))
  const client = (await scene.client(rig)).send(STARTUP)
  const backend = await server.connection()
  await backend.got(STARTUP)
  let isDrained = false
  const drained = rig.proxy.drain().then(() => (isDrained = true))
  await turn()
  assert.equal(isDrained, false)
  backend.send(AUTH_OK)
  await client.got(AUTH_OK)
  assert.equal(isDrained, false)
  backend.socket.end()
  client.socket.end()
  await drained
})

test('a view that comes during a drain lets no client in, and still fences', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy()
  rig.proxy.apply(openView('pg1', server.address, 1))
  const client = await served(rig)
  const drained = rig.proxy.drain()
  rig.proxy.apply(openView('pg2', server.address, 2))
  await client.over()
  await drained
})

test('drain ends the remaining sessions at its deadline', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy({ drainTimeoutMs: 200 })
  rig.proxy.apply(openView('pg1', server.address, 1))
  const client = await served(rig)
  const since = performance.now()
  await rig.proxy.drain()
  assert.ok(performance.now() - since > 150)
  assert.equal(client.ended, false)
  rig.proxy.close()
  await client.over()
})

test('close ends all sessions at once and may be called again', async () => {
  const server = await scene.server((wire) => {
    wire.socket.once('data', () => {
      if (server.connections.length === 1) wire.send(AUTH_OK)
    })
  })
  const rig = await scene.proxy({ maxConnections: 4 })
  rig.proxy.apply(openView('pg1', server.address, 1))
  const client = await served(rig)
  const dialling = (await scene.client(rig)).send(STARTUP)
  await server.connection(1)
  const held = (await scene.client(rig, 'replicas')).send(STARTUP)
  await until('it is held', () => rig.held === 1)
  const silent = await scene.client(rig)
  const tooMany = await scene.client(rig)
  await until('all are accepted', () => rig.proxy.status().totals.accepted === 5)
  const since = performance.now()
  rig.proxy.close()
  rig.proxy.close()
  await Promise.all([client, dialling, held, silent, tooMany].map((wire) => wire.over()))
  assert.ok(performance.now() - since < 500)
  assert.equal(rig.proxy.status().totals.refused, 0)
  await until('the server sees it', () => server.open === 0)
})

test('refuses with 53300 beyond max_connections, and counts only clients that are served', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy({ maxConnections: 2 })
  rig.proxy.apply(openView('pg1', server.address, 1))
  const [first] = [await served(rig), await served(rig)]
  // Silent ones that are refused as soon as they speak: they must not count.
  const silent = await Promise.all(Array.from({ length: 10 }, () => scene.client(rig)))
  const refused = (await scene.client(rig)).send(STARTUP)
  await refused.over()
  const error = errorFields(refused.received)
  assert.equal(error?.['C'], '53300')
  assert.equal(error['M'], "the router's limit of 2 connections is reached (max_connections)")
  first.socket.resetAndDestroy()
  await until('there is room', () => rig.sessions === 1)
  await served(rig)
  assert.ok(silent.every(({ ended }) => !ended))
  assert.equal(rig.proxy.status().totals.refused, 1)
})

test('counts what it has done and shows where all sessions are', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy({ hold: { maxConnections: 2 } })
  assert.deepEqual(rig.proxy.status().held, { connections: 0, oldestMs: null })
  rig.proxy.apply(openView('pg1', server.address, 1))
  await served(rig)
  await served(rig)
  rig.proxy.apply(closedView(1, { state: 'unreachable' }))
  ;(await scene.client(rig)).send(STARTUP)
  await until('it is held', () => rig.held === 1)
  await until('it has waited', () => (rig.proxy.status().held.oldestMs ?? 0) >= 100)
  ;(await scene.client(rig, 'replicas')).send(STARTUP)
  await until('two are held', () => rig.held === 2)
  await (await scene.client(rig)).send(STARTUP).over()
  const { listeners, sessions, held, totals } = rig.proxy.status()
  assert.deepEqual(
    listeners.map(({ name, route, sessions, held }) => ({ name, route, sessions, held })),
    [
      { name: 'primary', route: 'primary', sessions: 2, held: 1 },
      { name: 'replicas', route: 'replica', sessions: 0, held: 1 },
    ],
  )
  assert.deepEqual(sessions, [{ member: 'pg1', listener: 'primary', sessions: 2 }])
  assert.equal(held.connections, 2)
  assert.ok((held.oldestMs ?? 0) >= 100 && (held.oldestMs ?? 0) < 10_000)
  assert.partialDeepStrictEqual(totals, { accepted: 5, refused: 1, fenced: 0, failedDials: 0 })
  rig.proxy.apply(closedView(2))
  assert.partialDeepStrictEqual(rig.proxy.status().totals, { accepted: 5, refused: 1, fenced: 2, failedDials: 0 })
  assert.deepEqual(rig.proxy.status().sessions, [])
})

test('a view with the same servers changes nothing', async () => {
  const server = await scene.server()
  const rig = await scene.proxy()
  rig.proxy.apply(replicaView({ pg1: server.address }))
  const client = (await scene.client(rig, 'replicas')).send(STARTUP)
  const backend = await server.connection()
  rig.proxy.apply(replicaView({ pg1: { ...server.address } }))
  backend.send(AUTH_OK)
  await client.got(AUTH_OK)
  rig.proxy.apply(replicaView({ pg1: { ...server.address } }))
  client.send('x')
  await backend.got(Buffer.concat([STARTUP, Buffer.from('x')]))
})
