import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import pg from 'pg'
import { Child } from '../support/child.ts'
import { EtcdCluster } from '../support/etcd.ts'
import { type Change, Sidecar } from '../support/example.ts'
import { createLoadTable } from '../support/load.ts'
import { PatroniCluster } from '../support/patroni.ts'
import { freePorts } from '../support/ports.ts'
import { sql } from '../support/sql.ts'
import { clock, until } from '../support/until.ts'

// The examples that reload a proxy, before a real cluster in a split brain: the leader's Patroni is frozen, its Postgres goes on.

interface Proxied {
  readonly primary: number
  readonly replicas: number
  readonly sidecar: Sidecar
}

/** How an example is run here: what is changed in its files, and the proxy. */
interface Way {
  readonly changes: (dir: string, ports: { primary: number; replicas: number; stats: number }) => readonly Change[]
  readonly file: string
  readonly command: (file: string, dir: string) => readonly [program: string, ...args: string[]]
}

const WAYS: Readonly<Record<string, Way>> = {
  'nginx-stream': {
    changes: (dir, { primary, replicas }) => [
      ['/etc/nginx/nginx.conf', join(dir, 'etc/nginx.conf')],
      ['/etc/patroni-router/nginx', join(dir, 'nginx')],
      ['/run/nginx.pid', join(dir, 'pid')],
      ['/var/log/nginx', dir],
      ['listen 5000', `listen 127.0.0.1:${primary}`],
      ['listen 5001', `listen 127.0.0.1:${replicas}`],
      ['sport = :5000', `sport = :${primary}`],
      ['nginx -s reload', `nginx -c ${join(dir, 'etc/nginx.conf')} -s reload`],
    ],
    file: 'nginx.conf',
    command: (file) => ['/usr/sbin/nginx', '-c', file, '-g', 'daemon off;'],
  },
  haproxy: {
    changes: (dir, { primary, replicas, stats }) => [
      ['/etc/haproxy', join(dir, 'etc')],
      ['/etc/patroni-router/haproxy', join(dir, 'haproxy')],
      ['*:5000', `127.0.0.1:${primary}`],
      ['*:5001', `127.0.0.1:${replicas}`],
      ['*:7000', `127.0.0.1:${stats}`],
      ['sport = :5000', `sport = :${primary}`],
      // What Debian's unit does.
      ['systemctl reload haproxy', `kill -USR2 $(cat ${join(dir, 'pid')})`],
      ...(process.getuid?.() === 0 ? [] : [['\tuser haproxy\n\tgroup haproxy\n', ''] as const]),
    ],
    file: 'haproxy.cfg',
    command: (file, dir) => ['haproxy', '-W', '-f', file, '-p', join(dir, 'pid')],
  },
}

async function start(example: string, etcd: EtcdCluster): Promise<Proxied> {
  const way = WAYS[example]
  assert.ok(way)
  const [primary = 0, replicas = 0, stats = 0] = await freePorts(3)
  const sidecar = Sidecar.prepare(example, etcd, (dir) => way.changes(dir, { primary, replicas, stats }))
  const file = join(sidecar.mkdir('etc'), way.file)
  const { code, stdout, stderr } = await sidecar.command('render', '--no-commands')
  assert.equal(code, 0, stdout + stderr)
  const options = { cwd: sidecar.path, logFile: join(sidecar.path, 'proxy.log') }
  const [program, ...args] = way.command(file, sidecar.path)
  await Child.start(program, args, options)
  await sidecar.start()
  // HAProxy holds every server to be good until its first check, and takes them in turn.
  const servesOnly = async (port: number, isReplica: boolean): Promise<boolean> => {
    const rows = await Promise.all([1, 2, 3].map(() => sql(port, 'SELECT pg_is_in_recovery() AS is_replica')))
    return rows.flat().every((row) => row['is_replica'] === isReplica)
  }
  await until('the primary alone is served', () => servesOnly(primary, false))
  await until('replicas alone are served', () => servesOnly(replicas, true))
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

/** One that is not there. */
const MEMBER = JSON.stringify({
  ...{ conn_url: 'postgres://127.0.0.2:1/postgres', api_url: 'http://127.0.0.2:1/patroni' },
  ...{ state: 'running', role: 'replica', version: '3.0.2', timeline: 1 },
})

describe('a leader whose Patroni is frozen', { concurrency: true }, () => {
  for (const example of Object.keys(WAYS))
    test(`${example}: loses its session before another member has the lock, and replicas go on`, async (t) => {
      await using stack = new AsyncDisposableStack()
      const etcd = await EtcdCluster.start()
      stack.defer(() => etcd.close())
      const cluster = stack.use(await PatroniCluster.start({ etcd }))
      const old = await cluster.waitHealthy()
      await createLoadTable(old.pgPort)
      const { primary, replicas, sidecar } = await start(example, etcd)
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
