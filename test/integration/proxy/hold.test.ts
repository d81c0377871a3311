import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { until } from '../../support/until.ts'
import { AUTH_OK, errorFields, errorResponse, SSL_REQUEST, STARTUP } from './support/messages.ts'
import { Scene } from './support/scene.ts'
import { closedView, openView } from './support/views.ts'
import type { Wire } from './support/wire.ts'
import { FIRST_OPENING } from '../../../src/proxy/release-pace.ts'

let scene: Scene
beforeEach(() => {
  scene = new Scene()
})
afterEach(() => scene.clear())

function numbered(n: number): Buffer {
  return Buffer.concat([STARTUP, Buffer.from(`#${n};`)])
}

test('holds clients while no primary is open and releases them in order of arrival', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy()
  const clients: Wire[] = []
  for (let n = 0; n < 100; n++) {
    clients.push((await scene.client(rig)).send(numbered(n)))
    await until(`${n} are held`, () => rig.held === n + 1, { everyMs: 1 })
  }
  assert.equal(server.connections.length, 0)
  rig.proxy.apply(openView('pg1', server.address, 1))
  await Promise.all(clients.map((client) => client.got(AUTH_OK)))
  const order = server.connections.map(({ received }) => received.subarray(STARTUP.length).toString())
  assert.deepEqual(
    order,
    clients.map((_, n) => `#${n};`),
  )
  assert.equal(rig.held, 0)
  assert.equal(rig.events('released').length, 1)
  assert.equal(rig.events('released')[0]?.['connections'], 100)
})

test('forwards what a held client has sent exactly once, with what it sends during the dial and after', async () => {
  const server = await scene.server()
  const rig = await scene.proxy()
  const client = (await scene.client(rig)).send(STARTUP)
  await until('it is held', () => rig.held === 1)
  client.send('one;')
  rig.proxy.apply(openView('pg1', server.address, 1))
  const backend = await server.connection()
  await backend.got(Buffer.concat([STARTUP, Buffer.from('one;')]))
  client.send('two;')
  await backend.got(Buffer.concat([STARTUP, Buffer.from('one;two;')]))
  // Together: the answer and more from the client, so that each may overtake the join.
  backend.send(AUTH_OK)
  client.send('three;')
  await backend.got(Buffer.concat([STARTUP, Buffer.from('one;two;three;')]))
  await client.got(AUTH_OK)
  client.send('four;')
  await backend.got(Buffer.concat([STARTUP, Buffer.from('one;two;three;four;')]))
})

test('opens some of the released connections at a time, and the next one when a server has answered', async () => {
  const server = await scene.server()
  const rig = await scene.proxy()
  const clients = await Promise.all(Array.from({ length: 150 }, () => scene.client(rig)))
  for (const client of clients) client.send(STARTUP)
  await until('all are held', () => rig.held === 150)
  rig.proxy.apply(openView('pg1', server.address, 1))
  await until(
    'the first are opened',
    () => server.connections.length >= FIRST_OPENING && rig.held === 150 - FIRST_OPENING,
  )
  // Whoever comes now waits behind the others.
  const late = (await scene.client(rig)).send(STARTUP)
  await until('the late one is held', () => rig.held === 151 - FIRST_OPENING)
  assert.equal(server.connections.length, FIRST_OPENING)
  for (let n = 0; n < 10; n++) server.connections[n]?.send(AUTH_OK)
  await until('10 more are opened', () => server.connections.length === FIRST_OPENING + 10, {
    timeoutMs: 900,
    everyMs: 1,
  })
  assert.equal(rig.held, 141 - FIRST_OPENING)
  for (let n = 10; n < 151; n++) (await server.connection(n)).send(AUTH_OK)
  await Promise.all([...clients, late].map((client) => client.got(AUTH_OK)))
})

