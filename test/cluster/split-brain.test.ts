import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import pg from 'pg'
import { EtcdCluster } from '../support/etcd/cluster.ts'
import {
  EXAMPLE_PROXIES,
  type ExampleProxy,
  type Proxied,
  startExampleProxy,
} from '../support/proxies/example-proxy.ts'
import { createLoadTable } from '../support/clients/load.ts'
import { PatroniCluster } from '../support/patroni/cluster.ts'
import { sql } from '../support/clients/sql.ts'
import { clock, until } from '../support/until.ts'

// The examples that reload a proxy, before a real cluster in a split brain: the leader's Patroni is frozen, its Postgres goes on.

async function start(example: ExampleProxy, etcd: EtcdCluster): Promise<Proxied> {
  const proxied = await startExampleProxy(example, etcd)
  const { primary, replicas } = proxied.ports
  await proxied.sidecar.start()
  // HAProxy holds every server to be good until its first check, and takes them in turn.
  const servesOnly = async (port: number, isReplica: boolean): Promise<boolean> => {
    const rows = await Promise.all([1, 2, 3].map(() => sql(port, 'SELECT pg_is_in_recovery() AS is_replica')))
    return rows.flat().every((row) => row['is_replica'] === isReplica)
  }
  await until('the primary alone is served', () => servesOnly(primary, false))
  await until('replicas alone are served', () => servesOnly(replicas, true))
  return proxied
}

/** Inserts in one session, one statement after the other, until the session ends. */
class Inserter {
  /** When each statement was acknowledged. */
  readonly acknowledged: number[] = []
  ended = false

  constructor(client: pg.Client) {
    client.once('end', () => (this.ended = true))
    void this.#insert(client)
  }

  async #insert(client: pg.Client): Promise<void> {
    while (!this.ended) {
      const insert = `INSERT INTO load VALUES ('session', ${this.acknowledged.length})`
      const isDone = await client.query(insert).then(
        () => true,
        () => false,
      )
      if (!isDone) return
      this.acknowledged.push(clock())
    }
  }
}

async function open(port: number): Promise<pg.Client> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
  client.on('error', () => undefined) // Its statement fails with it.
  await client.connect()
  return client
}

/** One that is not there. */
const MEMBER = JSON.stringify({
  ...{ conn_url: 'postgres://127.0.0.2:1/postgres', api_url: 'http://127.0.0.2:1/patroni' },
  ...{ state: 'running', role: 'replica', version: '3.0.2', timeline: 1 },
})

describe('a leader whose Patroni is frozen', { concurrency: true }, () => {
  for (const example of EXAMPLE_PROXIES)
    test(`${example}: loses its session before another member has the lock, and replicas keep serving`, async (t) => {
      await using stack = new AsyncDisposableStack()
      const etcd = await EtcdCluster.start()
      stack.defer(() => etcd.close())
      const cluster = stack.use(await PatroniCluster.start({ dcs: etcd }))
      const old = await cluster.waitHealthy()
      await createLoadTable(old.pgPort)
      const { sidecar, ports } = await start(example, etcd)
      const { primary, replicas } = ports
      stack.use(sidecar)
      const reader = await open(replicas)
      // One that a reload has left with an old process, as a change of the members does.
      const session = await open(primary)
      const from = sidecar.log.length
      const [replica] = await cluster.replicas()
      assert.ok(replica)
      if (example === 'haproxy') await etcd.client.put(`${cluster.prefix}members/gone`, MEMBER)
      else await replica.retag({ noloadbalance: true })
      await sidecar.waitForLog('a reload', ({ event }) => event === 'reloaded', from)
      const inserter = new Inserter(session)
      stack.defer(() => session.end())
      const watch = await cluster.watch()
      stack.defer(() => watch.close())
      old.freeze()
      const next = await cluster.waitForLeader({ not: old })
      const isMove = ({ type, key, value }: (typeof watch.events)[number]): boolean =>
        type === 'put' && key === `${cluster.prefix}leader` && value === next.name
      const moved = await until('the move is seen', () => watch.events.find(isMove))
      await until('the session has ended', () => inserter.ended)
      const { acknowledged } = inserter
      const late = acknowledged.filter((at) => at > moved.at)
      t.diagnostic(`the session ended ${(moved.at - (acknowledged.at(-1) ?? 0)).toFixed(0)} ms before the lock moved`)
      assert.ok(acknowledged.length > 100, `${acknowledged.length} acknowledged`)
      assert.equal(late.length, 0)
      assert.equal(await old.writable(), true, 'the old leader would have taken more')
      await until('new clients are led to the next primary', async () => {
        const [row] = await sql(primary, 'SELECT inet_server_port() AS port').catch(() => [])
        return row?.['port'] === next.pgPort
      })
      assert.equal((await reader.query('SELECT 1')).rowCount, 1)
      await reader.end()
      old.thaw()
    })
})
