/** The examples with templates, as they are: rendered by the router, accepted and run by the real programs. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { StatusJson } from '../../../src/admin/status/schema.ts'
import { Child } from '../../support/processes/child.ts'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import type { Change } from '../../support/router/sidecar.ts'
import { type Proxied, startExampleProxy } from '../../support/proxies/example-proxy.ts'
import { PgBouncer } from '../../support/proxies/pgbouncer.ts'
import { freePorts, listens } from '../../support/net/ports.ts'
import type { LogLine } from '../../support/router/process.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { Api } from '../watcher/api.ts'
import { FakeMember, SYSTEM_ID } from '../watcher/fake-member.ts'

const ROOT = join(import.meta.dirname, '../../..')
const PREFIX = '/service/demo/'

/** A member whose database says its name to whoever comes. */
interface Played {
  readonly member: FakeMember
  readonly port: number
}

/** A cluster of a real etcd and of members that are played: pg0 is a replica, pg1 the primary. */
class Stage implements AsyncDisposable {
  readonly etcd: EtcdCluster
  readonly #stack: AsyncDisposableStack
  readonly #members = new Map<string, Played>()

  private constructor(stack: AsyncDisposableStack, etcd: EtcdCluster) {
    this.#stack = stack
    this.etcd = etcd
  }

  static async start(): Promise<Stage> {
    await using stack = new AsyncDisposableStack()
    const etcd = stack.use(await EtcdCluster.start())
    const stage = new Stage(stack.move(), etcd)
    await stage.enlist('pg0', 'replica')
    await stage.enlist('pg1', 'primary')
    await etcd.client.put(`${PREFIX}initialize`, SYSTEM_ID)
    await etcd.client.put(`${PREFIX}leader`, 'pg1')
    return stage
  }

  async enlist(name: string, mode: 'primary' | 'replica', host = '127.0.0.1'): Promise<void> {
    const member = this.#stack.use(await FakeMember.start(name, mode))
    const { port } = this.#stack.use(await Api.start(createServer((socket) => socket.end(name))))
    const key = member.key({ conn_url: `postgres://${host}:${port}/postgres`, role: mode })
    await this.etcd.client.put(`${PREFIX}members/${name}`, key)
    this.#members.set(name, { member, port })
  }

  async drop(name: string): Promise<void> {
    await this.etcd.client.delete(`${PREFIX}members/${name}`)
  }

  get(name: string): Played {
    const played = this.#members.get(name)
    assert.ok(played)
    return played
  }

  /** A switchover is asked for; null: not any more. */
  async ask(wish: { readonly leader: string; readonly member: string } | null): Promise<void> {
    await this.etcd.client.put(`${PREFIX}failover`, JSON.stringify(wish ?? {}))
  }

  /** Nobody is the primary any more. */
  async demote(name: string): Promise<void> {
    this.get(name).member.mode = 'replica'
    await this.etcd.client.delete(`${PREFIX}leader`)
  }

  async promote(name: string, timeline: number): Promise<void> {
    const { member } = this.get(name)
    member.mode = 'primary'
    member.timeline = timeline
    await this.etcd.client.put(`${PREFIX}leader`, name)
  }

