import { sql } from './sql.ts'
import type { Writer } from './writer.ts'

/** One attempt of a client to write; times in milliseconds since the epoch, as the client saw them. */
export type Attempt = {
  readonly seq: number
  /** When it began to connect. */
  readonly at: number
  /** When it had a session and sent its INSERT; null when it never got one. */
  readonly connectedAt: number | null
  /** When it was acknowledged, or failed. */
  readonly doneAt: number
  readonly ok: boolean
  /** SQLSTATE or errno of a failure. */
  readonly code: string | null
  /** The PostgreSQL port that acknowledged the write, or refused it as read-only. */
  readonly server: number | null
}

export type Gap = { readonly from: number; readonly to: number; readonly ms: number }

export type ServerShare = { readonly count: number; readonly first: number; readonly last: number }

const NO_GAP: Gap = { from: 0, to: 0, ms: 0 }

/** Makes the table that the load goes to; `port` is the leader's. */
export async function createLoadTable(port: number): Promise<void> {
  await sql(port, 'CREATE TABLE IF NOT EXISTS load (writer text, seq int, PRIMARY KEY (writer, seq))')
}

/** The longest interval between two successive times; `until` closes the last interval when there is no later time. */
export function longestGap(times: readonly number[], until?: number): Gap {
  const sorted = [...times, ...(until === undefined ? [] : [until])].sort((a, b) => a - b)
  return sorted.reduce((longest, to, index) => {
    const from = sorted[index - 1] ?? to
    return to - from > longest.ms ? { from, to, ms: to - from } : longest
  }, NO_GAP)
}

/**
 * The outage as the clients saw it: the longest interval between two successive acknowledgements of a write, whoever got
 * them. Without an outage it is about the interval of the attempts.
 */
export function outage(attempts: readonly Attempt[]): Gap {
  const acknowledged = attempts.filter(({ ok }) => ok).map(({ doneAt }) => doneAt)
  return longestGap(acknowledged, Math.max(...attempts.map(({ doneAt }) => doneAt)))
}

/** How many attempts failed, by SQLSTATE or errno. */
export function failures(attempts: readonly Attempt[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { code } of attempts) if (code !== null) counts[code] = (counts[code] ?? 0) + 1
  return counts
}

/** Which server, by its port, acknowledged how many writes, the first and the last of them when. */
export function byServer(attempts: readonly Attempt[]): Map<number, ServerShare> {
  const shares = new Map<number, ServerShare>()
  for (const { ok, server, doneAt } of attempts) {
    if (!ok || server === null) continue
    const { count, first, last } = shares.get(server) ?? { count: 0, first: doneAt, last: doneAt }
    shares.set(server, { count: count + 1, first: Math.min(first, doneAt), last: Math.max(last, doneAt) })
  }
  return shares
}

/** The acknowledged writes that `port` does not have: a crash may lose some under asynchronous replication. */
export async function lostWrites(port: number, writer: Writer): Promise<number[]> {
  const rows = await sql(port, `SELECT seq FROM load WHERE writer = '${writer.name}'`)
  const stored = new Set(rows.map(({ seq }) => seq))
  return writer.attempts.filter(({ ok, seq }) => ok && !stored.has(seq)).map(({ seq }) => seq)
}
