/** The connection log: a line for each connection that ends, however it does. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import type { ConnectionLine } from '../../../src/proxy/connection-line.ts'
import { type Closing, Sessions } from '../../../src/proxy/sessions.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { AUTH_OK, CANCEL_REQUEST, SSL_REQUEST, STARTUP } from './support/messages.ts'
import { type ConfigChanges, type FakeServer, PRIMARY, REPLICAS, type Rig, Scene, tcp } from './support/scene.ts'
import { closedView, openView, replicaView, withPrimary } from './support/views.ts'
import type { Wire } from './support/wire.ts'

type CloseArguments = Parameters<Sessions['close']>
// eslint-disable-next-line @typescript-eslint/unbound-method -- it is applied to its object
const original = Sessions.prototype.close

let scene: Scene
beforeEach(() => {
  scene = new Scene()
})
afterEach(() => scene.clear())

/** A proxy that logs connections. */
async function logging(...options: Parameters<Scene['proxy']>): Promise<Rig> {
  const rig = await scene.proxy(...options)
  rig.connectionLog.switch(true)
  return rig
}

interface Joined {
  readonly rig: Rig
  readonly server: FakeServer
  readonly client: Wire
  readonly backend: Wire
}

/** A session whose startup is over, by a proxy that logs connections. */
async function joined(changes: ConfigChanges = {}): Promise<Joined> {
  const server = await scene.postgres()
  const rig = await logging(changes)
  rig.proxy.apply(openView('pg1', server.address, 1))
  const client = await served(rig)
  return { rig, server, client, backend: await server.connection() }
}

async function served(rig: Rig, listener?: string): Promise<Wire> {
  const client = (await scene.client(rig, listener)).send(STARTUP)
  await client.got(AUTH_OK)
  return client
}

/** The fields of the only line, once it is there. */
async function theLine(rig: Rig): Promise<ConnectionLine['fields']> {
  const [line] = await lines(rig, 1)
  assert.ok(line)
  return line
}

async function lines(rig: Rig, count: number): Promise<readonly ConnectionLine['fields'][]> {
  await until(`${count} lines`, () => rig.connections.length >= count, { everyMs: 5 })
  assert.equal(rig.connections.length, count)
  return rig.connections.map(({ fields }) => fields)
}

async function ending(rig: Rig): Promise<readonly unknown[]> {
  const { reason, termination } = await theLine(rig)
  return [reason, termination]
}

test('a session is a line with both ends of both connections, its times, its bytes and its end', async () => {
  const { rig, server, client, backend } = await joined()
  client.send('12345')
  await backend.got(Buffer.concat([STARTUP, Buffer.from('12345')]))
  backend.send('1234567')
  await client.got(Buffer.concat([AUTH_OK, Buffer.from('1234567')]))
  const { localPort: clientPort } = client.socket
  const { remotePort: localPort } = backend.socket
  client.socket.end()
  await until('its server sees the end', () => backend.ended)
  backend.socket.end()
  const before = Date.now()
  const { connectMs, durationMs, ...rest } = await theLine(rig)
  assert.deepEqual(rest, {
    ...{ event: 'connection', listener: 'primary', route: 'primary', client: '127.0.0.1', clientPort },
    ...{ member: 'pg1', memberAddress: `127.0.0.1:${server.address.port}`, localAddress: '127.0.0.1', localPort },
    ...{ heldMs: 0, bytesIn: STARTUP.length + 5, bytesOut: AUTH_OK.length + 7 },
    ...{ reason: 'client-closed', termination: '--' },
  })
  assert.ok(typeof connectMs === 'number' && typeof durationMs === 'number')
  assert.ok(connectMs >= 0 && connectMs <= durationMs)
  const [line] = rig.connections
  assert.ok(Math.abs((line?.at ?? 0) - before) < 5000)
  assert.match(line?.message ?? '', /^primary: 127\.0\.0\.1:\d+ to pg1: client-closed after \d/)
})

