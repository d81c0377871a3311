import assert from 'node:assert/strict'
import type { ClusterJson } from '../../../src/admin/status/schema-cluster.ts'
import type { EtcdCluster, EtcdServer } from '../../support/etcd/cluster.ts'
import { Holders, type Session } from '../../support/clients/holders.ts'
import { failures } from '../../support/clients/load.ts'
import type { PatroniCluster } from '../../support/patroni/cluster.ts'
import type { RouterProcess } from '../../support/router/process.ts'
import { clock, until } from '../../support/until.ts'
import { Writer } from '../../support/clients/writer.ts'
import { assertNobodyFailed, scene } from './nobody-failed.ts'

/** Clients write, and sessions stay, while `what` happens and until it is over: nobody fails, or waits for long. */
export async function assertNobodyNotices(
  cluster: PatroniCluster,
  router: RouterProcess,
  what: () => Promise<unknown>,
): Promise<void> {
  const from = router.log.length
  await using holders = await Holders.open(router.primaryPort, 10)
  await using writer = Writer.start({ port: router.primaryPort })
  await writer.begun()
  await what()
  const over = clock()
  await until('a client writes after it', () => writer.attempts.some(({ ok, at }) => ok && at > over))
  const attempts = await writer.stop()
  const where = { router, cluster, from }
  assertNobodyFailed(attempts, where)
  const slowest = Math.max(...attempts.map(({ at, doneAt }) => doneAt - at))
  assert.ok(slowest < 5000, `a client waited ${slowest} ms\n${scene(where)}`)
  assert.equal(await holders.ping(), 10, `sessions: ${JSON.stringify(holders.sessions.map(endOf))}\n${scene(where)}`)
}

function endOf({ closedAt, code }: Session): string {
  return closedAt === null ? 'open' : `${new Date(closedAt).toISOString()} ${code ?? 'closed'}`
}

/** Waits until `ms` have passed and writes have gone on all the time; the outage itself is what takes the time. */
export async function lasting({ primaryPort: port }: RouterProcess, ms: number): Promise<void> {
  await using writer = Writer.start({ port, everyMs: 200 })
  const until_ = clock() + ms
  await until(`${ms} ms of it`, () => clock() >= until_ && writer.waiting <= 1, { timeoutMs: ms + 30_000 })
  assert.deepEqual(failures(await writer.stop()), {})
}

/** What the router publishes of its cluster. */
export async function viewOf(router: RouterProcess): Promise<ClusterJson> {
  const { clusters } = await router.status()
  const [cluster] = clusters
  assert.ok(cluster)
  return cluster
}

/** The etcd member that the router reads. */
export async function etcdOf(router: RouterProcess, etcd: EtcdCluster): Promise<EtcdServer> {
  const { endpoint } = (await viewOf(router)).dcs
  const server = etcd.servers.find(({ port }) => endpoint === `127.0.0.1:${port}`)
  assert.ok(server, `the router reads ${endpoint ?? 'nothing'}`)
  return server
}
