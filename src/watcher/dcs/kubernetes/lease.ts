/**
 * The lease of the leader, as Patroni's observers have it (patroni/dcs/kubernetes.py, `_leader_observed_record`): a
 * record that has not changed for its own `ttl` is void. The time is measured here, and only while the API is read:
 * what was not seen is not counted. Pure.
 */

/** The annotations that make the record; any change of one is a sign of life. */
const RECORD = ['leader', 'acquireTime', 'ttl', 'renewTime', 'transitions'] as const

type LeaseRecord = Readonly<Partial<Record<(typeof RECORD)[number], string>>>

export interface Lease {
  readonly record: LeaseRecord
  /** How long it has been seen unchanged. Milliseconds. */
  readonly ageMs: number
  /** When it was seen last; null: not since the API was lost. Milliseconds. */
  readonly seenAt: number | null
  /** How often the lease of any holder has run out. */
  readonly lapses: number
  readonly isVoid: boolean
}

export const NO_LEASE: Lease = { record: {}, ageMs: 0, seenAt: null, lapses: 0, isVoid: false }

/** The default of Patroni. Milliseconds. */
const DEFAULT_TTL_MS = 30_000

/** Returns the lease after its object was seen; `annotations`: none where it is gone. At the start any lease is fresh. */
export function afterRecord(lease: Lease, annotations: Readonly<Record<string, string>>, at: number): Lease {
  if (RECORD.every((key) => annotations[key] === lease.record[key])) return lease
  const record = Object.fromEntries(RECORD.flatMap((key) => (key in annotations ? [[key, annotations[key]]] : [])))
  return { ...lease, record, ageMs: 0, seenAt: at, isVoid: false }
}

/**
 * Returns the lease after a read with certainty that began at `at` and has shown the same record. `gapMs`: after a
 * longer time without one nothing is known of it, as when this process was stopped; `usualTtlMs`: where the record has
 * none, null where the cluster has none either.
 */
export function afterRead(lease: Lease, at: number, gapMs: number, usualTtlMs: number | null): Lease {
  const { seenAt } = lease
  if (seenAt !== null && at <= seenAt) return lease
  const passedMs = seenAt === null || at - seenAt > gapMs ? 0 : at - seenAt
  const ageMs = lease.ageMs + passedMs
  const lapsed = !lease.isVoid && lease.record.leader !== undefined && ageMs >= ttlOf(lease, usualTtlMs)
  return {
    ...lease,
    ageMs,
    seenAt: at,
    isVoid: lease.isVoid || lapsed,
    lapses: lapsed ? lease.lapses + 1 : lease.lapses,
  }
}

/** Returns the lease after the API was lost: its time stands still until it is read again. */
export function afterLoss(lease: Lease): Lease {
  return { ...lease, seenAt: null }
}

/** Returns how long it takes until it runs out, if it does not change; null: it does not, or its time stands still. Milliseconds. */
export function leftMs(lease: Lease, now: number, usualTtlMs: number | null): number | null {
  if (lease.isVoid || lease.seenAt === null || lease.record.leader === undefined) return null
  return Math.max(0, ttlOf(lease, usualTtlMs) - lease.ageMs - (now - lease.seenAt))
}

/** Returns the holder, and what tells this lock from the next of the same name; null: there is none. */
export function holderOf({
  record,
  isVoid,
  lapses,
}: Lease): { readonly name: string; readonly session: string } | null {
  const { leader, acquireTime, transitions } = record
  if (leader === undefined || leader === '' || isVoid) return null
  return { name: leader, session: `${acquireTime ?? ''} ${transitions ?? ''} ${lapses}` }
}

/** Returns the time after which it is void: Patroni's `int(ttl) or` that of the cluster. Milliseconds. */
function ttlOf({ record: { ttl = '' } }: Lease, usualTtlMs: number | null): number {
  const own = /^\s*[-+]?\d{1,12}\s*$/.test(ttl) ? Number(ttl) * 1000 : 0
  return own === 0 ? (usualTtlMs ?? DEFAULT_TTL_MS) : own
}