describe('a session that', () => {
  const ENDS: Readonly<Record<string, [end: (ends: Joined) => unknown, ...expected: string[]]>> = {
    'its server closes': [({ backend }) => backend.socket.end(), 'server-closed', '--'],
    'its client resets': [({ client }) => client.socket.resetAndDestroy(), 'client-reset', 'CD'],
    'its server resets': [({ backend }) => backend.socket.resetAndDestroy(), 'server-reset', 'SD'],
    'another primary ends': [({ rig }) => rig.proxy.apply(closedView(2)), 'fence', 'DD'],
    'a close of the proxy ends': [({ rig }) => rig.proxy.close(), 'shutdown', 'KD'],
  }
  for (const [what, [end, ...expected]] of Object.entries(ENDS))
    test(`${what} is ${expected.join(' ')}`, async () => {
      const ends = await joined()
      end(ends)
      // The other side goes as well, where it only sees the end.
      await until('both are let go', () => ends.client.isLetGo || ends.backend.isLetGo)
      ends.client.socket.end()
      assert.deepEqual(await ending(ends.rig), expected)
    })

  test('is idle for longer than a timeout is client-timeout cD or server-timeout sD', async () => {
    const [client, server] = [
      await joined({ timeouts: { clientMs: 100 } }),
      await joined({ timeouts: { serverMs: 100 } }),
    ]
    assert.deepEqual(await ending(client.rig), ['client-timeout', 'cD'])
    assert.deepEqual(await ending(server.rig), ['server-timeout', 'sD'])
  })

  test('outlives drain_timeout is drain-timeout KD, and has its line before the drain is over', async () => {
    const { rig } = await joined({ drainTimeoutMs: 50 })
    await rig.proxy.drain()
    assert.deepEqual(
      rig.connections.map(({ fields }) => [fields['reason'], fields['termination']]),
      [['drain-timeout', 'KD']],
    )
  })

  test('a replica loses is member-down or member-moved, DD; one on the fallback is fallback-over, UD', async () => {
    const [pg1, pg2] = [await scene.postgres(), await scene.postgres()]
    const rig = await logging({ listeners: [PRIMARY, { ...REPLICAS, fallback: 'primary', closeFallback: true }] })
    const replica = replicaView({ pg2: pg2.address })
    rig.proxy.apply(withPrimary(replicaView({ pg2: { down: true } }), 'pg1', pg1.address, 1))
    await served(rig, 'replicas')
    rig.proxy.apply(withPrimary(replica, 'pg1', pg1.address, 1))
    await lines(rig, 1)
    await served(rig, 'replicas')
    rig.proxy.apply(withPrimary(replicaView({ pg2: pg1.address }), 'pg1', pg1.address, 1))
    await lines(rig, 2)
    await served(rig, 'replicas')
    rig.proxy.apply(withPrimary(replicaView({ pg2: { down: true } }), 'pg1', pg1.address, 1))
    assert.deepEqual(
      (await lines(rig, 3)).map(({ listener, route, member, reason, termination }) => [
        ...[listener, route, member, reason, termination],
      ]),
      [
        ['replicas', 'replica', 'pg1', 'fallback-over', 'UD'],
        ['replicas', 'replica', 'pg2', 'member-moved', 'DD'],
        ['replicas', 'replica', 'pg2', 'member-down', 'DD'],
      ],
    )
  })

  test('had to wait has the time that it waited, and the time of its last connect beside it', async () => {
    const server = await scene.postgres()
    const rig = await logging()
    rig.proxy.apply(closedView(1))
    const client = (await scene.client(rig)).send(STARTUP)
    await until('it is held', () => rig.held === 1)
    const since = rig.proxy.status().held.oldestMs ?? 0
    await until('it has been held for a while', () => (rig.proxy.status().held.oldestMs ?? 0) - since > 60)
    rig.proxy.apply(openView('pg1', server.address, 2))
    await client.got(AUTH_OK)
    client.socket.resetAndDestroy()
    const { heldMs, connectMs, durationMs } = await theLine(rig)
    assert.ok(typeof heldMs === 'number' && typeof durationMs === 'number' && typeof connectMs === 'number')
    assert.ok(heldMs >= 60 && heldMs <= durationMs && connectMs < durationMs, JSON.stringify({ heldMs, connectMs }))
  })
})

