import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, test } from 'node:test'
import { EtcdCluster } from '../support/etcd/cluster.ts'
import { Holders } from '../support/clients/holders.ts'
import { createLoadTable } from '../support/clients/load.ts'
import { PatroniCluster } from '../support/patroni/cluster.ts'
import type { PatroniMember } from '../support/patroni/member.ts'
import { codeOf, sql } from '../support/clients/sql.ts'
import { until } from '../support/until.ts'
import { Writer } from '../support/clients/writer.ts'
import { assertOnlyServedBeforeHoldFailed } from './support/nobody-failed.ts'
import { Routes, writeWal } from './support/routes.ts'

// Every route of one cluster with synchronous replication: a leader, its synchronous standby, and a replica that
// streams from that standby (cascading). The tests build on each other.

let etcd: EtcdCluster
let cluster: PatroniCluster
let routes: Routes
let leader: PatroniMember
let synchronous: PatroniMember
let cascading: PatroniMember

before(async () => {
  etcd = await EtcdCluster.start()
  const dynamic = { synchronous_mode: true }
  cluster = await PatroniCluster.start({ dcs: etcd, ttl: 10, loopWait: 1, retryTimeout: 3, dynamic })
  leader = await cluster.leader()
  const [one, other] = await cluster.replicas()
  assert.ok(one && other)
  synchronous = one
  cascading = other
  await leader.retag({ dc: 'b' })
  await synchronous.retag({ dc: 'a' })
  await cascading.retag({ dc: 'b', replicatefrom: synchronous.name })
  await createLoadTable(leader.pgPort)
  routes = await Routes.start(cluster, {
    sync: { route: 'sync' },
    async: { route: 'async' },
    readers: { route: 'read-only' },
    everybody: { route: 'any' },
    'all-of-b': { route: 'any', tags: { dc: 'b' } },
    'replicas-of-b': { route: 'replica', tags: { dc: 'b' } },
    near: { route: 'replica', max_lag: '1MB' },
    'near-or-primary': { route: 'async', max_lag: '1MB', fallback: 'primary', close_fallback: true },
    'near-or-primary-for-long': { route: 'async', max_lag: '1MB', fallback: 'primary' },
  })
  await cascades()
})

after(async () => {
  await routes[Symbol.asyncDispose]()
  await cluster.stop()
  await etcd.close()
})

/** Waits until the cluster is what these tests are about. */
async function cascades(): Promise<void> {
  await until('the cascading replica streams from the synchronous standby', async () => {
    const [row] = await cascading.sql('SELECT sender_port AS port, status FROM pg_stat_wal_receiver')
    const [sync] = await leader.sql(
      `SELECT application_name AS name FROM pg_stat_replication WHERE sync_state = 'sync'`,
    )
    return row?.['port'] === synchronous.pgPort && row['status'] === 'streaming' && sync?.['name'] === synchronous.name
  })
}

function serversOf(holders: Holders): (PatroniMember | undefined)[] {
  return holders.sessions.map(({ server }) => cluster.memberAt(server ?? 0))
}

/** Clients, one after the other, of a listener that must never lead to a server that is no replica. */
function readAlone(listener: string): AsyncDisposable & { stop(): Promise<readonly string[]> } {
  const stopping = new AbortController()
  const faults: string[] = []
  const query = 'SELECT pg_is_in_recovery() AS recovering, inet_server_port() AS port'
  const reading = (async () => {
    while (!stopping.signal.aborted) {
      try {
        const [row] = await sql(routes.port(listener), query, { timeoutMs: 40_000 })
        if (row?.['recovering'] !== true) faults.push(`served by ${cluster.memberAt(Number(row?.['port']))?.name}`)
      } catch (error) {
        faults.push(codeOf(error))
      }
      await sleep(10)
    }
  })()
  const stop = async (): Promise<readonly string[]> => {
    stopping.abort()
    await reading
    return faults
  }
  return {
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
    },
  }
}

test('each route leads to its own members', async () => {
  await Promise.all([
    routes.waitFor('primary', leader),
    routes.waitFor('replicas', synchronous, cascading),
    routes.waitFor('sync', synchronous),
    routes.waitFor('async', cascading),
    routes.waitFor('readers', leader, synchronous, cascading),
    routes.waitFor('everybody', leader, synchronous, cascading),
    routes.waitFor('all-of-b', leader, cascading),
    routes.waitFor('replicas-of-b', cascading),
    routes.waitFor('near', synchronous, cascading),
    routes.waitFor('near-or-primary', cascading),
  ])
  assert.equal((await routes.view(synchronous)).isSync, true)
})

