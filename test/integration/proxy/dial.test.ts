import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { Connection } from '../../../src/proxy/connection.ts'
import { Child } from '../../support/processes/child.ts'
import { freePort, listens } from '../../support/net/ports.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { AUTH_OK, errorFields, errorResponse, STARTUP } from './support/messages.ts'
import { type Rig, Scene } from './support/scene.ts'
import { closedView, openView, replicaView } from './support/views.ts'
import type { Wire } from './support/wire.ts'

/** After a failure a server is dialled again 100 ms later. */
const REST_MS = 90

let scene: Scene
const connectTo = Connection.to.bind(Connection)
/** Puts `instead` in the place of a method of Node's sockets; `call` calls that. */
function intercept(
  method: 'connect' | '_destroy' | 'emit',
  instead: (socket: Socket, args: readonly unknown[], call: () => unknown) => unknown,
): { restore: () => void; callCount: () => number } {
  const original = Reflect.get(Socket.prototype, method) as (...args: unknown[]) => unknown
  return mock.method(Socket.prototype, method, function (this: Socket, ...args: unknown[]) {
    return instead(this, args, () => Reflect.apply(original, this, args))
  } as never).mock
}

/** The port that the arguments of `connect` name. */
function portOf(args: readonly unknown[]): number | undefined {
  return (args.flat() as { port?: number }[])[0]?.port
}

beforeEach(() => {
  scene = new Scene()
})
afterEach(async () => {
  mock.restoreAll()
  await scene.clear()
})

/** A client that has been served. */
async function served(rig: Rig, listener = 'primary'): Promise<Wire> {
  const client = (await scene.client(rig, listener)).send(STARTUP)
  await client.got(AUTH_OK)
  return client
}

test('takes replicas in turn, by name, whatever order they are listed in', async () => {
  const [a, b, c] = [await scene.postgres(), await scene.postgres(), await scene.postgres()]
  const rig = await scene.proxy()
  rig.proxy.apply(replicaView({ pg2: b.address, pg3: c.address, pg1: a.address }))
  const order: string[] = []
  for (let n = 0; n < 6; n++) {
    const before = [a, b, c].map(({ connections }) => connections.length)
    await served(rig, 'replicas')
    order.push(['pg1', 'pg2', 'pg3'].filter((_, i) => [a, b, c][i]?.connections.length !== before[i]).join())
  }
  assert.deepEqual(order, ['pg1', 'pg2', 'pg3', 'pg1', 'pg2', 'pg3'])
  assert.deepEqual(rig.proxy.status().sessions, [
    { member: 'pg1', listener: 'replicas', sessions: 2 },
    { member: 'pg2', listener: 'replicas', sessions: 2 },
    { member: 'pg3', listener: 'replicas', sessions: 2 },
  ])
})

test('tries the next replica when one refuses, even where no client may be held', async () => {
  const up = await scene.postgres()
  const starting = await scene.server((wire) => {
    wire.socket.once('data', () => wire.socket.end(errorResponse('57P03', 'starting')))
  })
  const rig = await scene.proxy({ hold: { timeoutMs: 0 } })
  rig.proxy.apply(replicaView({ pg1: await scene.nobody(), pg2: starting.address, pg3: up.address }))
  await served(rig, 'replicas')
  assert.deepEqual(
    rig.failures.map(({ member, basis }) => [member, basis]),
    [
      ['pg1', null],
      ['pg2', null],
    ],
  )
  assert.match(rig.failures[0]?.reason ?? '', /ECONNREFUSED/)
})

