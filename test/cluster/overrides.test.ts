import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { Holders } from '../support/clients/holders.ts'
import { type Attempt, createLoadTable } from '../support/clients/load.ts'
import { Writer } from '../support/clients/writer.ts'
import { EtcdCluster } from '../support/etcd/cluster.ts'
import { TempDir } from '../support/files/temp.ts'
import { PatroniCluster } from '../support/patroni/cluster.ts'
import type { PatroniMember } from '../support/patroni/member.ts'
import { RouterProcess } from '../support/router/process.ts'
import { clock, until } from '../support/until.ts'
import { assertNobodyFailed } from './support/nobody-failed.ts'
import { settled } from './support/settled.ts'

// Members that are drained and listeners that hold by request, by the command line, in front of one cluster. The tests build on
// each other.

let etcd: EtcdCluster
let cluster: PatroniCluster
let router: RouterProcess
let stateDir: TempDir
let leader: PatroniMember
let replica: PatroniMember
/** The lines that the router had logged before the test. */
let from = 0

before(async () => {
  etcd = await EtcdCluster.start()
  cluster = await PatroniCluster.start({ dcs: etcd, ttl: 10, loopWait: 1, retryTimeout: 3 })
  stateDir = TempDir.create('overrides')
  await createLoadTable((await cluster.leader()).pgPort)
  router = await RouterProcess.forCluster(cluster, { config: { state_dir: stateDir.path } })
})

after(async () => {
  await router[Symbol.asyncDispose]()
  await cluster.stop()
  await etcd.close()
  await stateDir.remove()
})

beforeEach(async () => {
  leader = await settled(cluster, router)
  const [first] = await cluster.replicas()
  assert.ok(first)
  replica = first
  from = router.log.length
})

/** Runs a command; returns when its effect was there at the latest. */
async function act(...args: readonly [string, ...string[]]): Promise<number> {
  const { code, stdout, stderr } = await router.command(...args)
  assert.equal(code, 0, stdout + stderr)
  return clock()
}

/** Those that were served by a member and had begun after a moment. */
function servedBy({ pgPort }: PatroniMember, attempts: readonly Attempt[], since: number): readonly Attempt[] {
  return attempts.filter(({ server, at }) => server === pgPort && at > since)
}

async function someServed({ attempts }: Writer, since: number, member?: PatroniMember): Promise<void> {
  const isMeant = ({ at, ok, server }: Attempt): boolean =>
    ok && at > since && (member === undefined || server === member.pgPort)
  await until('clients are served', () => attempts.filter(isMeant).length >= 20)
}

test('a replica that is drained keeps its sessions and gets no new one until it is ready', async () => {
  await using sessions = await Holders.open(router.replicaPort, 6)
  const drainedSessions = sessions.sessions.filter(({ server }) => server === replica.pgPort)
  assert.ok(drainedSessions.length > 0)
  await using readers = Writer.start({ port: router.replicaPort, reads: true })
  await someServed(readers, 0, replica)
  const drained = await act('member', 'drain', replica.name)
  await someServed(readers, drained)
  const shown = await router.command('status')
  assert.match(shown.stdout, new RegExp(`^\\| ${replica.name} .*\\| DRAIN by \\w+ +\\|`, 'm'))
  assert.equal(shown.code, 0)
  const before = clock()
  const ready = await act('member', 'ready', replica.name)
  await someServed(readers, ready, replica)
  const attempts = await readers.stop()
  assertNobodyFailed(attempts, { router, cluster, from })
  const wrong = attempts.filter(({ at, doneAt }) => at > drained && doneAt < before)
  assert.deepEqual(servedBy(replica, wrong, drained), [])
  assert.deepEqual(servedBy(leader, attempts, 0), [], 'readers do not fall back to the primary')
  assert.equal(await sessions.ping(), 6)
})

test('a primary in maintenance keeps its sessions, and its new clients wait until it is ready', async () => {
  await using sessions = await Holders.open(router.primaryPort, 5)
  await using writer = Writer.start({ port: router.primaryPort })
  await using readers = Writer.start({ port: router.replicaPort, reads: true })
  await someServed(writer, 0)
  const held = await act('member', 'maint', leader.name)
  await until('clients wait', () => writer.waiting >= 20)
  await someServed(readers, held)
  const shown = await router.command('status')
  assert.match(
    shown.stdout,
    new RegExp(`^primary: ${leader.name} MAINT for .* - in maintenance by .*; \\d+ clients held`),
  )
  assert.equal(shown.code, 1)
  assert.deepEqual(
    writer.attempts.filter(({ at }) => at > held),
    [],
  )
  assert.equal(await sessions.ping(), 5)
  await someServed(writer, await act('member', 'ready', leader.name))
  const [written, read] = [await writer.stop(), await readers.stop()]
  for (const attempts of [written, read]) assertNobodyFailed(attempts, { router, cluster, from })
  assert.deepEqual([...new Set(written.map(({ server }) => server))], [leader.pgPort])
  assert.deepEqual(servedBy(leader, read, 0), [])
  assert.equal(await sessions.ping(), 5)
})

