/** What a watcher has counted since it was built. Plain data, beside the view: a count is no reason to route. */
import { Histogram, type HistogramCounts } from '../histogram.ts'
import { printable } from '../text/printable.ts'
import type { ReplicaAnswer } from './checks/proof.ts'
import type { RestOutcome } from './checks/proof-source.ts'
import type { RestAnswer } from './primary/evidence.ts'
import { type PrimaryView, takesNew } from './view.ts'

export interface WatcherCounts {
  /** How often another member than the one before became the primary and was opened. */
  readonly primaryChanges: number
  /** Failures of the DCS. */
  readonly dcsErrors: number
  /** How long the checks of all members took. */
  readonly checkDurations: HistogramCounts
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

export const NO_WATCHER_COUNTS: WatcherCounts = {
  primaryChanges: 0,
  dcsErrors: 0,
  checkDurations: new Histogram([]).counts,
  members: [],
}

const MAX_REASON = 300

/** Returns the check that has ended with this answer. */
export function lastCheckOf(
  answer: RestAnswer | ReplicaAnswer,
  { status, refused }: RestOutcome,
  at: number,
  tookMs: number,
): LastCheck {
  const passed = answer.kind === 'proof' || answer.kind === 'fit'
  const negative = status === null ? (refused ? 'refused' : 'none') : 'no'
  const why = answer.kind === 'stopping' ? 'it is about to stop' : 'reason' in answer ? answer.reason : ''
  return {
    ...{ at, tookMs, outcome: passed ? 'passed' : negative, httpStatus: status },
    reason: passed ? '' : printable(why, MAX_REASON),
  }
}

/** Most checks take some milliseconds; the longest `check.timeout` is some seconds. */
const BOUNDS_MS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000]

export class WatcherCounting {
  #primaryChanges = 0
  #dcsErrors = 0
  readonly #durations = new Histogram(BOUNDS_MS)
  readonly #members = new Map<string, MemberCheckCounts>()
  /** The primary that was opened last; null: none since the start. */
  #opened: string | null = null

  /** Notes the primary of the next view. The first one that is opened is no change. */
  viewed({ state, member }: Pick<PrimaryView, 'state' | 'member'>): void {
    if (!takesNew(state) || member === this.#opened) return
    if (this.#opened !== null) this.#primaryChanges++
    this.#opened = member
  }

  dcsFailed(): void {
    this.#dcsErrors++
  }

  checked(member: string, last: LastCheck): void {
    this.#durations.observe(last.tookMs)
    const { passed, failed } = this.#members.get(member) ?? { passed: 0, failed: 0 }
    const hasPassed = last.outcome === 'passed'
    this.#members.set(member, {
      ...{ member, passed: hasPassed ? passed + 1 : passed, failed: hasPassed ? failed : failed + 1 },
      last,
    })
  }

  /** Forgets members that are no longer known. */
  keepOnly(known: { has(member: string): boolean }): void {
    for (const member of this.#members.keys()) if (!known.has(member)) this.#members.delete(member)
  }

  counts(): WatcherCounts {
    return {
      primaryChanges: this.#primaryChanges,
      dcsErrors: this.#dcsErrors,
      checkDurations: this.#durations.counts,
      members: [...this.#members.values()].toSorted((one, other) => (one.member < other.member ? -1 : 1)),
    }
  }
}
