import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, beforeEach, test } from 'node:test'
import { EtcdCluster } from '../support/etcd/cluster.ts'
import { Holders } from '../support/clients/holders.ts'
import { createLoadTable } from '../support/clients/load.ts'
import { PatroniCluster } from '../support/patroni/cluster.ts'
import type { PatroniMember } from '../support/patroni/member.ts'
import { RouterProcess } from '../support/router/process.ts'
import { sql } from '../support/clients/sql.ts'
import { TempDir } from '../support/files/temp.ts'
import { clock, until } from '../support/until.ts'
import { Writer } from '../support/clients/writer.ts'
import { settled } from './support/settled.ts'
import { scene } from './support/nobody-failed.ts'
import { unlessDemoted } from './support/unless-demoted.ts'
import { assertNobodyNotices, etcdOf, lasting, viewOf } from './support/unnoticed.ts'

// Parts of a healthy cluster fail, and its leader does not change: no client may notice. Three etcd members.

let etcd: EtcdCluster
let cluster: PatroniCluster
let router: RouterProcess
let leader: PatroniMember

before(async () => {
  etcd = await EtcdCluster.start({ members: 3 })
  cluster = await PatroniCluster.start({ dcs: etcd, relays: true, dynamic: { failsafe_mode: true } })
  router = await RouterProcess.forCluster(cluster)
  await createLoadTable((await cluster.leader()).pgPort)
})

after(async () => {
  await router[Symbol.asyncDispose]()
  await cluster.stop()
  await etcd.close()
})

beforeEach(async () => {
  leader = await settled(cluster, router)
})

test('a restart of all of etcd closes no session and fails no connection', async () => {
  await unlessDemoted(cluster, router, () =>
    assertNobodyNotices(cluster, router, async () => {
      const from = router.log.length
      await Promise.all(etcd.servers.map((server) => server.stop()))
      await router.waitForLog('the loss', ({ event }) => event === 'dcs-lost', { from })
      await etcd.startAll()
      const lost = router.log.findLastIndex(({ event }) => event === 'dcs-lost')
      await router.waitForLog('that it reads etcd again', ({ event }) => event === 'dcs-up', { from: lost })
    }),
  )
})

test('the loss of the etcd member that is read moves the router to another one, and no client notices', async () => {
  const server = await etcdOf(router, etcd)
  await assertNobodyNotices(cluster, router, async () => {
    await server.kill()
    await until('the router reads another one', async () => (await etcdOf(router, etcd)) !== server)
  })
  await server.start()
})

test('an etcd member that is frozen is left for another one, and no client notices', async () => {
  const server = await etcdOf(router, etcd)
  const from = router.log.length
  await assertNobodyNotices(cluster, router, async () => {
    server.freeze()
    await router.waitForLog('that it reads another one', ({ event }) => event === 'dcs-up', { from })
    assert.notEqual(await etcdOf(router, etcd), server)
  })
  server.thaw()
})

test('etcd away for longer than retry_timeout in failsafe mode closes no session and fails no connection', async () => {
  await unlessDemoted(cluster, router, async (present) => {
    await assertNobodyNotices(cluster, router, async () => {
      for (const server of etcd.servers) server.freeze()
      await lasting(router, 15_000).finally(() => {
        for (const server of etcd.servers) server.thaw()
      })
      await until('the router reads etcd again', async () => {
        return (await viewOf(router)).dcs.state === 'up'
      })
    })
    assert.equal(await cluster.waitHealthy(), present)
  })
})

test('a REST API that hangs on a healthy primary closes no session and fails no connection', async () => {
  await assertNobodyNotices(cluster, router, async () => {
    leader.hangRest()
    await lasting(router, 10_000)
  })
  leader.resumeRest()
})

test('a replica that dies costs the replica route nothing as long as another one serves', async () => {
  const [dying, staying] = await cluster.replicas()
  assert.ok(dying && staying)
  const query = 'SELECT inet_server_port() AS port'
  const ask = async () => (await sql(router.replicaPort, query, { timeoutMs: 40_000 }))[0]?.['port']
  const first = await Promise.all(Array.from({ length: 10 }, ask))
  assert.deepEqual(new Set(first), new Set([dying.pgPort, staying.pgPort]), 'both serve')
  await dying.crash()
  const rest = await Promise.all(Array.from({ length: 20 }, ask))
  assert.deepEqual(new Set(rest), new Set([staying.pgPort]))
  await staying.crash()
  const waiting = ask()
  await dying.start()
  await staying.start()
  assert.notEqual(await waiting, leader.pgPort, 'a client of the replica route never gets the primary')
})

test('a router that is killed and started again while etcd is down serves from what it kept', async (t) => {
  await unlessDemoted(cluster, router, async (present) => {
    const dir = TempDir.create('state')
    await using second = await RouterProcess.forCluster(cluster, { config: { state_dir: dir.path } })
    await sql(second.primaryPort, 'SELECT 1')
    await until('the state is kept', () => readdirSync(dir.path).some((name) => name.endsWith('.json')))
    await Promise.all(etcd.servers.map((server) => server.stop()))
    try {
      await second.waitForLog('the loss', ({ event }) => event === 'dcs-lost')
      await using writer = Writer.start({ port: second.primaryPort })
      await until('writes are acknowledged', () => {
        if (writer.attempts.filter(({ ok }) => ok).length >= 20) return true
        throw new Error(scene({ router: second, cluster, from: 0 }))
      })
      await second.stop({ signal: 'SIGKILL' })
      const killed = clock()
      await second.start()
      const listening = clock()
      const served = await until('a client writes again', () => writer.attempts.find(({ ok, at }) => ok && at > killed))
      t.diagnostic(`served ${(served.doneAt - listening).toFixed(0)} ms after it listened, etcd being down`)
      await lasting(router, 3000)
      const attempts = await writer.stop()
      // While it was not there its port refused them.
      const failed = attempts.filter(({ ok, at }) => !ok && (at < killed - 1000 || at > listening))
      assert.deepEqual(failed, [])
      assert.ok(attempts.every(({ ok, server }) => !ok || server === present.pgPort))
    } catch (error) {
      await etcd.startAll()
      throw error
    }
    await using holders = await Holders.open(second.primaryPort, 5)
    const from = second.log.length
    await etcd.startAll()
    await second.waitForLog('that it reads etcd', ({ event }) => event === 'dcs-up', { from })
    await until('the leader is open', async () => (await viewOf(second)).primary.state === 'open')
    assert.equal(await holders.ping(), 5, 'etcd that comes back closes no session')
    await holders.close()
    await dir.remove()
  })
})

test('a router that is started before etcd listens, holds, and serves when etcd is there', async (t) => {
  await Promise.all(etcd.servers.map((server) => server.stop()))
  await using second = await RouterProcess.forCluster(cluster)
  const client = sql(second.primaryPort, 'SELECT pg_is_in_recovery() AS recovering', { timeoutMs: 60_000 })
  await until('the client is held', async () => {
    const { clusters } = await second.status()
    return clusters[0]?.proxy?.held.connections === 1
  })
  await etcd.startAll()
  const back = clock()
  assert.equal((await client)[0]?.['recovering'], false)
  t.diagnostic(`served ${(clock() - back).toFixed(0)} ms after etcd was healthy`)
  assert.ok(clock() - back < 10_000)
})