test('tries each replica once in a round, then waits; and gives up when the hold times out', async () => {
  const rig = await scene.proxy({ hold: { timeoutMs: 1000 } })
  rig.proxy.apply(replicaView({ pg1: await scene.nobody(), pg2: await scene.nobody() }))
  const clients = await Promise.all(Array.from({ length: 20 }, () => scene.client(rig, 'replicas')))
  for (const client of clients) client.send(STARTUP)
  await until('they are held', () => rig.held === 20)
  await Promise.all(clients.map((client) => client.over()))
  for (const client of clients) {
    assert.equal(errorFields(client.received)?.['C'], '57P03')
    assert.match(errorFields(client.received)?.['H'] ?? '', /ECONNREFUSED/)
  }
  // Twenty clients, two replicas, about ten rounds.
  assert.ok(rig.failures.length >= 80 && rig.failures.length <= 500, `${rig.failures.length} dials`)
})

test('serves a waiting client as soon as a view has a server that answers', async () => {
  const served = async (): Promise<boolean> => {
    const rig = await scene.proxy()
    let failedAt = 0
    rig.onFailure = () => (failedAt = performance.now())
    rig.proxy.apply(openView('pg1', await scene.nobody(), 1))
    const client = (await scene.client(rig)).send(STARTUP)
    await until('it is held', () => rig.held === 1)
    rig.proxy.apply(openView('pg2', (await scene.postgres()).address, 2))
    await client.got(AUTH_OK)
    return performance.now() - failedAt < REST_MS
  }
  // With a rest, which is for the other server, it would be later each time.
  await until('one is served within the rest after a failure', served)
})

test('a dial that is not answered in time is an observation', async () => {
  await using dir = TempDir.create('frozen')
  const port = await freePort()
  const script = `require('node:net').createServer().listen({ port: ${port}, host: '127.0.0.1', backlog: 1 })`
  const options = { cwd: dir.path, logFile: `${dir.path}/log` }
  const frozen = await Child.start(process.execPath, ['-e', script], options)
  await until('it listens', () => listens(port))
  frozen.freeze()
  // The kernel accepts a few for it; the next ones get no answer at all.
  const fill = Array.from({ length: 4 }, () => new Socket().on('error', () => undefined).connect(port, '127.0.0.1'))
  try {
    await until('its queue is full', () => fill.filter(({ connecting }) => !connecting).length >= 2)
    const rig = await scene.proxy({ timeouts: { connectMs: 300 } })
    rig.onFailure = () => rig.proxy.apply(closedView(1))
    rig.proxy.apply(openView('pg1', { host: '127.0.0.1', port }, 1))
    ;(await scene.client(rig)).send(STARTUP)
    await until('it is held', () => rig.held === 1)
    assert.match(rig.failures[0]?.reason ?? '', /does not answer within 300 ms/)
  } finally {
    for (const socket of fill) socket.destroy()
    await frozen.stop({ signal: 'SIGKILL' })
  }
})

test('a name that does not resolve is an observation', async () => {
  const rig = await scene.proxy()
  rig.onFailure = () => rig.proxy.apply(closedView(1))
  rig.proxy.apply(openView('pg1', { host: 'no-such-host.invalid', port: 5432 }, 1))
  ;(await scene.client(rig)).send(STARTUP)
  await until('it is held', () => rig.held === 1)
  assert.match(rig.failures[0]?.reason ?? '', /no-such-host.invalid/)
})

for (const [code, text] of [
  ['EMFILE', 'out of file descriptors, so new sessions fail: raise LimitNOFILE (two per session)'],
  ['EADDRNOTAVAIL', 'out of local ports, so new sessions fail: widen net.ipv4.ip_local_port_range'],
  ['EPERM', 'cannot connect to members: Postgres at 127.0.0.1:PORT: connect EPERM'],
] as const) {
  test(`${code} is no observation: the client waits and is dialled for again, and the log says so once`, async () => {
    const up = await scene.postgres()
    const rig = await scene.proxy()
    rig.proxy.apply(openView('pg1', up.address, 1))
    const failing = intercept('connect', (socket, args, call) => {
      if (portOf(args) !== up.address.port) return call()
      return socket.destroy(Object.assign(new Error(`connect ${code}`), { code }))
    })
    const client = (await scene.client(rig)).send(STARTUP)
    await until('it is held', () => rig.held === 1)
    const before = failing.callCount()
    await until('it is tried again', () => failing.callCount() > before + 2)
    failing.restore()
    await client.got(AUTH_OK)
    assert.deepEqual(rig.failures, [])
    assert.equal(rig.proxy.status().totals.failedDials, 0)
    assert.deepEqual(
      rig.events('dial-trouble').map(({ level, msg }) => [level, msg]),
      [
        [50, `primary: ${text.replace('PORT', String(up.address.port))}`],
        [30, 'primary: connects to members again'],
      ],
    )
  })
}

