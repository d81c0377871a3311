/** What a listener counts, and what can be done with the sessions that it has. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { ProcessBudget } from '../../../src/proxy/process-budget.ts'
import type { ListenerStatus } from '../../../src/proxy/status.ts'
import type { MemberTraffic } from '../../../src/proxy/traffic.ts'
import { inProcess } from '../../../src/proxy/worker.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { AUTH_OK, errorFields, STARTUP } from './support/messages.ts'
import { type FakeServer, PRIMARY, proxyConfig, REPLICAS, type Rig, Scene } from './support/scene.ts'
import { closedView, openView, replicaView, withPrimary } from './support/views.ts'
import type { Wire } from './support/wire.ts'

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

function listenerOf(rig: Rig, name = 'primary'): ListenerStatus {
  return rig.proxy.status().listeners.find((each) => each.name === name) ?? assert.fail(name)
}

function memberOf(rig: Rig, name: string, listener = 'primary'): MemberTraffic {
  return listenerOf(rig, listener).traffic.members.find(({ member }) => member === name) ?? assert.fail(name)
}

function portOf({ socket }: Wire): number {
  return socket.localPort ?? assert.fail('it is not connected')
}

test('the bytes of a session count while it is open, with its startup, and stay when it has ended', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy()
  rig.proxy.apply(openView('pg1', server.address, 1))
  const [client, backend] = [await served(rig), await server.connection()]
  client.send('12345')
  await backend.got(Buffer.concat([STARTUP, Buffer.from('12345')]))
  const long = Buffer.alloc(3_000_000, 'x')
  backend.send(long)
  await client.got(Buffer.concat([AUTH_OK, long]))
  const expected = [STARTUP.length + 5, AUTH_OK.length + long.length]
  const carried = (): readonly number[] => [memberOf(rig, 'pg1').bytesIn, memberOf(rig, 'pg1').bytesOut]
  assert.deepEqual(carried(), expected)
  const { traffic } = listenerOf(rig)
  assert.deepEqual([traffic.bytesIn, traffic.bytesOut, traffic.sessions, traffic.maxRate], [...expected, 1, 1])
  const [session] = (await rig.proxy.sessions({}, 10)).sessions
  assert.deepEqual([session?.bytesIn, session?.bytesOut], expected)
  assert.equal(session?.client, `127.0.0.1:${client.socket.localPort}`)
  client.socket.end()
  await until('its server sees the end', () => backend.ended)
  backend.socket.end()
  await until('it has ended', () => rig.sessions === 0)
  assert.deepEqual(carried(), expected)
  const { sessions, maxSessions, totalSessions, averageSessionMs, averageConnectMs } = memberOf(rig, 'pg1')
  assert.deepEqual([sessions, maxSessions, totalSessions], [0, 1, 1])
  assert.ok(averageConnectMs > 0 && averageConnectMs < averageSessionMs)
})

test('clients that are held, connects that fail and sessions that are fenced count for their listener and member', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy()
  const waiting = [(await scene.client(rig)).send(STARTUP), (await scene.client(rig)).send(STARTUP)]
  await until('both are held', () => rig.held === 2)
  const { maxAcceptRate, maxRate } = listenerOf(rig).traffic
  assert.ok(maxAcceptRate > 0 && maxRate === 0)
  rig.proxy.apply(openView('pg1', await scene.nobody(), 1))
  await until('a dial has failed', () => rig.failures.length > 0)
  rig.proxy.apply(openView('pg2', server.address, 2))
  for (const client of waiting) await client.got(AUTH_OK)
  await served(rig)
  rig.proxy.apply(closedView(3))
  assert.equal(memberOf(rig, 'pg1').failedDials, rig.failures.length)
  const { closedByRouter, totalSessions, sessions } = memberOf(rig, 'pg2')
  assert.deepEqual([closedByRouter, totalSessions, sessions], [3, 3, 0])
  const { maxHeld, hold, connect, averageHeldMs } = listenerOf(rig).traffic
  const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0)
  assert.deepEqual([maxHeld, sum(hold.counts), sum(connect.counts)], [2, 2, 3])
  assert.ok(hold.sum > 0 && averageHeldMs > 0)
})

test('the totals of a listener that is removed stay, and its successor begins at 0', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy()
  rig.proxy.apply(openView('pg1', server.address, 1))
  const client = await served(rig)
  const before = rig.proxy.status().totals
  rig.proxy.reconfigure(proxyConfig({ listeners: [REPLICAS] }))
  client.socket.resetAndDestroy()
  await until('its session has ended', () => rig.sessions === 0)
  rig.proxy.reconfigure(proxyConfig({ listeners: [PRIMARY, REPLICAS] }))
  const { totals } = rig.proxy.status()
  assert.deepEqual([totals.sessions, totals.bytesIn, totals.bytesOut], [1, STARTUP.length, AUTH_OK.length])
  assert.deepEqual(totals, before)
  assert.deepEqual([listenerOf(rig).traffic.totalSessions, listenerOf(rig).counts.accepted], [0, 0])
})

test('a member has its time and number of failures in the status of each listener', async () => {
  const { address } = await scene.postgres()
  const rig = await scene.proxy()
  const [up, down] = [replicaView({ pg2: address }), replicaView({ pg2: { down: true } })]
  for (const view of [up, down, up, down]) rig.proxy.apply(view)
  const [pg2] = listenerOf(rig, 'replicas').members
  assert.deepEqual([pg2?.fit, pg2?.downs], [false, 2])
  assert.ok(Math.abs((pg2?.since ?? 0) - Date.now()) < 5000)
  assert.equal(memberOf(rig, 'pg2', 'replicas').totalSessions, 0)
})

/** Sessions on three members by two listeners, one of them by a Unix socket. */
async function manySessions(dir: string): Promise<{ rig: Rig; clients: readonly Wire[]; path: string }> {
  const servers: Record<string, FakeServer> = {}
  for (const name of ['pg1', 'pg2', 'pg3']) servers[name] = await scene.postgres()
  const { pg1, pg2, pg3 } = servers
  assert.ok(pg1 && pg2 && pg3)
  const path = join(dir, '.s.PGSQL.5001')
  const unix = {
    ...REPLICAS,
    name: 'local',
    binds: [{ kind: 'unix', path, mode: 0o600, owner: null, group: null }],
  } as const
  const rig = await scene.proxy({ listeners: [PRIMARY, REPLICAS, unix] })
  rig.connectionLog.switch(true)
  const replicas = replicaView({ pg2: pg2.address, pg3: pg3.address })
  rig.proxy.apply(withPrimary(replicas, 'pg1', pg1.address, 1))
  const clients = [await served(rig, 'replicas'), await served(rig), await served(rig, 'replicas')]
  const local = (await scene.clientAt(path)).send(STARTUP)
  await local.got(AUTH_OK)
  return { rig, clients: [...clients, local], path }
}

