import pg from 'pg'
import { codeOf } from './sql.ts'
import { clock } from '../until.ts'

/** One long-lived, idle session. */
export type Session = {
  readonly server: number | null
  /** When its connection was closed, in milliseconds since the epoch; null while it is open. */
  readonly closedAt: number | null
  /** SQLSTATE or errno of what ended it. */
  readonly code: string | null
}

type Holder = { readonly client: pg.Client; server: number | null; closedAt: number | null; code: string | null }

/** Long-lived sessions that record when they are closed. */
export class Holders {
  readonly #holders: Holder[] = []

  /** Opens `count` sessions through `port`, at most 50 at a time. @throws when one cannot be opened. */
  static async open(port: number, count: number): Promise<Holders> {
    const holders = new Holders()
    try {
      for (let done = 0; done < count; done += 50) {
        const some = Array.from({ length: Math.min(50, count - done) }, () => open(port))
        holders.#holders.push(...(await Promise.all(some)))
      }
    } catch (error) {
      await holders.close()
      throw error
    }
    return holders
  }

  get sessions(): readonly Session[] {
    return this.#holders
  }

  get open(): number {
    return this.#holders.filter(({ closedAt }) => closedAt === null).length
  }

  /** How many answer a query. */
  async ping(): Promise<number> {
    const answers = this.#holders.map(async ({ client, closedAt }) => {
      if (closedAt !== null) return 0
      return client.query('SELECT 1').then(
        () => 1,
        () => 0,
      )
    })
    return (await Promise.all(answers)).reduce<number>((sum, one) => sum + one, 0)
  }

  async close(): Promise<void> {
    await Promise.all(this.#holders.map(({ client }) => client.end().catch(() => undefined)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

async function open(port: number): Promise<Holder> {
  const timeouts = { connectionTimeoutMillis: 30_000, query_timeout: 10_000 }
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', ...timeouts })
  const holder: Holder = { client, server: null, closedAt: null, code: null }
  client.on('error', (error) => (holder.code ??= codeOf(error)))
  client.on('end', () => (holder.closedAt = clock()))
  await client.connect()
  holder.server = (await client.query<{ port: number }>('SELECT inet_server_port() AS port')).rows[0]?.port ?? null
  return holder
}
