import { execFile } from 'node:child_process'
import { chownSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { Child } from '../processes/child.ts'
import type { EtcdCluster } from '../etcd/cluster.ts'
import { type Change, Sidecar } from '../router/sidecar.ts'
import { POSTGRES_USER } from '../patroni/config.ts'
import { freePort } from '../net/ports.ts'
import { systemUser } from '../processes/user.ts'

/** What its clients log in with. */
export const PASSWORD = 'of-the-test'

/** `examples/pgbouncer` with Debian's PgBouncer, which runs as PostgreSQL's user as on a real machine. */
export class PgBouncer implements AsyncDisposable {
  readonly sidecar: Sidecar
  readonly port: number
  #child: Child | null = null

  private constructor(sidecar: Sidecar, port: number) {
    this.sidecar = sidecar
    this.port = port
  }

  /** Everything but the file that the router is to write. `more`: further changes of the example. */
  static async prepare(etcd: EtcdCluster, more: readonly Change[] = []): Promise<PgBouncer> {
    const port = await freePort()
    const sidecar = Sidecar.prepare('pgbouncer', etcd, (dir) => [
      ['/etc/pgbouncer', join(dir, 'etc')],
      ['/run/postgresql', join(dir, 'run')],
      ['/var/log/postgresql', join(dir, 'run')],
      ['6432', String(port)],
      ...(systemUser(POSTGRES_USER) === null ? AS_OURSELVES : []),
      ...more,
    ])
    sidecar.mkdir('run', POSTGRES_USER)
    const users = join(sidecar.mkdir('etc'), 'userlist.txt')
    writeFileSync(users, `"postgres" "${PASSWORD}"\n`, { mode: 0o640 })
    const owner = systemUser(POSTGRES_USER)
    if (owner !== null) chownSync(users, owner.uid, owner.gid)
    return new PgBouncer(sidecar, port)
  }

  /** As the README says: the file is rendered first, then PgBouncer is started, then the router. */
  static async start(etcd: EtcdCluster, more: readonly Change[] = []): Promise<PgBouncer> {
    const pgbouncer = await PgBouncer.prepare(etcd, more)
    try {
      const { code, stdout, stderr } = await pgbouncer.sidecar.command('render', '--no-commands')
      if (code !== 0) throw new Error(`render: ${code} ${stdout}${stderr}`)
      await pgbouncer.launch()
      await pgbouncer.sidecar.start()
    } catch (error) {
      await pgbouncer[Symbol.asyncDispose]()
      throw error
    }
    return pgbouncer
  }

  /** Starts PgBouncer itself and waits until its console answers. */
  async launch(): Promise<void> {
    const { path } = this.sidecar
    this.#child = await Child.start('pgbouncer', [join(path, 'etc/pgbouncer.ini')], {
      cwd: join(path, 'run'),
      user: POSTGRES_USER,
      logFile: join(path, 'run/output.log'),
    })
    await this.#child.until('its console answers', async () =>
      (await this.console('SHOW VERSION')).includes('PgBouncer'),
    )
  }

  get process(): Child {
    if (this.#child === null) throw new Error('PgBouncer was never started')
    return this.#child
  }

  /** What a command of its console prints, unaligned; entered as the example's hooks do it. */
  async console(command: string): Promise<string> {
    const user = systemUser(POSTGRES_USER)
    const env = { ...process.env, PGHOST: join(this.sidecar.path, 'run'), PGPORT: String(this.port) }
    const args = ['-XwAt', '-U', 'pgbouncer', '-d', 'pgbouncer', '-c', command]
    const { stdout } = await promisify(execFile)('psql', args, { env, ...user })
    return stdout.trim()
  }

  /** Whether it holds its clients: no command of the console says so, but its log does. */
  get paused(): boolean {
    const changes = this.log().match(
      / LOG (?:got SIGUSR1, pausing|got SIGUSR2, continuing|(?:PAUSE|RESUME) command issued)/g,
    )
    return /pausing|PAUSE/.test(changes?.at(-1) ?? '')
  }

  log(): string {
    return readFileSync(join(this.sidecar.path, 'run/pgbouncer.log'), 'utf8')
  }

  /** The server that it has connected to last; null: none yet. */
  get lastServer(): string | null {
    const connections = [...this.log().matchAll(/@(\S+) new connection to server/g)]
    return connections.at(-1)?.[1] ?? null
  }

  /** A client of it who has not connected yet. */
  client({ timeoutMs = 5_000 } = {}): pg.Client {
    const { port } = this
    const login = { user: 'postgres', password: PASSWORD, database: 'postgres' }
    const client = new pg.Client({
      host: '127.0.0.1',
      port,
      ...login,
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
    })
    client.on('error', () => undefined) // What is asked of it fails with it.
    return client
  }

  /** The port of the server that a new client is served by. @throws when it is not served in time. */
  async serverPort(): Promise<number | null> {
    const client = this.client()
    try {
      await client.connect()
      return (await client.query<{ port: number }>('SELECT inet_server_port() AS port')).rows[0]?.port ?? null
    } finally {
      void client.end().catch(() => undefined)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sidecar[Symbol.asyncDispose]()
  }
}

/** Without root there is nobody else to run anything as. */
const AS_OURSELVES: readonly Change[] = [
  ['runuser -u postgres -- ', ''],
  ['    owner: postgres\n', ''],
  ['    group: postgres\n', ''],
]
