/** What changes of the overrides and holds of all clusters, by itself or because a person has asked; and its lines of the log. Pure. */
import {
  type HeldByRequest,
  MAX_HOLD_MS,
  NO_OVERRIDES,
  overriddenText,
  type Override,
  type Overrides,
} from '../override.ts'
import type { LogLine } from '../text/log-line.ts'
import { instant } from '../text/wording.ts'
import type { OverridesByCluster } from './kept-overrides.ts'

/** null: there is none, before or after. */
export type Change = { readonly cluster: string } & (
  | {
      readonly kind: 'override'
      readonly member: string
      readonly before: Override | null
      readonly after: Override | null
    }
  | {
      readonly kind: 'hold'
      readonly listener: string
      readonly before: HeldByRequest | null
      readonly after: HeldByRequest | null
    }
)

/** Why something changes: a person, its time, or a configuration without that cluster or listener. */
export type Why = { readonly by: string } | 'expired' | 'removed'

/** The listeners of each cluster. */
export type Listeners = ReadonlyMap<string, readonly string[]>

/** Returns them after these changes. A cluster without any is left out. */
export function applied(all: OverridesByCluster, changes: readonly Change[]): OverridesByCluster {
  const next = new Map(all)
  for (const change of changes) {
    const { members, holds } = next.get(change.cluster) ?? NO_OVERRIDES
    const after: Overrides =
      change.kind === 'override'
        ? { members: replaced(members, change.member, change.after), holds }
        : { members, holds: replaced(holds, change.listener, change.after) }
    if (after.members.size + after.holds.size === 0) next.delete(change.cluster)
    else next.set(change.cluster, after)
  }
  return next
}

/** Returns a map with another value for a name; null: without it. */
function replaced<T>(map: ReadonlyMap<string, T>, name: string, value: T | null): ReadonlyMap<string, T> {
  const next = new Map(map)
  if (value === null) next.delete(name)
  else next.set(name, value)
  return next
}

/**
 * Returns those of an earlier run with no more time left than they were given: since then the clock may have been set back, or the
 * file edited. `now`: milliseconds since the epoch.
 */
export function limited(all: OverridesByCluster, now: number): OverridesByCluster {
  return new Map(
    Array.from(all, ([cluster, { members, holds }]) => [
      cluster,
      {
        members: mapped(members, (each) => ({ ...each, ...limitedTimes(each, now, Infinity) })),
        holds: mapped(holds, (each) => ({ ...each, ...limitedTimes(each, now, MAX_HOLD_MS) })),
      },
    ]),
  )
}

function limitedTimes<T extends number | null>(
  { since, until }: { readonly since: number; readonly until: T },
  now: number,
  maxMs: number,
): { readonly since: number; readonly until: T | number } {
  return {
    since: Math.min(since, now),
    until: until === null ? until : Math.min(until, now + Math.min(until - since, maxMs)),
  }
}

function mapped<T>(map: ReadonlyMap<string, T>, to: (each: T) => T): ReadonlyMap<string, T> {
  return new Map(Array.from(map, ([name, each]) => [name, to(each)]))
}

/** Returns the changes that end what ends by itself until `now`. Milliseconds since the epoch. */
export function expired(all: OverridesByCluster, now: number): readonly Change[] {
  return endings(all).filter(({ before }) => (before?.until ?? Infinity) <= now)
}

/** Returns when the next one ends by itself; null: none does. Milliseconds since the epoch. */
export function nextEnd(all: OverridesByCluster): number | null {
  const ends = endings(all).flatMap(({ before }) => before?.until ?? [])
  return ends.length === 0 ? null : Math.min(...ends)
}

/** Returns the changes that end what is of a cluster or a listener that is not one of these. */
export function withoutPlace(all: OverridesByCluster, listeners: Listeners): readonly Change[] {
  return endings(all).filter((change) => {
    const present = listeners.get(change.cluster)
    return present === undefined || (change.kind === 'hold' && !present.includes(change.listener))
  })
}

/** Returns them where the cluster `before` is called `after`. */
export function renamed(all: OverridesByCluster, before: string, after: string): OverridesByCluster {
  return new Map(Array.from(all, ([cluster, each]) => [cluster === before ? after : cluster, each]))
}

/** Returns for each one that there is the change that ends it. */
export function endings(all: OverridesByCluster): readonly Change[] {
  return Array.from(all, ([cluster, { members, holds }]): Change[] => [
    ...Array.from(members, ([member, before]): Change => ({ kind: 'override', cluster, member, before, after: null })),
    ...Array.from(holds, ([listener, before]): Change => ({ kind: 'hold', cluster, listener, before, after: null })),
  ]).flat()
}

/** Returns the line of the log for a change. */
export function lineOf(change: Change, why: Why): LogLine {
  const { subject, fields } = subjectOf(change)
  const { after, before } = change
  if (after !== null) {
    const event = change.kind === 'override' ? 'override-set' : 'hold-begun'
    const message = `${subject}: ${whatOf(change, after)}`
    return { level: 'info', message, fields: { event, ...fields, ...termsOf(after) } }
  }
  const event = change.kind === 'override' ? 'override-ended' : 'hold-ended'
  const state = before !== null && 'state' in before ? { state: before.state } : {}
  const [by, reason] = typeof why === 'string' ? [null, why] : [why.by, 'requested']
  const what =
    before !== null && 'state' in before
      ? `no longer ${overriddenText(before.state)}`
      : 'new clients are no longer held'
  const cause = by === null ? REASONS[reason] : `by ${by}`
  return {
    level: 'info',
    message: `${subject}: ${what} (${cause})`,
    fields: { event, ...fields, ...state, by, reason },
  }
}

const REASONS = { expired: 'its time is over', removed: 'it is no longer configured' }

/** Returns the line of the log for one that an earlier run has left. */
export function keptLineOf(change: Change): LogLine {
  const { subject, fields } = subjectOf(change)
  const { before } = change
  const message = `${subject}: ${before === null ? '' : whatOf(change, before)}, since before the restart`
  return {
    level: 'info',
    message,
    fields: { event: 'override-kept', ...fields, ...(before === null ? {} : termsOf(before)) },
  }
}

function subjectOf(change: Change): { readonly subject: string; readonly fields: LogLine['fields'] } {
  return change.kind === 'override'
    ? { subject: change.member, fields: { member: change.member } }
    : { subject: change.listener, fields: { listener: change.listener } }
}

function whatOf({ kind }: Change, present: Override | HeldByRequest): string {
  const what = kind === 'override' && 'state' in present ? overriddenText(present.state) : 'new clients are held'
  return `${what} by ${present.by}${present.until === null ? '' : ` until ${instant(present.until)}`}`
}

function termsOf(present: Override | HeldByRequest): LogLine['fields'] {
  const until = present.until === null ? null : new Date(present.until).toISOString()
  return { ...('state' in present ? { state: present.state } : {}), by: present.by, until }
}