  use<T extends AsyncDisposable>(part: T): T {
    return this.#stack.use(part)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

const STAYS = 'here'

/** A session with a server that says {@link STAYS} and hangs up on nobody; null: it is another one. */
async function openStaying(port: number): Promise<Socket | null> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  const first = await new Promise((resolve) => socket.once('data', resolve).once('close', () => resolve('')))
  if (String(first) === STAYS) return socket
  socket.destroy()
  return null
}

/** Who answers there; empty: the connection is closed at once. */
async function whoIsAt(port: number): Promise<string> {
  return text(connect(port, '127.0.0.1')).catch(() => '')
}

test('each of them is a valid configuration as it is', async () => {
  const check = async (name: string): Promise<string> => {
    const args = [join(ROOT, 'src/main.ts'), 'check', '-c', join(ROOT, 'examples', name, 'config.yml')]
    return (await promisify(execFile)(process.execPath, args)).stdout
  }
  for (const said of await Promise.all(['haproxy', 'nginx-stream', 'pgbouncer'].map(check)))
    assert.match(said, /^configuration is valid/)
})

async function runHaproxy(stage: Stage, more: readonly Change[] = []): Promise<Proxied> {
  const proxied = await startExampleProxy('haproxy', stage.etcd, more)
  stage.use(proxied.sidecar)
  await proxied.proxy.until('HAProxy serves', async () => (await serversOf(proxied.ports.stats)) !== '')
  await proxied.sidecar.start()
  return proxied
}

/** The servers of all sections, with the first word of their state: `primary/pg0 UP, replicas/pg1 no`. */
async function serversOf(stats: number): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${stats}/;csv`, { headers: { connection: 'close' } })
  const rows = (await answer.text()).split('\n').map((row) => row.split(','))
  const servers = rows.filter(([, name]) => name?.startsWith('pg') === true)
  return servers
    .map(([section = '', name = '', ...rest]) => `${section}/${name} ${rest[15]?.split(' ')[0] ?? ''}`)
    .sort()
    .join(', ')
}

test('HAProxy has every member in both sections, gets a new one without a restart, and finds the primary', async () => {
  await using stage = await Stage.start()
  const { sidecar, ports } = await runHaproxy(stage)
  const line = (name: string): string => {
    const { member, port } = stage.get(name)
    return `\tserver ${name} 127.0.0.1:${port} maxconn 100 check port ${new URL(member.url).port}`
  }
  const file = sidecar.read('etc/haproxy.cfg')
  const lines = file.split('\n').filter((each) => each.startsWith('\tserver'))
  assert.deepEqual(lines, [line('pg0'), line('pg1'), line('pg0'), line('pg1')])
  assert.doesNotMatch(file, /\{\{|\n\n\n/)
  await stage.enlist('pg2', 'replica')
  const expected =
    'primary/pg0 DOWN, primary/pg1 UP, primary/pg2 DOWN, replicas/pg0 UP, replicas/pg1 DOWN, replicas/pg2 UP'
  await until('HAProxy knows all three', async () => (await serversOf(ports.stats)) === expected)
  assert.equal(await whoIsAt(ports.primary), 'pg1')
  assert.match(await whoIsAt(ports.replicas), /^pg[02]$/)
})

test("in HAProxy's other template only the primary is in its section, or no server", async () => {
  await using stage = await Stage.start()
  const { ports } = await runHaproxy(stage, [['source: haproxy.cfg.hbs', 'source: haproxy-primary.cfg.hbs']])
  const both = 'primary/pg1 no, replicas/pg0 no'
  await until('HAProxy has each in its section', async () => (await serversOf(ports.stats)) === both)
  assert.equal(await whoIsAt(ports.primary), 'pg1')
  await stage.demote('pg1')
  const nobody = 'replicas/pg0 no, replicas/pg1 no'
  await until('nobody is the primary', async () => (await serversOf(ports.stats)) === nobody)
  assert.equal(await whoIsAt(ports.primary), '')
  await stage.promote('pg0', 2)
  await until('pg0 is the primary', async () => (await whoIsAt(ports.primary)) === 'pg0')
})

async function runNginx(stage: Stage): Promise<Proxied> {
  const proxied = await startExampleProxy('nginx-stream', stage.etcd)
  stage.use(proxied.sidecar)
  await proxied.proxy.until('nginx serves', async () => (await whoIsAt(proxied.ports.primary)) === 'pg1')
  await proxied.sidecar.start()
  return proxied
}

test('a session on port 5000 of nginx outlives a router that starts while the REST API is slow, and ends with its primary', async () => {
  await using stage = await Stage.start()
  const { sidecar, ports } = await runNginx(stage)
  const { primary } = ports
  const { port } = stage.use(await Api.start(createServer((socket) => socket.write(STAYS))))
  const { member } = stage.get('pg1')
  const at = { conn_url: `postgres://127.0.0.1:${port}/postgres`, role: 'primary' }
  await stage.etcd.client.put(`${PREFIX}members/pg1`, member.key(at))
  const session = await until('there is a session that stays', async () => openStaying(primary))
  await sidecar.router.stop()
  member.delayMs = 1500
  const from = sidecar.log.length
  await sidecar.start()
  for (const hook of ['close-sessions', 'close-late-sessions'])
    await sidecar.waitForLog(
      `${hook} is over`,
      (line) => line['event'] === 'hook-done' && line['hook'] === hook && line['state'] === 'unverified',
      from,
    )
  assert.equal(session.closed, false)
  await stage.demote('pg1')
  await until('the session ends', () => session.closed)
})

