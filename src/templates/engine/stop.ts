/** Why a rendering ends before its text does, and how much it may do. */
import { printable } from '../../text/printable.ts'
import type { Place } from './plan.ts'
import type { Question } from './template.ts'

/** Of a message, which holds expressions as they are written. */
const MAX_MESSAGE = 1000

export class Stop extends Error {
  readonly kind: 'absent' | 'failed'
  readonly place: Place

  /** `message`: see `TemplateProblem`. */
  constructor(kind: 'absent' | 'failed', place: Place, message: string) {
    super(printable(message, MAX_MESSAGE))
    this.name = 'Stop'
    this.kind = kind
    this.place = place
  }
}

/** A helper needs an answer that is not there yet. */
export class Unanswered extends Error {
  readonly question: Question

  constructor(question: Question) {
    super('not answered yet')
    this.name = 'Unanswered'
    this.question = question
  }
}

/** In statements that are gone through, each well below a microsecond: some seconds. */
const MOST = 10_000_000

/** A call of a helper, in statements. */
export const CALL = 10
/** Starting again without a member: a hidden one is looked for in every list. */
export const ROUND = 10_000
/** As much of a text is made in the time of a statement. UTF-16 units. */
const TEXT = 8

export const SPENT = 'too much work for one rendering'

/** How much a rendering may do: all else waits for it meanwhile, the proxy too. Counted, as a clock gives other results on a slow day. */
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

/** Returns what it takes to make such a value, in statements. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length / TEXT
  return Array.isArray(value) ? value.length : 1
}