test('a reload and a restart of the router keep members drained, from the first client on', async () => {
  const drained = await act('member', 'drain', replica.name, '--for', '1h')
  await act('member', 'maint', leader.name)
  const settings = { scope: cluster.settings.scope, namespace: cluster.settings.namespace, ...cluster.access }
  // Also what is counted below: a client that waits for the primary in maintenance is refused then.
  router.configure({ ...settings, state_dir: stateDir.path, proxy: { hold: { timeout: '40s' } } })
  await using sessions = await Holders.open(router.replicaPort, 4)
  {
    await using readers = Writer.start({ port: router.replicaPort, reads: true })
    await someServed(readers, drained)
    await act('reload')
    await someServed(readers, clock())
    const attempts = await readers.stop()
    assertNobodyFailed(attempts, { router, cluster, from })
    assert.deepEqual(servedBy(replica, attempts, 0), [])
    assert.equal(await sessions.ping(), 4)
  }
  await sessions.close()
  await router.stop()
  await router.start()
  await using readers = Writer.start({ port: router.replicaPort, reads: true })
  await using writer = Writer.start({ port: router.primaryPort })
  await someServed(readers, 0)
  await until('clients wait', () => writer.waiting >= 20)
  assert.deepEqual([writer.attempts, servedBy(replica, readers.attempts, 0)], [[], []])
  const { clusters } = await router.status()
  const shown = clusters[0]?.members.find(({ name }) => name === replica.name)?.override
  assert.equal(shown?.state, 'drain')
  assert.equal(Date.parse(shown.until ?? '') - Date.parse(shown.since), 3_600_000)
  await someServed(writer, await act('member', 'ready', leader.name))
  await someServed(readers, await act('member', 'ready', replica.name), replica)
  const all = [...(await writer.stop()), ...(await readers.stop())]
  assertNobodyFailed(all, { router, cluster, from })
})

test('clients that a hold by request keeps over a switchover are served by the next primary, and none fails', async () => {
  const settings = { scope: cluster.settings.scope, namespace: cluster.settings.namespace, ...cluster.access }
  router.configure({ ...settings, state_dir: stateDir.path, proxy: { hold: { timeout: '2s' } } })
  await act('reload')
  const other = (await cluster.replicas()).find((each) => each !== replica)
  assert.ok(other)
  await using sessions = await Holders.open(router.replicaPort, 6)
  const staying = sessions.sessions.filter(({ server }) => server === other.pgPort)
  assert.ok(staying.length > 0)
  await using writer = Writer.start({ port: router.primaryPort })
  await someServed(writer, 0)
  const held = await act('hold', 'primary', '--for', '2m')
  await until('the last client that was served has left', async () => {
    const { clusters } = await router.status()
    return clusters[0]?.proxy?.listeners.find(({ name }) => name === 'primary')?.sessions === 0
  })
  const { status, text } = await cluster.switchover({ candidate: replica.name })
  assert.equal(status, 200, text)
  assert.equal(await cluster.waitForLeader({ not: leader }), replica)
  await until('the router has opened it, for nobody', async () => {
    const { primary } = (await router.status()).clusters[0] ?? {}
    return primary?.state === 'open' && primary.member === replica.name
  })
  await until('clients have waited for longer than hold.timeout', () => clock() > held + 2500)
  assert.deepEqual(
    writer.attempts.filter(({ at }) => at > held),
    [],
  )
  const released = await act('release', 'primary')
  await someServed(writer, released, replica)
  const attempts = await writer.stop()
  assertNobodyFailed(attempts, { router, cluster, from })
  const late = attempts.filter(({ at }) => at > held)
  assert.deepEqual([...new Set(late.map(({ server }) => server))], [replica.pgPort])
  assert.ok(Math.max(...late.map(({ at, doneAt }) => doneAt - at)) > 2000)
  assert.deepEqual(
    staying.map(({ closedAt }) => closedAt),
    staying.map(() => null),
  )
})
