import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { EtcdCluster } from '../support/etcd/cluster.ts'
import { EtcdV2Cluster } from '../support/etcd/v2-cluster.ts'
import { CertificateAuthority } from '../support/files/certificates.ts'
import { TempDir } from '../support/files/temp.ts'
import { byServer, createLoadTable, failures, lostWrites, outage } from '../support/clients/load.ts'
import { OutageProbe } from '../support/clients/outage-probe.ts'
import { PatroniCluster } from '../support/patroni/cluster.ts'
import { processesIn } from '../support/processes/signals.ts'
import { Writer } from '../support/clients/writer.ts'

// The cluster that all other tests of this suite stand on: without a router, so that what fails here is not the router.
// What it does after a crash, a freeze, a partition, in a pause and without etcd is seen in failover.test.ts, events.test.ts and outages.test.ts.

let etcd: EtcdCluster
let cluster: PatroniCluster

before(async () => {
  etcd = await EtcdCluster.start()
  cluster = await PatroniCluster.start({ dcs: etcd, relays: true })
  await createLoadTable((await cluster.leader()).pgPort)
})

after(async () => {
  await cluster.stop()
  await etcd.close()
})

test('a planned switchover stops writes for little more than a second', async (t) => {
  const old = await cluster.waitHealthy()
  const watch = await cluster.watch()
  await using probe = OutageProbe.start(cluster.members)
  await using writer = Writer.start({ port: old.pgPort, timeoutMs: 5_000 })
  const [candidate] = await cluster.replicas()
  assert.ok(candidate)
  await writer.begun()
  const answer = await cluster.switchover({ candidate: candidate.name })
  assert.equal(answer.status, 200, answer.text)
  assert.equal(await cluster.waitHealthy(), candidate)
  const attempts = await writer.stop()
  await probe.stop()
  await watch.close()

  const own = probe.outage().ms
  t.diagnostic(`the cluster's own outage: ${own.toFixed(0)} ms`)
  assert.ok(own > 100 && own < 5_000, `${own} ms`)
  assert.deepEqual(
    [...byServer(attempts).keys()],
    [old.pgPort],
    'who connects to the old leader never writes elsewhere',
  )
  assert.ok((failures(attempts)['25006'] ?? 0) > 0, JSON.stringify(failures(attempts)))
  assert.ok(outage(attempts).ms > own)
  assert.deepEqual(await lostWrites(candidate.pgPort, writer), [])
  const leaders = watch.events.filter(({ key }) => key === `${cluster.prefix}leader`)
  assert.deepEqual(
    leaders.map(({ type, value }) => `${type} ${value}`),
    ['delete ', `put ${candidate.name}`],
  )
})

test('a REST API that hangs costs its member nothing', async () => {
  const leader = await cluster.waitHealthy()
  leader.hangRest()
  const url = `http://127.0.0.1:${leader.restPort}/primary`
  await assert.rejects(fetch(url, { signal: AbortSignal.timeout(1_000) }), { name: 'TimeoutError' })
  assert.equal(await leader.writable(), true)
  leader.resumeRest()
  assert.equal((await fetch(url)).status, 200)
  assert.equal(await cluster.waitHealthy(), leader)
})

test('a cluster on etcd v2 with TLS and users becomes healthy and switches over', async () => {
  await using stack = new AsyncDisposableStack()
  const files = stack.adopt(TempDir.create('etcd-v2'), (dir) => dir.remove())
  const authority = CertificateAuthority.create(files.path)
  const v2 = stack.use(await EtcdV2Cluster.start({ tls: { ca: authority.cert, server: authority.server() } }))
  const dcsLogin = { username: 'patroni', password: 'of patroni' }
  await v2.enableAuth({ ...dcsLogin, prefixes: ['/service/'] })
  const other = stack.use(await PatroniCluster.start({ dcs: v2, dcsLogin, members: 2, relays: true }))
  const [old, [next]] = [await other.leader(), await other.replicas()]
  const watch = stack.adopt(await other.watch(), (log) => log.close())
  const { status, text } = await other.switchover()
  assert.equal(status, 200, text)
  assert.equal(await other.waitHealthy(), next)
  const leaders = watch.events.filter(({ key, value }) => key === `${other.prefix}leader` && value !== old.name)
  assert.deepEqual(
    new Set(leaders.map(({ type, value }) => `${type} ${value}`)),
    new Set(['delete ', `put ${next?.name}`]),
  )
})

test('a cluster that is stopped leaves no process and no file, whatever state its members are in', async () => {
  const small = await EtcdCluster.start()
  const other = await PatroniCluster.start({ dcs: small, members: 2, scope: 'other' })
  const [first, second] = other.members
  first?.freeze()
  await second?.crash()
  small.server.freeze()
  assert.ok(other.processes().length > 0)
  await other.stop()
  await small.close()
  for (const path of [other.path, small.path]) {
    assert.deepEqual(processesIn(path), [])
    assert.equal(existsSync(path), false)
  }
})
