/**
 * How many released clients are opened at the same time: as many as the server takes without becoming slower, as TCP finds
 * out how much a network takes. PostgreSQL forks a process for each. Beyond what its machine forks at a time, one more
 * only makes all of them wait. Pure.
 */

/** What is opened at the beginning, and at least: a server that has just become the primary takes that. */
export const FIRST_OPENING = 16
/** What is opened at most, unless clients would be refused otherwise. */
export const MAX_OPENING = 256
/** Without an answer for this long a client makes room all the same: it may be the one that is silent. */
export const SILENT_MS = 1000
/** Up to so many times as long as in the best round: it can take more. */
const STEADY = 1.25
/** From so many times as long: it has been given too much. */
const SLOW = 1.5
/** That much more is what event loops and schedulers do. Milliseconds. */
const JITTER_MS = 5
/** The part by which the pace grows beyond where the server became slower before. */
const PROBE = 1 / 4

export interface Pace {
  readonly opening: number
  /** Below it the pace doubles with each round. */
  readonly threshold: number
  /** How long answers took in the best round and in the last one; null: there was none. Milliseconds. */
  readonly bestMs: number | null
  readonly lastMs: number | null
}

export const FIRST_PACE: Pace = { opening: FIRST_OPENING, threshold: MAX_OPENING, bestMs: null, lastMs: null }

/** A client that waits. */
export interface Mark {
  /** How many are to be released up to this one, and itself. */
  readonly place: number
  /** Until it is refused. Milliseconds. */
  readonly leftMs: number
}

/**
 * Returns the pace after a round at `pace`: how long each answer took. The best quarter counts: a server that is given too
 * much answers none of them quickly; one answer may be late because its client was silent, or this machine was busy.
 */
export function paceAfter(pace: Pace, answersMs: readonly number[]): Pace {
  const lastMs = quartile(answersMs)
  if (lastMs >= SILENT_MS) return { opening: FIRST_OPENING, threshold: FIRST_OPENING, bestMs: pace.bestMs, lastMs }
  const bestMs = Math.min(lastMs, pace.bestMs ?? lastMs)
  const steadyMs = Math.max(bestMs * STEADY, bestMs + JITTER_MS)
  const slowMs = Math.max(bestMs * SLOW, bestMs + JITTER_MS)
  const { opening, threshold } = pace
  // The first answers are the slowest: nothing is cached yet, here and there.
  const isFirst = pace.bestMs === null
  if (isFirst || (lastMs > steadyMs && lastMs <= slowMs)) return { opening, threshold, bestMs, lastMs }
  if (lastMs > slowMs) {
    const less = bounded(opening * Math.max(steadyMs / lastMs, 0.5))
    return { opening: less, threshold: less, bestMs, lastMs }
  }
  const more = opening < threshold ? Math.min(opening * 2, threshold) : opening * (1 + PROBE)
  return { opening: bounded(more), threshold, bestMs, lastMs }
}

/** Returns the pace after a connect that failed: a server that accepts clients again is in another state. */
export function paceAfterFailure({ opening }: Pace): Pace {
  return { ...FIRST_PACE, threshold: bounded(opening / 2) }
}

/** Returns how many are opened at the same time, so that those who wait are released before they are refused. */
export function openingFor({ opening, lastMs }: Pace, waiting: readonly Mark[]): number {
  if (lastMs === null) return opening
  // One answer before the end: the last round has to begin by then.
  const rounds = (leftMs: number): number => Math.max(leftMs / lastMs - 1, 0)
  const needed = waiting.map(({ place, leftMs }) => Math.min(place, Math.ceil(place / rounds(leftMs))))
  return Math.max(opening, ...needed)
}

function bounded(opening: number): number {
  return Math.min(MAX_OPENING, Math.max(FIRST_OPENING, Math.round(opening)))
}

function quartile(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 2] ?? 0
}