test('continues after a second when the connections that are being opened get no answer', async () => {
  const silent = await scene.server()
  const rig = await scene.proxy()
  const clients = await Promise.all(Array.from({ length: FIRST_OPENING + 6 }, () => scene.client(rig)))
  for (const client of clients) client.send(STARTUP)
  await until('all are held', () => rig.held === FIRST_OPENING + 6)
  rig.proxy.apply(openView('pg1', silent.address, 1))
  await until('the first are opened', () => silent.connections.length === FIRST_OPENING)
  await until('the others are opened too', () => silent.connections.length === FIRST_OPENING + 6, { timeoutMs: 3000 })
})

test('does not pace new connections while no client waits: silent clients keep no other out', async () => {
  const server = await scene.server((wire) => {
    wire.socket.once('data', (chunk) => {
      if (!chunk.equals(STARTUP)) wire.send('N')
      else wire.send(AUTH_OK)
    })
  })
  const rig = await scene.proxy({ hold: { timeoutMs: 0 } })
  rig.proxy.apply(openView('pg1', server.address, 1))
  const silent = await Promise.all(Array.from({ length: 200 }, () => scene.client(rig)))
  for (const client of silent) client.send(SSL_REQUEST)
  await Promise.all(silent.map((client) => client.got('N')))
  const since = performance.now()
  const client = (await scene.client(rig)).send(STARTUP)
  await client.got(AUTH_OK)
  assert.ok(performance.now() - since < 500)
  assert.equal(rig.proxy.status().totals.refused, 0)
})

test('notices a held client that leaves and frees its place', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy({ hold: { maxConnections: 2 } })
  const leaver = (await scene.client(rig)).send(STARTUP)
  const breaker = (await scene.client(rig)).send(STARTUP)
  await until('two are held', () => rig.held === 2)
  leaver.socket.end()
  await leaver.over()
  breaker.socket.resetAndDestroy()
  await until('their places are free', () => rig.held === 0)
  const client = (await scene.client(rig)).send(STARTUP)
  await until('it is held', () => rig.held === 1)
  rig.proxy.apply(openView('pg1', server.address, 1))
  await client.got(AUTH_OK)
  assert.equal(server.connections.length, 1)
  const { totals, listeners } = rig.proxy.status()
  assert.deepEqual([totals.refused, totals.gaveUp], [0, 2])
  assert.equal(listeners.find(({ name }) => name === 'primary')?.counts.gaveUp, 2)
})

test('reads only a few kilobytes of a held client and forwards all that it sent', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy()
  const keptAlive = mock.method(Socket.prototype, 'setKeepAlive')
  const client = (await scene.client(rig)).send(STARTUP)
  const flood = Buffer.alloc(40_000_000, 'abcdefg')
  for (let at = 0; at < flood.length; at += 100_000) client.send(flood.subarray(at, at + 100_000))
  await until('it is held', () => rig.held === 1)
  // The proxy's own end of that connection.
  const own = keptAlive.mock.calls
    .map(({ this: socket }) => socket as Socket)
    .find(({ localPort }) => localPort === rig.port())
  keptAlive.mock.restore()
  assert.ok(own !== undefined)
  let delivered = -1
  await until(
    'the proxy reads no more',
    () => {
      const before = delivered
      delivered = client.socket.bytesWritten - client.socket.writableLength
      return delivered === before && own.bytesRead >= 10 * 1024
    },
    { everyMs: 100 },
  )
  assert.equal(own.bytesRead, 10 * 1024)
  rig.proxy.apply(openView('pg1', server.address, 1))
  await (await server.connection()).got(Buffer.concat([STARTUP, flood]))
})

test('refuses a held client with 57P03 and the reason when the hold times out', async () => {
  const rig = await scene.proxy({ hold: { timeoutMs: 200 } })
  rig.proxy.apply(closedView(1, { reason: 'no leader key in the DCS' }))
  const since = performance.now()
  const client = (await scene.client(rig)).send(STARTUP)
  await client.over()
  const waited = performance.now() - since
  const error = errorFields(client.received)
  assert.equal(error?.['S'], 'FATAL')
  assert.equal(error['C'], '57P03')
  assert.match(error['M'] ?? '', /^no primary became available within 0.2 s$/)
  assert.match(error['H'] ?? '', /^No leader key in the DCS\.$/)
  assert.ok(waited > 150 && waited < 1500, `${waited} ms`)
  assert.equal(rig.held, 0)
  assert.equal(rig.proxy.status().totals.refused, 1)
})