test('sessions are listed by listener, member, client and id, the oldest first', async () => {
  await using dir = TempDir.create('sessions')
  const { rig, clients, path } = await manySessions(dir.path)
  const { sessions, total } = await rig.proxy.sessions({}, 100)
  assert.equal(total, 4)
  assert.deepEqual(
    sessions.map(({ id, listener, route, member, client }) => [id, listener, route, member, client]),
    [
      ['0x1', 'replicas', 'replica', 'pg2', `127.0.0.1:${portOf(clients[0] ?? assert.fail())}`],
      ['0x2', 'primary', 'primary', 'pg1', `127.0.0.1:${portOf(clients[1] ?? assert.fail())}`],
      ['0x3', 'replicas', 'replica', 'pg3', `127.0.0.1:${portOf(clients[2] ?? assert.fail())}`],
      ['0x4', 'local', 'replica', 'pg2', path],
    ],
  )
  assert.ok(sessions.every(({ since }) => Math.abs(since - Date.now()) < 5000))
  const idsOf = async (filter: Parameters<Rig['proxy']['sessions']>[0], max = 100): Promise<readonly unknown[]> => {
    const found = await rig.proxy.sessions(filter, max)
    return [found.total, ...found.sessions.map(({ id }) => id)]
  }
  assert.deepEqual(await idsOf({ member: 'pg2' }), [2, '0x1', '0x4'])
  assert.deepEqual(await idsOf({ listener: 'replicas' }, 1), [2, '0x1'])
  assert.deepEqual(await idsOf({ member: 'pg2', listener: 'local' }), [1, '0x4'])
  assert.deepEqual(await idsOf({ client: '127.0.0.1' }), [3, '0x1', '0x2', '0x3'])
  assert.deepEqual(await idsOf({ client: '::ffff:127.0.0.1', id: '0X3' }), [1, '0x3'])
  for (const filter of [{ id: '3' }, { member: 'pg9' }, { listener: 'other' }, { client: '127.0.0' }])
    assert.deepEqual(await idsOf(filter), [0])
})