test('a dial that completes under another epoch is closed, and its client served by the new primary', async () => {
  const old = await scene.server()
  const next = await scene.postgres()
  const rig = await scene.proxy()
  rig.proxy.apply(openView('pg1', old.address, 1))
  const client = (await scene.client(rig)).send(STARTUP)
  const backend = await old.connection()
  await backend.got(STARTUP)
  rig.proxy.apply(openView('pg2', next.address, 2))
  backend.send(errorResponse('28000', 'an answer that comes too late'))
  await client.got(AUTH_OK)
  await backend.over()
  assert.deepEqual(rig.failures, [])
  assert.deepEqual(rig.proxy.status().sessions, [{ member: 'pg2', listener: 'primary', sessions: 1 }])
})

test('an answer in the very moment of a fence is not passed on', async () => {
  const old = await scene.server()
  const next = await scene.postgres()
  const rig = await scene.proxy()
  // The proxy's own end of the connection: the view changes right after it has read the answer.
  const connected = mock.method(Connection, 'to', ((options, shared, owner, whenConnected) => {
    const received = owner.received.bind(owner)
    owner.received = (bytes, length) => {
      const isRead = received(bytes, length)
      if (options.port === old.address.port) rig.proxy.apply(openView('pg2', next.address, 2))
      return isRead
    }
    return connectTo(options, shared, owner, whenConnected)
  }) satisfies (typeof Connection)['to'])
  rig.proxy.apply(openView('pg1', old.address, 1))
  const client = (await scene.client(rig)).send(STARTUP)
  const backend = await old.connection()
  await backend.got(STARTUP)
  assert.ok(connected.mock.callCount() === 1)
  backend.send(errorResponse('28000', 'too late'))
  await client.got(AUTH_OK)
  await backend.over()
})

test('closes every session and every dial of the old primary before it dials the new one', async () => {
  const old = await scene.server((wire) => {
    wire.socket.once('data', () => {
      if (old.connections.length <= 5) wire.send(AUTH_OK)
    })
  })
  const next = await scene.postgres()
  const rig = await scene.proxy()
  rig.proxy.apply(openView('pg1', old.address, 1))
  for (let n = 0; n < 5; n++) await served(rig)
  for (let n = 0; n < 3; n++) (await scene.client(rig)).send(STARTUP)
  await (await old.connection(7)).got(STARTUP)

  const order: string[] = []
  intercept('connect', (_, args, call) => {
    if (portOf(args) === next.address.port) order.push('dial the new')
    return call()
  })
  intercept('_destroy', (socket, _, call) => {
    if (socket.remotePort === old.address.port) order.push('close the old')
    return call()
  })
  rig.proxy.apply(openView('pg2', next.address, 2))
  await until('the held ones are served by the new', () => rig.sessions === 3)
  assert.deepEqual(order, [...Array<string>(8).fill('close the old'), ...Array<string>(3).fill('dial the new')])
  assert.partialDeepStrictEqual(rig.proxy.status().totals, { accepted: 8, refused: 0, fenced: 5, failedDials: 0 })
  const [fenced] = rig.events('fenced')
  assert.equal(fenced?.['member'], 'pg1')
  assert.equal(fenced['connections'], 5)
  await until('the old one sees it', () => old.open === 0)
})