for (const script of ['nginx-stream/nginx-close-sessions', 'haproxy/haproxy-close-sessions'])
  test(`${script} ends sessions, and not the process that has new ones already`, async () => {
    await using dir = TempDir.create('close-sessions')
    const [port = 0] = await freePorts(1)
    const text = readFileSync(join(ROOT, 'examples', script), 'utf8').replaceAll('sport = :5000', `sport = :${port}`)
    const server = `require('net').createServer((socket) => socket.on('error', () => null)).listen(${port}, '127.0.0.1')`
    const proxy = await Child.start(process.execPath, ['-e', server], { cwd: dir.path, logFile: join(dir.path, 'log') })
    await proxy.until('it listens', () => listens(port))
    let [closed, isOver] = [0, false]
    const come = (): void => {
      if (isOver) return
      connect(port, '127.0.0.1')
        .on('error', () => undefined)
        .on('close', () => {
          closed++
          come()
        })
    }
    for (let client = 0; client < 30; client++) come()
    const env = { ...process.env, PATRONI_ROUTER_OLD_STATE: 'open', PATRONI_ROUTER_STATE: 'none' }
    for (let turn = 0; turn < 20; turn++) await promisify(execFile)('sh', ['-c', text], { env })
    isOver = true
    assert.equal(proxy.running, true)
    assert.ok(closed >= 30, `${closed} sessions have ended`)
  })

test('nginx follows the primary, and turns clients away while there is none', async () => {
  await using stage = await Stage.start()
  const { sidecar, ports } = await runNginx(stage)
  const { primary, replicas } = ports
  assert.equal(await whoIsAt(replicas), 'pg0')
  // A configuration with templates and without a section for the proxy has none: the ports are nginx's.
  const status = JSON.parse((await sidecar.command('status', '--json')).stdout) as StatusJson
  assert.deepEqual([status.clusters[0]?.proxy, status.clusters[0]?.dcs.kind], [null, 'etcd3'])
  // nginx would refuse the whole file for a name that is not in the DNS.
  await stage.enlist('pg2', 'replica', 'pg2.invalid')
  await stage.enlist('pg4', 'replica', '[fe80::1%25eth0]')
  await stage.enlist('pg3', 'replica', 'localhost')
  await until('pg3 is a replica', async () => (await whoIsAt(replicas)) === 'pg3')
  await stage.drop('pg3')
  await stage.demote('pg1')
  await until('clients are turned away', async () => (await whoIsAt(primary)) === '')
  await until('pg1 is a replica', async () => (await whoIsAt(replicas)) === 'pg1')
  await stage.promote('pg0', 2)
  await until('pg0 is the primary', async () => (await whoIsAt(primary)) === 'pg0')
  const twice = async (): Promise<string[]> => Promise.all([whoIsAt(replicas), whoIsAt(replicas)])
  await until('only pg1 is a replica', async () => (await twice()).join() === 'pg1,pg1')
})

test('PgBouncer is paused by a switchover and resumed on the next primary, also by a router that started since', async () => {
  await using stage = await Stage.start()
  const pgbouncer = stage.use(await PgBouncer.start(stage.etcd))
  const { sidecar } = pgbouncer
  const hook = async (name: string, event: string, from = 0): Promise<LogLine> =>
    sidecar.waitForLog(`${event} of ${name}`, (line) => line['event'] === event && line['hook'] === name, from)
  await hook('resume', 'hook-done')
  assert.equal(pgbouncer.paused, false)
  assert.match(await pgbouncer.console('SHOW CONFIG'), /^pool_mode\|transaction\|/m)
  const client = pgbouncer.client({ timeoutMs: 100_000 })
  // It is kept waiting: whom PgBouncer asks for it speaks no PostgreSQL.
  void client.connect().catch(() => undefined)
  const server = (name: string): string => `127.0.0.1:${stage.get(name).port}`
  await until('it asks the primary', () => pgbouncer.lastServer === server('pg1'))

  await stage.ask({ leader: 'pg1', member: 'pg0' })
  await until('it is paused', () => pgbouncer.paused)
  await stage.demote('pg1')
  await stage.promote('pg0', 2)
  await until('it is resumed', () => !pgbouncer.paused)
  await until('it asks the next primary', () => pgbouncer.lastServer === server('pg0'))
  void client.end().catch(() => undefined)

  await stage.ask({ leader: 'pg0', member: 'pg1' })
  await until('it is paused', () => pgbouncer.paused)
  await sidecar.router.stop({ signal: 'SIGKILL' })
  await stage.ask(null)
  assert.equal(pgbouncer.paused, true)
  await sidecar.start()
  await until('it is resumed', () => !pgbouncer.paused)

  // A process that has the number of a dead PgBouncer is not signalled: USR1 would end it.
  await pgbouncer.process.stop({ signal: 'SIGKILL' })
  const options = { cwd: sidecar.path, logFile: join(sidecar.path, 'stranger.log') }
  const stranger = await Child.start('sleep', ['1000'], options)
  sidecar.write('run/pgbouncer.pid', `${stranger.pid}\n`)
  const from = sidecar.log.length
  await stage.ask({ leader: 'pg0', member: 'pg1' })
  await hook('pause', 'hook-failed', from)
  assert.equal(stranger.running, true)
})
