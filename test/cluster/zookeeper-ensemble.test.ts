/** What clients notice of the failures of an ensemble of three, and of a router that stood still. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { createLoadTable } from '../support/clients/load.ts'
import { sql } from '../support/clients/sql.ts'
import { isClosedByServer } from '../support/net/ports.ts'
import { PatroniCluster } from '../support/patroni/cluster.ts'
import type { PatroniMember } from '../support/patroni/member.ts'
import { RouterProcess } from '../support/router/process.ts'
import { until } from '../support/until.ts'
import { ZooKeeperEnsemble, type ZooKeeperServer } from '../support/zookeeper/ensemble.ts'
import { settled } from './support/settled.ts'
import { assertNobodyNotices, viewOf } from './support/unnoticed.ts'

const stack = new AsyncDisposableStack()
let zookeeper: ZooKeeperEnsemble
let cluster: PatroniCluster
let router: RouterProcess
let leader: PatroniMember

before(async () => {
  zookeeper = stack.use(await ZooKeeperEnsemble.start({ members: 3, relays: true }))
  const dynamic = { failsafe_mode: true }
  const times = { ttl: 20, loopWait: 1, retryTimeout: 5 }
  cluster = stack.use(await PatroniCluster.start({ dcs: zookeeper, members: 2, dynamic, ...times }))
  router = stack.use(await RouterProcess.forCluster(cluster))
  await createLoadTable((await cluster.leader()).pgPort)
})

after(() => stack.disposeAsync())

beforeEach(async () => {
  leader = await settled(cluster, router)
})

/** The server that the router reads. */
async function used(): Promise<ZooKeeperServer> {
  const { endpoint } = (await viewOf(router)).dcs
  const server = zookeeper.servers.find(({ port }) => endpoint === `127.0.0.1:${port}`)
  assert.ok(server, `the router reads ${endpoint ?? 'nothing'}`)
  return server
}

for (const [what, fail] of [
  [
    'is cut off from the others',
    (server: ZooKeeperServer) => {
      const rejoin = zookeeper.isolate(server)
      return rejoin
    },
  ],
  [
    'is killed',
    async (server: ZooKeeperServer) => {
      await server.kill()
      return () => server.start()
    },
  ],
  [
    'is frozen',
    (server: ZooKeeperServer) => {
      server.freeze()
      return () => server.thaw()
    },
  ],
] as const)
  test(`the server in use ${what}: the router reads another one, and no client notices`, async () => {
    const server = await used()
    await assertNobodyNotices(cluster, router, async () => {
      const from = router.log.length
      const repair = await fail(server)
      // The others elect a leader first: without load that takes them 12 s where theirs is frozen.
      await router.waitForLog('another one is read', ({ event }) => event === 'dcs-up', { from, timeoutMs: 120_000 })
      assert.notEqual(await used(), server)
      await repair()
      await server.ready()
    })
    assert.equal(await cluster.waitHealthy(), leader)
  })

test('a router that stood still until its session had expired sends no client to the leader of before', async () => {
  const [candidate] = await cluster.replicas()
  assert.ok(candidate)
  const server = await used()
  router.process.freeze()
  await cluster.switchover({ candidate: candidate.name })
  assert.equal(await cluster.waitHealthy(), candidate)
  const { port } = server
  const answers = Array.from({ length: 20 }, () =>
    sql(router.primaryPort, 'SELECT pg_is_in_recovery() AS replica, inet_server_port() AS port', { timeoutMs: 60_000 }),
  )
  await until('its session has expired', () => isClosedByServer(port))
  router.process.thaw()
  const rows = (await Promise.all(answers)).flat()
  assert.deepEqual(
    rows,
    rows.map(() => ({ replica: false, port: candidate.pgPort })),
  )
})
