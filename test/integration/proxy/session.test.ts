import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { Connection } from '../../../src/proxy/connection.ts'
import { IdleTimeouts } from '../../../src/proxy/idle-timeouts.ts'
import { ProcessBudget } from '../../../src/proxy/process-budget.ts'
import { Session } from '../../../src/proxy/session.ts'
import { MemberMeter } from '../../../src/proxy/traffic-meter.ts'
import { TransferBuffers } from '../../../src/proxy/transfer-buffers.ts'
import { until } from '../../support/until.ts'
import { AUTH_OK, errorResponse, STARTUP } from './support/messages.ts'
import { type ConfigChanges, type FakeServer, type Rig, Scene } from './support/scene.ts'
import { openView } from './support/views.ts'
import type { Wire } from './support/wire.ts'

let scene: Scene
beforeEach(() => {
  scene = new Scene()
})
afterEach(() => scene.clear())

interface Joined {
  readonly rig: Rig
  readonly server: FakeServer
  readonly client: Wire
  readonly backend: Wire
}

/** A session whose startup is over: the client has AuthenticationOk, the server the startup packet. */
async function joined(changes: ConfigChanges = {}): Promise<Joined> {
  const server = await scene.postgres()
  const rig = await scene.proxy(changes)
  rig.proxy.apply(openView('pg1', server.address, 1))
  const client = await scene.client(rig)
  client.send(STARTUP)
  await client.got(AUTH_OK)
  const backend = await server.connection()
  await backend.got(STARTUP)
  return { rig, server, client, backend }
}

test('passes bytes on in both directions, unchanged and in order', async () => {
  const { client, backend } = await joined()
  const up = randomBytes(3_000_000)
  const down = randomBytes(3_000_000)
  client.send(up)
  backend.send(down)
  await client.got(Buffer.concat([AUTH_OK, down]))
  await backend.got(Buffer.concat([STARTUP, up]))
})

test("passes on the client's end and keeps passing on the server's bytes", async () => {
  const { client, backend, rig } = await joined()
  client.send('last words').socket.end()
  await until('the server sees the end', () => backend.ended)
  await backend.got(Buffer.concat([STARTUP, Buffer.from('last words')]))
  backend.send('answer')
  await client.got(Buffer.concat([AUTH_OK, Buffer.from('answer')]))
  assert.equal(client.ended, false)
  backend.socket.end()
  await until('both are closed', () => client.closed && backend.closed)
  await until('the session is over', () => rig.sessions === 0)
})

test("passes on the server's end and keeps passing on the client's bytes", async () => {
  const { client, backend, rig } = await joined()
  backend.send('last words').socket.end()
  await until('the client sees the end', () => client.ended)
  await client.got(Buffer.concat([AUTH_OK, Buffer.from('last words')]))
  client.send('answer')
  await backend.got(Buffer.concat([STARTUP, Buffer.from('answer')]))
  client.socket.end()
  await until('both are closed', () => client.closed && backend.closed)
  await until('the session is over', () => rig.sessions === 0)
})

test('delivers the last bytes of a server that ends right after its first answer', async () => {
  const tail = Buffer.concat([errorResponse('28000', 'no entry'), randomBytes(500_000)])
  const server = await scene.server((wire) => wire.socket.once('data', () => wire.socket.end(tail)))
  const rig = await scene.proxy()
  rig.proxy.apply(openView('pg1', server.address, 1))
  const client = await scene.client(rig)
  client.send(STARTUP)
  await until('the end', () => client.ended)
  assert.deepEqual(client.received, tail)
})

test('delivers all that a server has sent to a slow reader before it ended', async () => {
  const { client, backend } = await joined()
  client.socket.pause()
  // More than the kernel takes on the way.
  const tail = randomBytes(30_000_000)
  backend.send(tail).socket.end()
  let before = -1
  await until(
    'the proxy takes no more',
    () => {
      const stuck = before === backend.socket.writableLength
      before = backend.socket.writableLength
      return stuck && before > 0
    },
    { everyMs: 100 },
  )
  client.socket.resume()
  await client.got(Buffer.concat([AUTH_OK, tail]))
  await until('the end', () => client.ended)
})

test('delivers what has been read of a server that resets its connection', async () => {
  // The proxy's own end of the client's connection.
  const keptAlive = mock.method(Socket.prototype, 'setKeepAlive')
  const { client, backend, rig } = await joined()
  const own = keptAlive.mock.calls
    .map(({ this: socket }) => socket as Socket)
    .find(({ localPort }) => localPort === rig.port())
  keptAlive.mock.restore()
  assert.ok(own !== undefined)
  client.socket.pause()
  let sent = 0
  await until(
    'the proxy cannot get rid of some bytes',
    () => {
      backend.send(Buffer.alloc(10_000, sent % 251))
      sent += 10_000
      return own.writableLength > 0
    },
    { everyMs: 1 },
  )
  backend.socket.resetAndDestroy()
  client.socket.resume()
  await client.over()
  assert.equal(client.received.length, AUTH_OK.length + sent)
  assert.equal(client.error, null)
})

for (const [broken, other] of [
  ['client', 'backend'],
  ['backend', 'client'],
] as const) {
  test(`closes the ${other} when the ${broken} resets its connection`, async () => {
    const { rig, ...ends } = await joined()
    ends[broken].socket.resetAndDestroy()
    await ends[other].over()
    await until('the session is over', () => rig.sessions === 0)
  })
}

test('ends the session of a client that keeps sending to a server that is gone', async () => {
  const { client, backend, rig } = await joined()
  const farewell = errorResponse('57P01', 'terminating connection due to administrator command')
  backend.send(farewell).socket.destroySoon()
  await until('the client sees the end', () => client.ended)
  await until(
    'the session is over',
    () => {
      if (!client.closed) client.send('Q')
      return rig.sessions === 0
    },
    { timeoutMs: 5000 },
  )
  assert.deepEqual(client.received, Buffer.concat([AUTH_OK, farewell]))
})

