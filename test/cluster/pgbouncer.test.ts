import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { EtcdCluster } from '../support/etcd/cluster.ts'
import { PatroniCluster } from '../support/patroni/cluster.ts'
import type { PatroniMember } from '../support/patroni/member.ts'
import { Pgbench } from '../support/clients/pgbench.ts'
import { PASSWORD, PgBouncer } from '../support/proxies/pgbouncer.ts'
import { until } from '../support/until.ts'

// examples/pgbouncer before one real cluster.

let etcd: EtcdCluster
let cluster: PatroniCluster
let pgbouncer: PgBouncer

before(async () => {
  etcd = await EtcdCluster.start()
  cluster = await PatroniCluster.start({ dcs: etcd })
  pgbouncer = await PgBouncer.start(etcd)
})

after(async () => {
  await pgbouncer[Symbol.asyncDispose]()
  await cluster.stop()
  await etcd.close()
})

/** Waits until clients of PgBouncer reach the leader, and no resume is running that the next pause would have to wait for. */
async function served(leader: PatroniMember): Promise<void> {
  const serves = async (): Promise<boolean> => !pgbouncer.paused && (await pgbouncer.serverPort()) === leader.pgPort
  await until(`PgBouncer serves ${leader.name}`, serves)
  const lastHook = () => pgbouncer.sidecar.log.findLast(({ event }) => event === 'hook-done')?.['hook']
  await until('its resume has ended', () => lastHook() === 'resume')
}

/** What the router has done, so that a failure can be understood. */
function story(): string {
  const told = pgbouncer.sidecar.log.filter(({ event }) => typeof event === 'string' && /^(primary|hook)-/.test(event))
  return told.map(({ time, msg }) => `${new Date(time).toISOString()} ${msg}`).join('\n')
}

/**
 * Patroni stops its Postgres some 150 ms after a request, and what runs at the pause needs its time until then: a machine
 * that takes this long for a signal is too busy for both. Milliseconds.
 */
const PROMPT_MS = 50
/** A login of PgBouncer that began before the pause, and lasted until Patroni stopped this Postgres. */
const SLOW_LOGIN = /server login failed: FATAL the database system is shutting down/

test('in three planned switchovers no transaction through PgBouncer fails', async (t) => {
  const { sidecar } = pgbouncer
  // Judged where the machine was not busy in the moment of a pause, or in the third turn.
  for (let turn = 1; ; turn++) {
    const from = sidecar.log.length
    const logFrom = pgbouncer.log().length
    const dir = sidecar.mkdir(`pgbench-${turn}`)
    const pgbench = await Pgbench.start({ port: pgbouncer.port, password: PASSWORD, dir, script: 'simple-update' })
    for (let count = 1; count <= 3; count++) {
      const old = await cluster.waitHealthy()
      await served(old)
      const { status, text } = await cluster.switchover()
      assert.equal(status, 200, text)
      await served(await cluster.waitForLeader({ not: old }))
    }
    const { transactions, failed, slowestMs, errors } = await pgbench.stop()
    t.diagnostic(`${transactions} transactions, the slowest ${slowestMs.toFixed(0)} ms`)
    const pauses = sidecar.log
      .slice(from)
      .filter(({ event, hook, state }) => event === 'hook-done' && hook === 'pause' && state === 'switching')
    assert.ok(pauses.length >= 3, story())
    const isBusy = pauses.some(({ durationMs }) => Number(durationMs) > PROMPT_MS)
    if (turn < 3 && (isBusy || SLOW_LOGIN.test(pgbouncer.log().slice(logFrom)))) continue
    assert.deepEqual({ failed, errors }, { failed: 0, errors: [] }, story() + pgbouncer.log().slice(logFrom))
    assert.ok(transactions > 100)
    return
  }
})

test('a client that comes while there is no primary is served by the next one', async () => {
  const old = await cluster.waitHealthy()
  await served(old)
  await old.crash()
  await until('PgBouncer holds its clients', () => pgbouncer.paused)
  const dir = pgbouncer.sidecar.mkdir('pgbench-crash')
  const starting = Pgbench.start({ port: pgbouncer.port, password: PASSWORD, dir })
  // What its ttl would do, in some 18 s.
  await etcd.client.delete(`${cluster.prefix}leader`)
  const next = await cluster.waitForLeader({ not: old })
  const pgbench = await starting
  await served(next)
  await pgbench.someTransactions()
  const { failed, errors } = await pgbench.stop()
  assert.deepEqual({ failed, errors }, { failed: 0, errors: [] }, story())
  await old.start()
})
