import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from '../../support/processes/child.ts'
import { POSTGRES_USER } from '../../support/patroni/config.ts'
import { freePort } from '../../support/net/ports.ts'
import { TempDir } from '../../support/files/temp.ts'
import { systemUser } from '../../support/processes/user.ts'

const BIN = '/usr/lib/postgresql/15/bin'

/** A PostgreSQL without Patroni. */
export class Postgres implements AsyncDisposable {
  readonly port: number
  readonly #dir: TempDir
  readonly #data: string
  #child: Child | null = null

  private constructor(dir: TempDir, port: number) {
    this.port = port
    this.#dir = dir
    this.#data = join(dir.mkdir('pg', POSTGRES_USER), 'data')
  }

  /** Initialised, and not started. */
  static async create(): Promise<Postgres> {
    const postgres = new Postgres(TempDir.create('postgres'), await freePort())
    const owner = systemUser(POSTGRES_USER)
    const options = ['-D', postgres.#data, '-U', 'postgres', '-A', 'trust', '--no-sync', '--no-locale', '-E', 'UTF8']
    execFileSync(join(BIN, 'initdb'), options, { stdio: 'ignore', cwd: postgres.#dir.path, ...(owner ?? {}) })
    return postgres
  }

  /** Starts it with these settings and these lines in pg_hba.conf; see `log` for when it is ready. */
  async start(settings: Readonly<Record<string, string>>, hba: readonly string[]): Promise<void> {
    writeFileSync(join(this.#data, 'pg_hba.conf'), `${['local all all trust', ...hba].join('\n')}\n`)
    const directory = join(this.#dir.path, 'pg')
    const all = {
      listen_addresses: '127.0.0.1',
      port: String(this.port),
      unix_socket_directories: directory,
      fsync: 'off',
      ...settings,
    }
    const options = Object.entries(all).flatMap(([key, value]) => ['-c', `${key}=${value}`])
    const logFile = join(this.#dir.path, 'postgres.log')
    writeFileSync(logFile, '')
    this.#child = await Child.start(join(BIN, 'postgres'), ['-D', this.#data, ...options], {
      cwd: directory,
      user: POSTGRES_USER,
      logFile,
    })
  }

  /** Makes it a standby from its next start on. */
  standby(): void {
    writeFileSync(join(this.#data, 'standby.signal'), '')
  }

  async ready(): Promise<void> {
    await this.#running.until('it takes connections', () => this.log.includes('ready to accept connections'))
  }

  get log(): string {
    return this.#running.log()
  }

  signal(name: NodeJS.Signals): void {
    this.#running.signal(name)
  }

  async stop(): Promise<void> {
    await this.#running.stop({ signal: 'SIGINT' })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dir.remove()
  }

  get #running(): Child {
    if (this.#child === null) throw new Error('it was never started')
    return this.#child
  }
}