test('sessions that are closed by request end with the reason admin, and all others stay', async () => {
  await using dir = TempDir.create('sessions')
  const { rig, clients } = await manySessions(dir.path)
  assert.equal(await rig.proxy.closeSessions({ member: 'pg2' }, 'alice'), 2)
  // Before it is resolved they are gone from the status.
  assert.deepEqual([rig.sessions, rig.proxy.status().endings.admin], [2, 2])
  for (const client of [clients[0], clients[3]]) await client?.over()
  assert.deepEqual(
    clients.map(({ isLetGo }) => isLetGo),
    [true, false, false, true],
  )
  assert.equal(await rig.proxy.closeSessions({ member: 'pg2' }, 'alice'), 0)
  assert.equal(await rig.proxy.closeSessions({ id: '0x2' }, 'alice'), 1)
  await until('three lines', () => rig.connections.length === 3)
  assert.deepEqual(
    rig.connections.map(({ fields }) => [fields['member'], fields['reason'], fields['termination']]),
    ['pg2', 'pg2', 'pg1'].map((member) => [member, 'admin', 'KD']),
  )
  assert.deepEqual(
    rig.events('session-ended').map(({ listener, cause, msg }) => [listener, cause, msg]),
    [
      ['replicas', 'admin', 'replicas: closed 1 session on pg2: requested by alice'],
      ['local', 'admin', 'local: closed 1 session on pg2: requested by alice'],
      ['primary', 'admin', 'primary: closed 1 session on pg1: requested by alice'],
    ],
  )
  // It is the operator who has closed them.
  assert.equal(memberOf(rig, 'pg2', 'replicas').closedByRouter, 0)
})

test('sessions of all clusters have different ids', async () => {
  const [server, start] = [await scene.postgres(), inProcess(new ProcessBudget())]
  const rigs = [await scene.proxy({}, undefined, undefined, start), await scene.proxy({}, undefined, undefined, start)]
  const ids = []
  for (const rig of rigs) {
    rig.proxy.apply(openView('pg1', server.address, 1))
    await served(rig)
    ids.push(...(await rig.proxy.sessions({}, 10)).sessions.map(({ id }) => id))
  }
  assert.deepEqual(ids, ['0x1', '0x2'])
})

test('a limit of its own refuses connections of a listener alone, also after a reload, until it is lifted', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy({ listeners: [PRIMARY, { ...PRIMARY, name: 'other' }] })
  rig.proxy.apply(openView('pg1', server.address, 1))
  await served(rig)
  assert.equal(await rig.proxy.limit('primary', 1), true)
  assert.equal(await rig.proxy.limit('nothing', 1), false)
  rig.proxy.reconfigure(
    proxyConfig({
      listeners: [PRIMARY, { ...PRIMARY, name: 'other' }],
      maxConnections: 9,
    }),
  )
  assert.deepEqual([listenerOf(rig).maxConnections, listenerOf(rig, 'other').maxConnections], [1, 0])
  const refused = (await scene.client(rig)).send(STARTUP)
  await refused.over()
  const { C: sqlState, M: message } = errorFields(refused.received) ?? {}
  assert.deepEqual([sqlState, rig.proxy.status().refusals['connection-limit']], ['53300', 1])
  assert.equal(message, 'the limit of 1 connection of the listener primary is reached (set maxconn frontend)')
  await served(rig, 'other')
  await rig.proxy.limit('primary', 0)
  await served(rig)
  assert.equal(rig.sessions, 3)
})
