import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Attempt } from './load.ts'
import { codeOf } from './sql.ts'
import { clock, until } from '../until.ts'

export type WriterOptions = {
  /** Where the clients connect to; 127.0.0.1. */
  readonly port: number
  readonly name?: string
  /** How often a client comes. */
  readonly everyMs?: number
  /** How long a client waits for its session, and then for its INSERT. */
  readonly timeoutMs?: number
  /** They only read. */
  readonly reads?: boolean
}

/**
 * A stream of clients, each with one new connection and one INSERT, who do not wait for each other. Needs the table of
 * createLoadTable.
 */
export class Writer {
  readonly name: string
  /** The finished attempts, in the order in which they finished. */
  readonly attempts: Attempt[] = []
  readonly #stopping = new AbortController()
  readonly #inFlight = new Set<Promise<void>>()
  readonly #port: number
  readonly #timeoutMs: number
  readonly #reads: boolean
  readonly #ticking: Promise<void>

  private constructor({
    port,
    everyMs = 100,
    timeoutMs = 60_000,
    name = `w${Math.random()}`,
    reads = false,
  }: WriterOptions) {
    this.#reads = reads
    this.name = name
    this.#port = port
    this.#timeoutMs = timeoutMs
    this.#ticking = this.#tick(everyMs)
  }

  static start(options: WriterOptions): Writer {
    return new Writer(options)
  }

  /** How many clients wait at the moment. */
  get waiting(): number {
    return this.#inFlight.size
  }

  /** Waits until the clients write as they come: ten of them have been served. */
  async begun(): Promise<void> {
    await until('writes are acknowledged', () => this.attempts.filter(({ ok }) => ok).length >= 10)
  }

  /** Sends no more clients, waits for those on their way and returns all attempts. */
  async stop(): Promise<readonly Attempt[]> {
    this.#stopping.abort()
    await this.#ticking
    await Promise.all(this.#inFlight)
    return this.attempts
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #tick(everyMs: number): Promise<void> {
    const { signal } = this.#stopping
    const start = performance.now()
    for (let seq = 0; !signal.aborted; seq++) {
      const attempt = this.#attempt(seq).finally(() => this.#inFlight.delete(attempt))
      this.#inFlight.add(attempt)
      const wait = start + (seq + 1) * everyMs - performance.now()
      await sleep(Math.max(wait, 0), undefined, { signal }).catch(() => undefined)
    }
  }

  async #attempt(seq: number): Promise<void> {
    const at = clock()
    let connectedAt: number | null = null
    const timeouts = { connectionTimeoutMillis: this.#timeoutMs, query_timeout: this.#timeoutMs }
    const client = new pg.Client({
      ...{ host: '127.0.0.1', port: this.#port, user: 'postgres', database: 'postgres', ...timeouts },
    })
    // What the server says between two statements; the next statement fails without it.
    const said: Error[] = []
    client.on('error', (error) => said.push(error))
    const insert = `INSERT INTO load VALUES ('${this.name}', ${seq}) RETURNING inet_server_port() AS port`
    const read = 'SELECT inet_server_port() AS port'
    try {
      await client.connect()
      connectedAt = clock()
      const server = await portOf(client, this.#reads ? read : insert)
      this.attempts.push({ seq, at, connectedAt, doneAt: clock(), ok: true, code: null, server })
    } catch (error) {
      const doneAt = clock()
      const code = codeOf(said[0] ?? error)
      const ask = code === '25006' ? portOf(client, read) : null
      const server = await Promise.resolve(ask).catch(() => null)
      this.attempts.push({ seq, at, connectedAt, doneAt, ok: false, code, server })
    } finally {
      void client.end().catch(() => undefined)
    }
  }
}

async function portOf(client: pg.Client, query: string): Promise<number | null> {
  return (await client.query<{ port: number }>(query)).rows[0]?.port ?? null
}
