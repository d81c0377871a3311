import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { EtcdCluster } from '../support/etcd/cluster.ts'
import { Holders } from '../support/clients/holders.ts'
import { createLoadTable, failures } from '../support/clients/load.ts'
import { PatroniCluster } from '../support/patroni/cluster.ts'
import type { PatroniMember } from '../support/patroni/member.ts'
import { codeOf, sql } from '../support/clients/sql.ts'
import { clock, until } from '../support/until.ts'
import { Writer } from '../support/clients/writer.ts'
import { Routes, writeWal } from './support/routes.ts'

// A standby cluster, which follows another cluster until it is promoted. The tests are its life, one after the other.

const FAST = { ttl: 10, loopWait: 1, retryTimeout: 3 }

let etcd: EtcdCluster
let main: PatroniCluster
let standby: PatroniCluster
let routes: Routes
let leader: PatroniMember
let replica: PatroniMember

before(async () => {
  etcd = await EtcdCluster.start()
  main = await PatroniCluster.start({ ...FAST, dcs: etcd, scope: 'main', members: 1 })
  const { pgPort } = await main.leader()
  await createLoadTable(pgPort)
  const remote = { host: '127.0.0.1', port: pgPort, create_replica_methods: ['basebackup'] }
  standby = await PatroniCluster.start({
    ...{ ...FAST, dcs: etcd, scope: 'standby', members: 2, dynamic: { standby_cluster: remote } },
  })
  leader = await standby.leader()
  const [other] = await standby.replicas()
  assert.ok(other)
  replica = other
  routes = await Routes.start(standby, {
    leading: { route: 'standby-leader' },
    readers: { route: 'read-only' },
    near: { route: 'read-only', max_lag: '1MB' },
  })
})

after(async () => {
  await routes[Symbol.asyncDispose]()
  await standby.stop()
  await main.stop()
  await etcd.close()
})

test('a standby cluster serves readers at its leader and at its replica, and has no primary', async () => {
  await Promise.all([
    routes.waitFor('leading', leader),
    routes.waitFor('readers', leader, replica),
    routes.waitFor('replicas', replica),
  ])
  for (const listener of ['leading', 'replicas']) {
    const write = sql(routes.port(listener), `INSERT INTO load VALUES ('${listener}', 0)`)
    assert.equal(await write.then(() => 'written', codeOf), '25006')
  }
  const [state] = routes.router.log.filter(({ event }) => event === 'primary-open')
  assert.equal(state, undefined)
})

test('the lag of its replica counts from its own leader', async () => {
  await routes.waitFor('near', leader, replica)
  await replica.haltReplay()
  await writeWal(await main.leader(), 4)
  await routes.waitFor('near', leader)
  await routes.waitFor('readers', leader, replica)
  await replica.resumeReplay()
  await routes.waitFor('near', leader, replica)
})

test('a client that waits for a primary writes to the standby cluster as soon as it is promoted', async (t) => {
  await using readers = await Holders.open(routes.port('replicas'), 3)
  await using writer = Writer.start({ port: routes.port('primary'), everyMs: 200 })
  await until('clients wait', () => writer.waiting >= 3)
  assert.deepEqual(writer.attempts, [])
  const proved = until(
    'its leader proves itself',
    async () => {
      const { status, text } = await leader.rest('GET', '/primary', undefined, 1000)
      const { role, xlog } = JSON.parse(text) as { role: string; xlog?: { location?: number } }
      return status === 200 && ['master', 'primary'].includes(role) && xlog?.location !== undefined && clock()
    },
    { everyMs: 5 },
  )
  await standby.configure({ standby_cluster: null })
  const from = await proved
  await until('the clients have written', () => writer.attempts.length >= 5)
  const attempts = await writer.stop()
  assert.deepEqual(failures(attempts), {})
  assert.ok(attempts.every(({ server }) => server === leader.pgPort))
  const first = Math.min(...attempts.map(({ doneAt }) => doneAt))
  t.diagnostic(`the first write ${(first - from).toFixed(0)} ms after its leader's proof`)
  assert.ok(first - from < 10_000)
  assert.equal(await readers.ping(), 3, 'sessions of its replica stay')
  await readers.close()
  await Promise.all([routes.waitFor('readers', leader, replica), routes.waitFor('replicas', replica)])
})

test('made a standby cluster again, it loses the sessions on its primary, and clients wait for the next one', async () => {
  const { router } = routes
  await using holders = await Holders.open(routes.port('primary'), 3)
  await using readers = await Holders.open(routes.port('replicas'), 3)
  const from = router.log.length
  await standby.configure({ standby_cluster: { host: '127.0.0.1', port: (await main.leader()).pgPort } })
  await until('the sessions are closed', () => holders.open === 0)
  await router.waitForLog('that it closed them', ({ event }) => event === 'fenced', { from })
  // Patroni rewinds its replica as well, since its timeline is no longer that of the other cluster.
  await until('Postgres of its replica has ended the sessions there', () => readers.open === 0)
  assert.deepEqual(
    readers.sessions.map(({ code }) => code),
    ['57P01', '57P01', '57P01'],
  )
  const closed = router.log.slice(from).filter(({ event }) => event === 'fenced' || event === 'session-ended')
  assert.deepEqual(
    closed.map(({ member, connections }) => [member, connections]),
    [[leader.name, 3]],
  )
  await using writer = Writer.start({ port: routes.port('primary'), everyMs: 200 })
  await routes.waitFor('leading', leader)
  await until('clients wait', () => writer.waiting >= 3)
  assert.deepEqual(writer.attempts, [])
  await standby.configure({ standby_cluster: null })
  await until('the clients have written', () => writer.attempts.length >= 5)
  assert.deepEqual(failures(await writer.stop()), {})
})
