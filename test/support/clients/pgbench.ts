import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { POSTGRES_BIN } from '../patroni/config.ts'
import { until } from '../until.ts'

export type PgbenchOptions = {
  /** 127.0.0.1. */
  readonly port: number
  readonly password: string
  /** For its logs; its own. */
  readonly dir: string
  readonly clients?: number
  /** Transactions a second that all clients together begin. */
  readonly rate?: number
  /**
   * Its script: TPC-B, or without the updates of a row that all transactions share, for which one waits for the others and lasts as long
   * as all of them.
   */
  readonly script?: 'tpcb-like' | 'simple-update'
}

export type PgbenchResult = {
  readonly transactions: number
  /** Failed transactions, and clients that an error of their connection has ended. */
  readonly failed: number
  /** How long a transaction has taken at most, from when it was due. Milliseconds. */
  readonly slowestMs: number
  /** What it has said of failures. */
  readonly errors: readonly string[]
}

const PGBENCH = join(POSTGRES_BIN, 'pgbench')

/** PostgreSQL's own benchmark, on connections that stay, until it is stopped. */
export class Pgbench {
  readonly #dir: string
  readonly #process: ChildProcess
  readonly #exited: Promise<number | null>

  private constructor(options: PgbenchOptions) {
    const { clients = 10, rate = 200, script = 'tpcb-like', dir } = options
    this.#dir = dir
    const [output, errors] = ['output', 'errors'].map((name) => openSync(join(dir, name), 'a'))
    const load = ['-b', script, '-c', String(clients), '-R', String(rate), '-T', '100000', '-l', '--verbose-errors']
    this.#process = spawn(PGBENCH, ['-n', ...load], {
      cwd: dir,
      env: environment(options),
      stdio: ['ignore', output, errors],
    })
    for (const file of [output, errors]) if (file !== undefined) closeSync(file)
    this.#exited = new Promise((resolve) => this.#process.once('exit', resolve))
  }

  /** Makes its tables and starts it. */
  static async start(options: PgbenchOptions): Promise<Pgbench> {
    await promisify(execFile)(PGBENCH, ['-i', '-q'], { env: environment(options), timeout: 60_000 })
    const pgbench = new Pgbench(options)
    // Until then the signal that ends its transactions would end itself.
    await until('pgbench runs', () => pgbench.#log !== undefined || pgbench.#process.exitCode !== null)
    return pgbench
  }

  get #log(): string | undefined {
    return readdirSync(this.#dir).find((name) => name.startsWith('pgbench_log.'))
  }

  /** Waits until it has told of some, which it does about a hundred at a time. */
  async someTransactions(): Promise<void> {
    const told = (): boolean => this.#log !== undefined && statSync(join(this.#dir, this.#log)).size > 0
    await until('pgbench has ended some transactions', told)
  }

  /** Lets the transactions end that have begun. */
  async stop(): Promise<PgbenchResult> {
    // As if the time of -T were over.
    this.#process.kill('SIGALRM')
    await this.#exited
    const output = readFileSync(join(this.#dir, 'output'), 'utf8')
    const errors = readFileSync(join(this.#dir, 'errors'), 'utf8').split('\n')
    const broken = errors.filter((line) => /error|aborted|FATAL/i.test(line))
    const log = this.#log
    const lines = log === undefined ? [] : readFileSync(join(this.#dir, log), 'utf8').trimEnd().split('\n')
    const times = lines.map((line) => Number(line.split(' ')[2]))
    return {
      transactions: numberIn(output, /transactions actually processed: (\d+)/),
      failed:
        numberIn(output, /failed transactions: (\d+)/) +
        broken.filter((line) => /client \d+ .*aborted/.test(line)).length,
      slowestMs: times.reduce((slowest, time) => Math.max(slowest, time), 0) / 1000,
      errors: broken,
    }
  }
}

function environment({ port, password }: PgbenchOptions): NodeJS.ProcessEnv {
  const login = { PGUSER: 'postgres', PGPASSWORD: password, PGDATABASE: 'postgres' }
  return { ...process.env, PGHOST: '127.0.0.1', PGPORT: String(port), ...login }
}

/** @throws when it is not there: pgbench has not ended as it should. */
function numberIn(output: string, pattern: RegExp): number {
  const found = pattern.exec(output)?.[1]
  if (found === undefined) throw new Error(`pgbench: no ${pattern.source} in ${output}`)
  return Number(found)
}
