import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { clock } from '../../test/support/until.ts'

type Kept = { readonly client: pg.Client; server: number | null; closedAt: number | null }

/** Long-lived sessions that write repeatedly and never reconnect. Needs the table of createLoadTable. */
export class KeptWriters {
  /** Every acknowledged write: when, and by the server at which PostgreSQL port. */
  readonly acknowledgements: { readonly at: number; readonly server: number | null }[] = []
  readonly #name = `kept-${Math.random()}`
  readonly #kept: Kept[] = []
  readonly #stopping = new AbortController()
  #writing: Promise<unknown> = Promise.resolve()

  /** @param everyMs how long a session pauses after each write. @throws when a session cannot be opened. */
  static async open(port: number, count: number, { everyMs = 50 } = {}): Promise<KeptWriters> {
    const writers = new KeptWriters()
    try {
      for (let index = 0; index < count; index++) writers.#kept.push(await session(port))
    } catch (error) {
      await writers.close()
      throw error
    }
    writers.#writing = Promise.all(writers.#kept.map((kept, index) => writers.#write(kept, index, everyMs)))
    return writers
  }

  get open(): number {
    return this.#kept.filter(({ closedAt }) => closedAt === null).length
  }

  /** Returns when each closed session was closed, in milliseconds since the epoch. */
  get closedAt(): number[] {
    return this.#kept.map(({ closedAt }) => closedAt).filter((at) => at !== null)
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#kept.map(({ client }) => client.end().catch(() => undefined)))
    await this.#writing
  }

  async #write(kept: Kept, index: number, everyMs: number): Promise<void> {
    const { signal } = this.#stopping
    for (let seq = 0; !signal.aborted && kept.closedAt === null; seq++) {
      try {
        await kept.client.query(`INSERT INTO load VALUES ('${this.#name}-${index}', ${seq})`)
        this.acknowledgements.push({ at: clock(), server: kept.server })
      } catch {
        // Not acknowledged, which is all that counts here; a session that is over ends the loop.
      }
      await sleep(everyMs, undefined, { signal }).catch(() => undefined)
    }
  }
}

async function session(port: number): Promise<Kept> {
  const timeouts = { connectionTimeoutMillis: 30_000, query_timeout: 10_000 }
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', ...timeouts })
  const kept: Kept = { client, server: null, closedAt: null }
  client.on('error', () => undefined) // 'end' follows
  client.on('end', () => (kept.closedAt = clock()))
  await client.connect()
  kept.server = (await client.query<{ port: number }>('SELECT inet_server_port() AS port')).rows[0]?.port ?? null
  return kept
}
