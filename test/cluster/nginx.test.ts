import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import { Child } from '../support/child.ts'
import { EtcdCluster } from '../support/etcd.ts'
import { Sidecar } from '../support/example.ts'
import { createLoadTable } from '../support/load.ts'
import { PatroniCluster } from '../support/patroni.ts'
import { freePorts } from '../support/ports.ts'
import { sql } from '../support/sql.ts'
import { clock, until } from '../support/until.ts'

// examples/nginx-stream before a real cluster in a split brain: the leader's Patroni is frozen, its Postgres goes on.

interface Nginx {
  readonly primary: number
  readonly replicas: number
  readonly sidecar: Sidecar
}

async function start(etcd: EtcdCluster): Promise<Nginx> {
  const [primary = 0, replicas = 0] = await freePorts(2)
  const sidecar = Sidecar.prepare('nginx-stream', etcd, (dir) => [
    ['/etc/nginx/nginx.conf', join(dir, 'etc/nginx.conf')],
    ['/etc/patroni-router/nginx', join(dir, 'nginx')],
    ['/run/nginx.pid', join(dir, 'pid')],
    ['/var/log/nginx', dir],
    ['listen 5000', `listen 127.0.0.1:${primary}`],
    ['listen 5001', `listen 127.0.0.1:${replicas}`],
    ['sport = :5000', `sport = :${primary}`],
    ['nginx -s reload', `nginx -c ${join(dir, 'etc/nginx.conf')} -s reload`],
  ])
  const file = join(sidecar.mkdir('etc'), 'nginx.conf')
  const { code, stdout, stderr } = await sidecar.command('render', '--no-commands')
  assert.equal(code, 0, stdout + stderr)
  const options = { cwd: sidecar.path, logFile: join(sidecar.path, 'nginx.log') }
  await Child.start('/usr/sbin/nginx', ['-c', file, '-g', 'daemon off;'], options)
  await sidecar.start()
  await until('nginx serves the primary', async () => sql(primary, 'SELECT 1').catch(() => null))
  await until('nginx serves a replica', async () => sql(replicas, 'SELECT 1').catch(() => null))
  return { primary, replicas, sidecar }
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

test('a session on a leader whose Patroni is frozen ends before another member has the lock, and replicas go on', async (t) => {
  await using stack = new AsyncDisposableStack()
  const etcd = await EtcdCluster.start()
  stack.defer(() => etcd.close())
  const cluster = stack.use(await PatroniCluster.start({ etcd }))
  const old = await cluster.waitHealthy()
  await createLoadTable(old.pgPort)
  const { primary, replicas, sidecar } = await start(etcd)
  stack.use(sidecar)
  const reader = await open(replicas)
  // One that a reload has left with an old worker, as any change of the replicas does.
  const session = await open(primary)
  const [replica] = await cluster.replicas()
  assert.ok(replica)
  const from = sidecar.log.length
  await replica.retag({ noloadbalance: true })
  await sidecar.waitForLog('a reload', ({ event }) => event === 'reloaded', from)
  const inserter = new Inserter(session)
  stack.defer(() => session.end())
  const watch = await cluster.watch()
  stack.defer(() => watch.close())
  old.freeze()
  const next = await cluster.waitForLeader({ not: old })
  const moved = watch.events.find(({ type, key, value }) => {
    return type === 'put' && key === `${cluster.prefix}leader` && value === next.name
  })
  assert.ok(moved)
  await until('the session has ended', () => inserter.ended)
  const { acknowledged } = inserter
  const late = acknowledged.filter((at) => at > moved.at)
  t.diagnostic(`the session ended ${(moved.at - (acknowledged.at(-1) ?? 0)).toFixed(0)} ms before the lock moved`)
  assert.ok(acknowledged.length > 100)
  assert.equal(late.length, 0)
  assert.equal(await old.writable(), true, 'the old leader would have taken more')
  await until('nginx leads to the next primary', async () => {
    const [row] = await sql(primary, 'SELECT inet_server_port() AS port').catch(() => [])
    return row?.['port'] === next.pgPort
  })
  assert.equal((await reader.query('SELECT 1')).rowCount, 1)
  await reader.end()
  old.thaw()
})
