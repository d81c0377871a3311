import { execFileSync } from 'node:child_process'
import { appendFileSync, chmodSync, chownSync } from 'node:fs'
import { join } from 'node:path'
import type { Address } from '../../../../src/watcher/view.ts'
import { Child } from '../../../support/processes/child.ts'
import { freePort } from '../../../support/net/ports.ts'
import { sql } from '../../../support/clients/sql.ts'
import { TempDir } from '../../../support/files/temp.ts'
import { systemUser } from '../../../support/processes/user.ts'

const BIN = '/usr/lib/postgresql/15/bin'
const USER = 'postgres'

/** A PostgreSQL of its own, in memory, without Patroni. */
export class Postgres implements AsyncDisposable {
  readonly address: Address
  readonly #dir: TempDir
  readonly #home: string
  #child: Child | null = null

  private constructor(dir: TempDir, home: string, port: number) {
    this.#dir = dir
    this.#home = home
    this.address = { host: '127.0.0.1', port }
  }

  /** Made and started. `tls`: it takes TLS, with a certificate of its own for `localhost`. */
  static async create({ tls = false, settings = '' } = {}): Promise<Postgres> {
    const dir = TempDir.create('postgres')
    const home = dir.mkdir('pg', USER)
    const data = join(home, 'data')
    const owner = systemUser(USER)
    const options = [
      '-D',
      data,
      '-A',
      'trust',
      '-U',
      'postgres',
      '--no-sync',
      '--no-instructions',
      '-E',
      'UTF8',
      '--locale=C',
    ]
    execFileSync(join(BIN, 'initdb'), options, { cwd: home, stdio: 'ignore', ...(owner ?? {}) })
    const port = await freePort()
    appendFileSync(
      join(data, 'postgresql.conf'),
      `port = ${port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\n` +
        `ssl = ${tls ? 'on' : 'off'}\nlog_line_prefix = '%h '\n${settings}\n`,
    )
    if (tls) certify(data)
    const postgres = new Postgres(dir, home, port)
    await postgres.start()
    return postgres
  }

  get postmaster(): Child {
    if (this.#child === null) throw new Error('PostgreSQL was never started')
    return this.#child
  }

  /** Until it answers queries; `wait` false: only the process. */
  async start({ wait = true } = {}): Promise<void> {
    this.#child = await Child.start(join(BIN, 'postgres'), ['-D', join(this.#home, 'data')], {
      cwd: this.#home,
      user: USER,
      logFile: join(this.#home, 'log'),
    })
    if (wait)
      await this.#child.until('PostgreSQL answers', async () => (await sql(this.address.port, 'SELECT 1')).length === 1)
  }

  log(): string {
    return this.postmaster.log()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child?.stop({ signal: 'SIGQUIT' })
    await this.#dir.remove()
  }
}

function certify(data: string): void {
  const [key, cert] = [join(data, 'server.key'), join(data, 'server.crt')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  execFileSync(
    'openssl',
    ['req', '-new', '-x509', '-days', '2', '-nodes', '-newkey', 'rsa:2048', ...subject, '-keyout', key, '-out', cert],
    { stdio: 'ignore' },
  )
  chmodSync(key, 0o600)
  const owner = systemUser(USER)
  if (owner !== null) for (const file of [key, cert]) chownSync(file, owner.uid, owner.gid)
}
