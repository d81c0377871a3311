/** What a watcher has counted since it was built. Plain data, beside the view: a count is no reason to route. */

export interface WatcherCounts {
  /** How often another member than the one before became the primary and was opened. */
  readonly primaryChanges: number
  /** Failures of the DCS. */
  readonly dcsErrors: number
  /** Sorted by name. */
  readonly members: readonly MemberCheckCounts[]
}

/** The checks of one member's REST API. */
export interface MemberCheckCounts {
  readonly member: string
  readonly passed: number
  /** Answered with a no, or not at all. */
  readonly failed: number
  /** null: not checked yet. */
  readonly last: LastCheck | null
}

export interface LastCheck {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly tookMs: number
  /** `none`: no answer; `refused`: no connection. */
  readonly outcome: 'passed' | 'no' | 'none' | 'refused'
  /** The status of the answer; null: there was none. */
  readonly httpStatus: number | null
  /** Empty where it passed. Fit to be shown. */
  readonly reason: string
}

export const NO_WATCHER_COUNTS: WatcherCounts = { primaryChanges: 0, dcsErrors: 0, members: [] }
