import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { longestGap } from './load.ts'
import type { Gap } from './load.ts'
import type { PatroniMember } from '../patroni/member.ts'
import { codeOf } from './sql.ts'
import { clock } from '../until.ts'

export type Acknowledgement = { readonly at: number; readonly member: string }

const READ_ONLY = '25006'

/**
 * Measures the cluster's own outage: writes to every member directly, over a session that it keeps as long as it lasts,
 * every `everyMs`. A router can at best be as good. Needs the table of createLoadTable.
 */
export class OutageProbe {
  /** Every write that some member acknowledged. */
  readonly acknowledgements: Acknowledgement[] = []
  readonly #stopping = new AbortController()
  readonly #probing: Promise<unknown>

  private constructor(members: readonly PatroniMember[], everyMs: number) {
    this.#probing = Promise.all(members.map((member) => this.#probe(member, everyMs)))
  }

  static start(members: readonly PatroniMember[], { everyMs = 50 } = {}): OutageProbe {
    return new OutageProbe(members, everyMs)
  }

  /** The longest interval in which no member acknowledged a write. */
  outage(): Gap {
    return longestGap(this.acknowledgements.map(({ at }) => at))
  }

  /** When `member` first acknowledged a write at or after `since`. */
  first(member: PatroniMember, since = 0): number | undefined {
    return this.acknowledgements.find(({ at, member: name }) => name === member.name && at >= since)?.at
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#probing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #probe({ name, pgPort }: PatroniMember, everyMs: number): Promise<void> {
    const { signal } = this.#stopping
    const writer = `probe-${name}-${Math.random()}`
    let client: pg.Client | null = null
    for (let seq = 0; !signal.aborted; seq++) {
      const next = performance.now() + everyMs
      try {
        client ??= await session(pgPort)
        await client.query(`INSERT INTO load VALUES ('${writer}', ${seq})`)
        this.acknowledgements.push({ at: clock(), member: name })
      } catch (error) {
        if (codeOf(error) !== READ_ONLY) {
          void client?.end().catch(() => undefined)
          client = null
        }
      }
      await sleep(Math.max(next - performance.now(), 0), undefined, { signal }).catch(() => undefined)
    }
    await client?.end()
  }
}

async function session(port: number): Promise<pg.Client> {
  const timeouts = { connectionTimeoutMillis: 1_000, query_timeout: 1_000 }
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', ...timeouts })
  client.on('error', () => undefined) // The next write fails with it.
  await client.connect()
  return client
}
