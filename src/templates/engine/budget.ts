/** How much one rendering may do: all else waits for it meanwhile, the proxy too. Counted, as a clock gives other results on a slow day. */
import type { Place } from './plan.ts'
import { Stop } from './stop.ts'

/** In statements that are gone through, each well below a microsecond: some seconds. */
const MOST = 10_000_000

/** A call of a helper, in statements. */
export const CALL = 10
/** Beginning anew without a member: whoever is hidden is looked for in every list. */
export const ROUND = 10_000
/** As much of a text is made in the time of a statement. UTF-16 units. */
const TEXT = 8

export const SPENT = 'too much to go through'

export class Budget {
  #left = MOST

  spend(units: number): void {
    this.#left -= units
  }

  get isSpent(): boolean {
    return this.#left < 0
  }

  /** @throws Stop when it was too much. */
  check(place: Place): void {
    if (this.isSpent) throw new Stop('failed', place, SPENT)
  }
}

/** What it takes to make such a value. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length / TEXT
  return Array.isArray(value) ? value.length : 1
}