test('closes the sessions of the old primary when there is no primary, and keeps them while it is only unreachable', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy()
  rig.proxy.apply(openView('pg1', server.address, 1))
  const client = await served(rig)
  rig.proxy.apply(closedView(1, { state: 'unreachable', member: 'pg1', address: server.address }))
  const held = (await scene.client(rig)).send(STARTUP)
  await until('the next one is held', () => rig.held === 1)
  assert.equal(client.ended, false)
  rig.proxy.apply(closedView(2))
  await client.over()
  assert.equal(held.ended, false)
  assert.equal(rig.proxy.status().totals.fenced, 1)
})

test('gives up a dial that has no answer when the primary is closed, and serves its client later', async () => {
  const silent = await scene.server()
  const rig = await scene.proxy()
  rig.proxy.apply(openView('pg1', silent.address, 1))
  const client = (await scene.client(rig)).send(STARTUP)
  const backend = await silent.connection()
  rig.proxy.apply(closedView(1, { state: 'switching', member: 'pg1', address: silent.address }))
  await backend.over()
  await until('it is held', () => rig.held === 1)
  const server = await scene.postgres()
  rig.proxy.apply(openView('pg2', server.address, 2))
  await client.got(AUTH_OK)
})

test('gives up a dial that has no answer when its replica is not fit any more, and tries another', async () => {
  const silent = await scene.server()
  const server = await scene.postgres()
  const rig = await scene.proxy()
  rig.proxy.apply(replicaView({ pg1: silent.address, pg2: server.address }))
  const client = (await scene.client(rig, 'replicas')).send(STARTUP)
  const backend = await silent.connection()
  rig.proxy.apply(replicaView({ pg1: { down: false }, pg2: server.address }))
  await backend.over()
  await client.got(AUTH_OK)
})

test('closes the replica sessions of members that are down or forgotten, and no others', async () => {
  const [a, b, c] = [await scene.postgres(), await scene.postgres(), await scene.postgres()]
  const rig = await scene.proxy()
  const all = { pg1: a.address, pg2: b.address, pg3: c.address }
  rig.proxy.apply(replicaView(all))
  const [first, second, third] = [
    await served(rig, 'replicas'),
    await served(rig, 'replicas'),
    await served(rig, 'replicas'),
  ]
  rig.proxy.apply(replicaView({ ...all, pg1: { down: false } }))
  rig.proxy.apply(replicaView({ ...all, pg2: { down: true } }))
  await second.over()
  assert.deepEqual([first.ended, third.ended], [false, false])
  rig.proxy.apply(replicaView({ pg1: a.address }))
  await third.over()
  assert.equal(first.ended, false)
  assert.equal(rig.proxy.status().totals.fenced, 2)
})

test('keeps the replica sessions of a member that is promoted', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy()
  rig.proxy.apply(replicaView({ pg1: server.address }))
  const client = await served(rig, 'replicas')
  const promoted = replicaView({ pg1: { down: false } })
  rig.proxy.apply({ ...promoted, primary: openView('pg1', server.address, 5).primary })
  const writer = await served(rig)
  assert.deepEqual([client.ended, writer.ended], [false, false])
  // And the next one waits: the leader does not serve the replica route.
  ;(await scene.client(rig, 'replicas')).send(STARTUP)
  await until('it is held', () => rig.held === 1)
})

test('holds the clients of the replica route while there is no replica, then refuses them', async () => {
  const rig = await scene.proxy({ hold: { timeoutMs: 200 } })
  rig.proxy.apply(replicaView({ pg1: { down: true } }))
  const client = (await scene.client(rig, 'replicas')).send(STARTUP)
  await until('it is held', () => rig.held === 1)
  await client.over()
  const error = errorFields(client.received)
  assert.deepEqual([error?.['C'], error?.['H']], ['57P03', 'No replica can be used.'])
})