describe('a client without a session', () => {
  const NOWHERE = { member: null, memberAddress: null, localAddress: null, localPort: null, connectMs: null }

  test('that leaves before its first packet is client-closed CR, by a reset client-reset CR', async () => {
    const rig = await logging()
    const [one, other] = [await scene.client(rig), await scene.client(rig)]
    await until('both are accepted', () => rig.proxy.status().totals.accepted === 2)
    const { localPort: clientPort } = one.socket
    one.socket.end()
    const { durationMs, ...rest } = await theLine(rig)
    other.send(STARTUP.subarray(0, 5)).socket.resetAndDestroy()
    const [, second] = await lines(rig, 2)
    assert.equal(typeof durationMs, 'number')
    assert.deepEqual(rest, {
      ...{ event: 'connection', listener: 'primary', route: 'primary', client: '127.0.0.1' },
      ...{ clientPort, ...NOWHERE, heldMs: 0, bytesIn: 0, bytesOut: 0 },
      ...{ reason: 'client-closed', termination: 'CR' },
    })
    assert.deepEqual([second?.['reason'], second?.['termination']], ['client-reset', 'CR'])
    assert.match(rig.connections[0]?.message ?? '', /^primary: 127\.0\.0\.1:\d+: client-closed after \d/)
  })

  test('that leaves while it is held is client-closed CQ', async () => {
    const rig = await logging()
    const client = (await scene.client(rig)).send(STARTUP)
    await until('it is held', () => rig.held === 1)
    client.socket.end()
    assert.deepEqual(await ending(rig), ['client-closed', 'CQ'])
  })

  test('that leaves before the member has answered is client-closed CC, with the name of the member', async () => {
    const server = await scene.server()
    const rig = await logging()
    rig.proxy.apply(openView('pg1', server.address, 1))
    const client = (await scene.client(rig)).send(STARTUP)
    await (await server.connection()).got(STARTUP)
    client.socket.end()
    assert.deepEqual(await ending(rig), ['client-closed', 'CC'])
    const { member, memberAddress, connectMs } = await theLine(rig)
    assert.deepEqual([member, memberAddress, connectMs], ['pg1', `127.0.0.1:${server.address.port}`, null])
  })

  test('that the member closes without an answer is server-closed SC', async () => {
    const server = await scene.server((wire) => wire.socket.once('data', () => wire.socket.end()))
    const rig = await logging()
    rig.proxy.apply(openView('pg1', server.address, 1))
    ;(await scene.client(rig)).send('GET / HTTP/1.1\r\n\r\n')
    assert.deepEqual(await ending(rig), ['server-closed', 'SC'])
  })

  test('that requests a cancel is a line of its own', async () => {
    const { rig, server } = await joined()
    const client = (await scene.client(rig)).send(CANCEL_REQUEST)
    const passedOn = await server.connection(1)
    await passedOn.got(CANCEL_REQUEST)
    passedOn.socket.end()
    const { reason, termination, member, bytesIn, clientPort } = await theLine(rig)
    assert.deepEqual([reason, termination, member, bytesIn], ['cancel', '--', null, CANCEL_REQUEST.length])
    assert.equal(clientPort, client.socket.localPort)
  })

  test('that is closed with the proxy is shutdown, with the state it was in', async () => {
    const rig = await logging()
    await scene.client(rig)
    ;(await scene.client(rig)).send(STARTUP)
    await until('one is held', () => rig.held === 1 && rig.proxy.status().totals.accepted === 2)
    rig.proxy.close()
    const all = await lines(rig, 2)
    assert.deepEqual(all.map(({ reason, termination }) => `${String(reason)} ${String(termination)}`).toSorted(), [
      'shutdown KQ',
      'shutdown KR',
    ])
  })
})

describe('a client that is refused because of', () => {
  test('hold.timeout is sQ, and what it was sent counts', async () => {
    const rig = await logging({ hold: { timeoutMs: 60 } })
    rig.proxy.apply(closedView(1))
    const client = (await scene.client(rig)).send(STARTUP)
    await client.over()
    client.socket.end()
    const { reason, termination, heldMs, bytesOut, member } = await theLine(rig)
    assert.deepEqual([reason, termination, member], ['hold-timeout', 'sQ', null])
    assert.ok(typeof heldMs === 'number' && heldMs >= 50)
    assert.equal(bytesOut, client.received.length)
  })

  test('hold.max_connections is SQ', async () => {
    const rig = await logging({ hold: { maxConnections: 1 } })
    ;(await scene.client(rig)).send(STARTUP)
    await until('one is held', () => rig.held === 1)
    const client = (await scene.client(rig)).send(STARTUP)
    await client.over()
    client.socket.end()
    assert.deepEqual(await ending(rig), ['hold-limit', 'SQ'])
  })

  test('max_connections is PR', async () => {
    const { rig } = await joined({ maxConnections: 1 })
    const client = (await scene.client(rig)).send(STARTUP)
    await client.over()
    client.socket.end()
    assert.deepEqual(await ending(rig), ['connection-limit', 'PR'])
  })

  test('the limit of the process is PC', async () => {
    const rig = await logging({}, { descriptors: 60, memoryBytes: null })
    const server = await scene.postgres()
    rig.proxy.apply(openView('pg1', server.address, 1))
    await until('one is refused', async () => {
      const client = (await scene.client(rig)).send(STARTUP)
      await until('it has an answer', () => client.received.length > 0)
      if (!client.received.equals(AUTH_OK)) client.socket.end()
      return !client.received.equals(AUTH_OK)
    })
    assert.deepEqual(await ending(rig), ['process-limit', 'PC'])
  })

  test('its silence, when its place is needed, is silent cR', async () => {
    const rig = await logging({ maxConnections: 1 })
    await scene.client(rig)
    await until('it is accepted', () => rig.proxy.status().totals.accepted === 1)
    const since = performance.now()
    await until('it has been silent for a moment', () => performance.now() - since > 300)
    ;(await scene.client(rig)).send(STARTUP)
    assert.deepEqual(await ending(rig), ['silent', 'cR'])
  })

  test('a shutdown is KQ', async () => {
    const rig = await logging()
    const client = (await scene.client(rig)).send(STARTUP)
    await until('it is held', () => rig.held === 1)
    const drained = rig.proxy.drain()
    await client.over()
    client.socket.end()
    await drained
    assert.deepEqual(await ending(rig), ['shutdown', 'KQ'])
  })
})

