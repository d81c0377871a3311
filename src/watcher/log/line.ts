/** What the log's lines about the primary and the members share. Pure. */
import type { ClusterView } from '../view.ts'

/** By what it is about: the reasons of the present state that were logged, without their numbers. */
export type Logged = ReadonlyMap<string, ReadonlySet<string>>

export const NOTHING_LOGGED: Logged = new Map()

/** So many different reasons are logged of one state. */
const MAX_REASONS = 20

/**
 * Returns whether `reason` is to be logged; a reason that comes and goes, or whose numbers change, does not fill the
 * log.
 */
export function isNews(logged: ReadonlySet<string> | undefined, reason: string): boolean {
  return logged?.has(stemOf(reason)) !== true && (logged?.size ?? 0) < MAX_REASONS
}

/** Returns `logged` with `reason`. */
export function withReason(logged: ReadonlySet<string> | undefined, reason: string): ReadonlySet<string> {
  return new Set(logged).add(stemOf(reason))
}

/** Removes the numbers, which differ from one moment to the next. */
function stemOf(reason: string): string {
  return reason.replace(/\d+/g, '0')
}

/** A switchover that has not taken place by then, as in a pause, explains nothing any more. Milliseconds. */
const OVERDUE_MS = 5 * 60_000

/** Returns whether a person has requested what is happening, so that it needs no attention. */
export function isRequested(before: ClusterView, { dcs }: ClusterView): boolean {
  const { switchover } = before
  if (switchover === null || switchover.scheduledAt === null) return switchover !== null
  const since = (dcs.readAt ?? 0) - switchover.scheduledAt
  return since >= 0 && since < OVERDUE_MS
}