test('refuses with 53300 beyond hold.max_connections, over all routes', async () => {
  const rig = await scene.proxy({ hold: { maxConnections: 2 } })
  const first = (await scene.client(rig, 'primary')).send(STARTUP)
  const second = (await scene.client(rig, 'replicas')).send(STARTUP)
  await until('two are held', () => rig.held === 2)
  const third = (await scene.client(rig, 'primary')).send(STARTUP)
  await third.over()
  const { C, M } = errorFields(third.received) ?? {}
  assert.deepEqual([C, M], ['53300', 'too many clients are waiting (hold.max_connections is 2)'])
  assert.deepEqual([first.ended, second.ended], [false, false])
})

test('holds no client where hold.timeout is 0', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy({ hold: { timeoutMs: 0 } })
  const refused = (await scene.client(rig)).send(STARTUP)
  await refused.over()
  assert.equal(errorFields(refused.received)?.['C'], '57P03')
  assert.match(errorFields(refused.received)?.['M'] ?? '', /^no primary is available$/)
  rig.proxy.apply(openView('pg1', server.address, 1))
  const served = (await scene.client(rig)).send(STARTUP)
  await served.got(AUTH_OK)
})

test('a client that comes back after a failed dial keeps its place, also when the hold is full by now', async () => {
  const starting = await scene.server()
  const server = await scene.postgres()
  const rig = await scene.proxy({ hold: { maxConnections: 70 } })
  rig.onFailure = () => rig.proxy.apply(closedView(1, { state: 'unreachable' }))
  const clients: Wire[] = []
  const hold = async (): Promise<void> => {
    const held = rig.held
    clients.push((await scene.client(rig)).send(numbered(clients.length)))
    await until('one more is held', () => rig.held === held + 1, { everyMs: 1 })
  }
  for (let n = 0; n < 70; n++) await hold()
  rig.proxy.apply(openView('pg1', starting.address, 1))
  await until('the first are opened', () => rig.held === 70 - FIRST_OPENING)
  for (let n = 0; n < FIRST_OPENING; n++) await hold()
  const tooMany = (await scene.client(rig)).send(STARTUP)
  await tooMany.over()
  assert.equal(errorFields(tooMany.received)?.['C'], '53300')
  ;(await starting.connection(3)).send(errorResponse('57P03', 'the database system is starting up'))
  await until('all are held', () => rig.held === 70 + FIRST_OPENING)
  rig.proxy.apply(openView('pg1', server.address, 2))
  await Promise.all(clients.map((client) => client.got(AUTH_OK)))
  const order = server.connections.map(({ received }) => received.subarray(STARTUP.length).toString())
  assert.deepEqual(
    order,
    clients.map((_, n) => `#${n};`),
  )
})

test('a refused client that never hangs up, or keeps sending, is closed soon', async () => {
  const rig = await scene.proxy({ hold: { timeoutMs: 0 } })
  const idle = (await scene.client(rig)).send(STARTUP)
  const talker = (await scene.client(rig)).send(STARTUP)
  const talking = setInterval(() => talker.send('more'), 20)
  try {
    await until('the idle one is closed', () => idle.ended)
    // It has seen the end; only a write shows that nobody is there any more.
    await until('the talker is closed', () => talker.closed, { timeoutMs: 3000 })
  } finally {
    clearInterval(talking)
  }
})

test('a refused client that never reads is closed soon', async () => {
  const rig = await scene.proxy({ hold: { timeoutMs: 0 } })
  const client = await scene.client(rig)
  client.socket.pause()
  client.send(STARTUP)
  await until('it is refused', () => rig.proxy.status().totals.refused === 1)
  const since = performance.now()
  await rig.proxy.drain()
  assert.ok(performance.now() - since < 3000, 'the proxy has waited for it')
})