test('a client that leaves while it is being refused keeps the reason, and each refusal has its line', async () => {
  const rig = await logging({ hold: { timeoutMs: 0 } })
  rig.proxy.apply(closedView(1))
  const clients = await Promise.all(Array.from({ length: 30 }, () => scene.client(rig)))
  for (const client of clients) client.send(SSL_REQUEST)
  await Promise.all(clients.map((client) => client.got('N')))
  for (const { socket } of clients) socket.resetAndDestroy()
  const all = await lines(rig, clients.length)
  assert.ok(all.every(({ reason }) => reason === 'hold-timeout'))
  assert.equal(rig.proxy.status().refusals['hold-timeout'], clients.length)
})

test('a client by a Unix socket has the path of it, and no port', async () => {
  await using dir = TempDir.create('connlog')
  const path = join(dir.path, 's')
  const rig = await logging({ listeners: [{ ...PRIMARY, binds: [tcp('127.0.0.1'), { kind: 'unix', path }] }] })
  const client = await scene.clientAt(path)
  await until('it is accepted', () => rig.proxy.status().totals.accepted === 1)
  client.socket.end()
  const { client: from, clientPort } = await theLine(rig)
  assert.deepEqual([from, clientPort], [path, null])
  assert.ok(rig.connections[0]?.message.startsWith(`primary: ${path}: client-closed`))
  rig.proxy.close()
})

test('a client of IPv4 has its own address also where the listener has every address', async () => {
  const rig = await logging({ listeners: [{ ...PRIMARY, binds: [tcp(null)] }] })
  const client = await scene.client(rig)
  await until('it is accepted', () => rig.proxy.status().totals.accepted === 1)
  client.socket.end()
  assert.equal((await theLine(rig))['client'], '127.0.0.1')
})

test('sessions that are fenced are all closed before the first of their lines, and each has one', async () => {
  const count = 300
  const server = await scene.postgres()
  const rig = await logging()
  rig.proxy.apply(openView('pg1', server.address, 1))
  await Promise.all(Array.from({ length: count }, () => served(rig)))
  // Its line is due when the fence begins.
  const early = await scene.client(rig)
  await until('it is accepted', () => rig.proxy.status().totals.accepted === count + 1)
  early.socket.end()
  await until('it has left', () => early.ended, { everyMs: 1 })
  const atTheEnd: number[] = []
  const close = mock.method(Sessions.prototype, 'close', function (this: Sessions, ...args: CloseArguments): Closing {
    const closing = original.apply(this, args)
    if (closing.closed.size > 0) closing.done.then(() => atTheEnd.push(rig.connections.length), assert.ifError)
    return closing
  })
  rig.proxy.apply(closedView(2))
  const all = await lines(rig, count + 1)
  close.mock.restore()
  assert.ok(atTheEnd.length === 1 && Number(atTheEnd[0]) <= 1, `${atTheEnd.join()} lines by the end of the fence`)
  assert.equal(all.filter(({ reason }) => reason === 'fence').length, count)
  assert.equal(rig.proxy.status().endings.fence, count)
  assert.equal(new Set(all.map(({ clientPort }) => clientPort)).size, count + 1)
})

test('switched on while it runs it has sessions and clients from before as well; switched off it has none', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy()
  rig.proxy.apply(openView('pg1', server.address, 1))
  const [before, later] = [await served(rig), await served(rig)]
  const backend = await server.connection()
  const unlogged = await served(rig)
  unlogged.socket.resetAndDestroy()
  await until('it is over', () => rig.sessions === 2)
  rig.connectionLog.switch(true)
  const silent = await scene.client(rig)
  const ports = [before.socket.localPort, backend.socket.remotePort]
  before.socket.resetAndDestroy()
  const { clientPort, localPort, member, connectMs, bytesIn } = await theLine(rig)
  assert.deepEqual([clientPort, localPort], ports)
  assert.equal(typeof connectMs, 'number')
  assert.deepEqual([member, bytesIn], ['pg1', STARTUP.length])
  rig.connectionLog.switch(false)
  later.socket.resetAndDestroy()
  silent.socket.resetAndDestroy()
  await until('it is over', () => rig.sessions === 0)
  rig.proxy.close()
  assert.equal(rig.connections.length, 1)
})
