/**
 * Bursts of questions to a member that clients wait for. Patroni's REST API shows a new primary within 3 ms
 * (docs/patroni.md, "A failover, measured"), so the pace of the questions is what is added to the outage.
 */

/** Milliseconds, but for `atOnce`: so many questions of a burst are under way, one of which may take two intervals. */
export const BURST = { everyMs: 20, forMs: 3000, atOnce: 3 }

/** So many members are asked in bursts at a time: 500 questions a second in all. */
const MOST_BURSTS = 10

/** Limits the bursts of the process. A member that finds no room is asked as often as without one. */
export class Bursts {
  #free: number

  constructor(most = MOST_BURSTS) {
    this.#free = most
  }

  /** Begins a burst. Returns how to end it, once; null: too many are under way. */
  begin(): (() => void) | null {
    if (this.#free === 0) return null
    this.#free--
    return () => {
      this.#free++
    }
  }
}