for (const when of ['is closed', 'is being closed']) {
  test(`a session over a connection that ${when} ends, and once`, async () => {
    const { address } = await scene.postgres()
    const pool = { buffers: new TransferBuffers(), timeouts: new IdleTimeouts(), readAhead: new ProcessBudget() }
    const [ignored, closed, ended] = [() => undefined, mock.fn(), mock.fn()]
    const owner = { received: () => true, ended: ignored, failed: ignored, closed: ignored }
    const connected = async (): Promise<Connection> => {
      const { promise, resolve } = Promise.withResolvers<undefined>()
      const connection = Connection.to(address, pool.buffers.read, owner, () => resolve(undefined))
      connection.socket.on('close', closed)
      await promise
      return connection
    }
    const [client, server] = [await connected(), await connected()]
    client.socket.destroy()
    if (when === 'is closed') await until('it is closed', () => closed.mock.callCount() === 1)
    const timeouts = { clientTimeoutMs: 0, serverTimeoutMs: 0 }
    const session = new Session({ client, server, ...timeouts, ending: ignored, pool, carried: new MemberMeter() })
    session.whenEnded(ended)
    await until('both sides are closed', () => closed.mock.callCount() === 2)
    assert.equal(ended.mock.callCount(), 1)
  })
}

test('ends a session whose client is silent for longer than the client timeout', async () => {
  const { client, backend, rig } = await joined({ timeouts: { clientMs: 150 } })
  const since = performance.now()
  await client.over()
  await backend.over()
  assert.ok(performance.now() - since > 100)
  assert.equal(rig.proxy.status().endings['client-timeout'], 1)
  const [line] = rig.events('session-ended')
  assert.equal(line?.['msg'], 'primary: closed 1 session on pg1: its client was idle for 0.2 s (timeouts.client)')
})

test('ends a session whose server is silent for longer than the server timeout', async () => {
  const { client, backend, rig } = await joined({ timeouts: { serverMs: 150 } })
  await client.over()
  await backend.over()
  assert.equal(rig.proxy.status().endings['server-timeout'], 1)
})

test('keeps a session on which bytes pass now and then, in one direction or the other', async () => {
  const { client, backend } = await joined({ timeouts: { clientMs: 300, serverMs: 300 } })
  const until1s = performance.now() + 1000
  let isUp = false
  await until(
    'a second has passed',
    () => {
      isUp = !isUp
      if (isUp) client.send('.')
      else backend.send('.')
      return performance.now() > until1s
    },
    { everyMs: 50 },
  )
  assert.equal(client.ended || backend.ended, false)
})

test('keeps silent sessions for ever where the timeouts are 0', async () => {
  const { client, backend, rig } = await joined({ timeouts: { clientMs: 0, serverMs: 0 } })
  const timers = process.getActiveResourcesInfo().filter((type) => type === 'Timeout')
  assert.deepEqual(timers, [])
  assert.equal(rig.sessions, 1)
  client.send('x')
  await backend.got(Buffer.concat([STARTUP, Buffer.from('x')]))
})

test('sends TCP keepalives on both sides', async () => {
  const { rig, server, backend } = await joined({ tcpKeepaliveMs: 20_000 })
  const toClient = timerOf(rig.port(), null)
  const toServer = timerOf(backend.socket.remotePort ?? 0, server.address.port)
  assert.ok(toClient > 15 && toClient <= 20, `${toClient} s`)
  assert.ok(toServer > 15 && toServer <= 20, `${toServer} s`)
})

test('sends no TCP keepalives where tcp_keepalive is 0', async () => {
  const { rig, server, backend } = await joined({ tcpKeepaliveMs: 0 })
  assert.equal(timerOf(rig.port(), null), 0)
  assert.equal(timerOf(backend.socket.remotePort ?? 0, server.address.port), 0)
})

/** Seconds until the keepalive timer of an established socket of this machine fires; 0: there is none. */
function timerOf(localPort: number, remotePort: number | null): number {
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0')
  const rows = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((row) => row.trim().split(/\s+/))
  const row = rows.find(([, local, remote, state]) => {
    const isRemote = remotePort === null || remote?.endsWith(`:${hex(remotePort)}`)
    return state === '01' && local?.endsWith(`:${hex(localPort)}`) && isRemote
  })
  assert.ok(row !== undefined, 'no such socket')
  const [kind, ticks] = (row[5] ?? '').split(':')
  return kind === '02' ? parseInt(ticks ?? '0', 16) / 100 : 0
}

for (const [sender, reader] of [
  ['client', 'backend'],
  ['backend', 'client'],
] as const) {
  test(`passes small writes of the ${sender} on at once`, async () => {
    const ends = await joined()
    const arrived = (end: 'client' | 'backend', bytes: number): Promise<unknown> => {
      const total = bytes + (end === 'client' ? AUTH_OK.length : STARTUP.length)
      return until(`${total} bytes`, () => ends[end].received.length === total, { everyMs: 1 })
    }
    const since = performance.now()
    // Two writes without a byte in return, then one: what Nagle's algorithm and delayed ACKs make slow.
    for (let round = 1; round <= 30; round++) {
      ends[sender].send('x')
      await arrived(reader, 2 * round - 1)
      ends[sender].send('y')
      await arrived(reader, 2 * round)
      ends[reader].send('z')
      await arrived(sender, round)
    }
    const elapsed = performance.now() - since
    assert.ok(elapsed < 800, `30 rounds took ${elapsed} ms`)
  })
}