test('a member that is tagged noloadbalance serves any and nothing else, and keeps its sessions', async () => {
  await using sessions = await Holders.open(routes.port('async'), 2)
  await cascading.retag({ dc: 'b', replicatefrom: synchronous.name, noloadbalance: true })
  await routes.waitFor('replicas', synchronous)
  await Promise.all([
    routes.waitFor('readers', leader, synchronous),
    routes.waitFor('all-of-b', leader, cascading),
    routes.waitFor('everybody', leader, synchronous, cascading),
  ])
  assert.equal(await sessions.ping(), 2)
  await sessions.close()
  const waiting = sql(routes.port('async'), 'SELECT inet_server_port() AS port', { timeoutMs: 40_000 })
  await cascading.retag({ dc: 'b', replicatefrom: synchronous.name })
  assert.equal((await waiting)[0]?.['port'], cascading.pgPort)
  await routes.waitFor('replicas', synchronous, cascading)
})

test('a replica that falls behind the limit gets no new sessions, keeps its own, and comes back', async () => {
  await using kept = await Holders.open(routes.port('near-or-primary'), 2)
  assert.deepEqual(serversOf(kept), [cascading, cascading])
  await cascading.haltReplay()
  await writeWal(leader, 4)
  await routes.waitFor('near', synchronous)
  await Promise.all([
    routes.waitFor('near-or-primary', leader),
    routes.waitFor('near-or-primary-for-long', leader),
    routes.waitFor('async', cascading),
  ])
  await until('the lag in the status is what PostgreSQL says', async () => {
    const behind = 'SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::int AS bytes'
    const [lag] = await cascading.sql(behind)
    const { lagBytes } = await routes.view(cascading)
    assert.ok(lagBytes !== null && Math.abs(lagBytes - Number(lag?.['bytes'])) < 64 * 1024, `${lagBytes}`)
    return true
  })
  await using closing = await Holders.open(routes.port('near-or-primary'), 2)
  await using staying = await Holders.open(routes.port('near-or-primary-for-long'), 2)
  assert.deepEqual([...serversOf(closing), ...serversOf(staying)], Array(4).fill(leader))

  await cascading.resumeReplay()
  await routes.waitFor('near', synchronous, cascading)
  await Promise.all([
    routes.waitFor('near-or-primary', cascading),
    routes.waitFor('near-or-primary-for-long', cascading),
    until('the sessions of the fallback are closed', () => closing.open === 0),
  ])
  assert.equal(await staying.ping(), 2)
  assert.equal(await kept.ping(), 2)
  await Promise.all([staying.close(), kept.close()])
})

test('a cascading replica whose upstream crashes lags and serves, until it follows the leader', async () => {
  await using sessions = await Holders.open(routes.port('async'), 2)
  await synchronous.crash()
  await writeWal(leader, 4)
  // Until the key of its upstream expires it gets nothing.
  await Promise.all([routes.waitFor('near-or-primary', leader), routes.waitFor('replicas', cascading)])
  await routes.waitFor('near', cascading)
  await routes.waitFor('sync', cascading)
  assert.equal(await sessions.ping(), 2)
  await sessions.close()
  await synchronous.start()
  await cascades()
  await Promise.all([
    routes.waitFor('sync', synchronous),
    routes.waitFor('async', cascading),
    routes.waitFor('near', synchronous, cascading),
  ])
})

test('after a switchover to the synchronous standby the routes follow, and no client fails that comes once the router holds', async () => {
  await using writer = Writer.start({ port: routes.port('primary') })
  await using stack = new AsyncDisposableStack()
  const readers = ['sync', 'async', 'replicas', 'near'].map((listener) => stack.use(readAlone(listener)))
  const { router } = routes
  const from = router.log.length
  await writer.begun()
  const answer = await cluster.switchover({ candidate: synchronous.name })
  assert.equal(answer.status, 200, answer.text)
  await Promise.all([
    routes.waitFor('primary', synchronous),
    routes.waitFor('replicas', leader, cascading),
    routes.waitFor('readers', leader, synchronous, cascading),
    routes.waitFor('all-of-b', leader, cascading),
    routes.waitFor('replicas-of-b', leader, cascading),
  ])
  await until('there is a synchronous standby', async () => (await syncStandby()) !== synchronous)
  const next = await syncStandby()
  await Promise.all([routes.waitFor('sync', next), routes.waitFor('async', next === leader ? cascading : leader)])
  assertOnlyServedBeforeHoldFailed(await writer.stop(), { router, cluster, from })
  assert.deepEqual(await Promise.all(readers.map((reader) => reader.stop())), [[], [], [], []])
})

async function syncStandby(): Promise<PatroniMember> {
  const key = await etcd.client.get(`${cluster.prefix}sync`)
  const { sync_standby: name } = JSON.parse(key?.value ?? '{}') as { sync_standby?: string | null }
  return cluster.member(name ?? 'nobody')
}
