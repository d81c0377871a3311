/** Runs helpers, and marks what they make of text that is not safe. */
import { type Helper, HelperError } from './helper.ts'
import type { Place } from './plan.ts'
import type { Reading } from './reading.ts'
import { type Budget, CALL, sizeOf, Stop, Unanswered } from './stop.ts'
import { isSafe, originsOf, shownKey, UnsafeText } from './unsafe.ts'
import type { Marks, Value } from './values.ts'

export class Calls {
  readonly #reading: Reading
  readonly #budget: Budget
  readonly #marks: Marks

  constructor(reading: Reading, budget: Budget, marks: Marks) {
    this.#reading = reading
    this.#budget = budget
    this.#marks = marks
  }

  /**
   * Returns what a helper gives. `ofMember`: the words added to a message, as ` (pg1)`.
   * @throws Stop where it fails, or has done too much; Unanswered.
   */
  run(helper: Helper, args: readonly Value[], place: Place, ofMember: () => string): Value {
    try {
      const result = helper.run(args, this.#reading)
      this.#budget.spend(CALL + sizeOf(result))
      this.#budget.check(place)
      return this.#take(result, helper, args)
    } catch (error) {
      if (error instanceof Unanswered || error instanceof Stop) throw error
      if (error instanceof HelperError) {
        throw new Stop('failed', place, `${helper.name}${ofMember()}: ${error.message}${this.#whose(helper, args)}`)
      }
      // The message of such an error may hold anything.
      const kind = error instanceof Error ? error.name : 'unknown'
      throw new Stop('failed', place, `${helper.name}${ofMember()}: an error of the router (${kind})`)
    }
  }

  #take(result: unknown, helper: Helper, args: readonly Value[]): Value {
    if (typeof result === 'string') {
      if (isSafe(result)) return result
      const madeOf = this.#madeOf(helper, args)
      return madeOf.length === 0 ? result : new UnsafeText(result, originsOf(result, madeOf))
    }
    if (typeof result === 'number' && !Number.isFinite(result)) throw new HelperError('the result is not a number')
    if (typeof result === 'number' || typeof result === 'boolean') return result
    if (result === null || result === undefined) return null
    if (typeof result !== 'object') throw new TypeError('a helper gave something that is no value')
    return this.#marks.known(result) ?? this.#marks.take(result, this.#madeOf(helper, args))
  }

  /** Returns the text that is not safe of which the result of a call is made. */
  #madeOf({ name, unsafe }: Helper, args: readonly Value[]): readonly UnsafeText[] {
    if (unsafe === 'settles' || unsafe === 'quotes') return []
    const found = this.#marks.unsafeIn(args)
    if (unsafe === 'carries' || found.length > 0) return found
    return [new UnsafeText('', [{ kind: 'other', what: `the result of ${name}` }])]
  }

  /** Returns whose text could not be quoted, to be put behind what is said of it: ` (the key /db)`. */
  #whose({ unsafe }: Helper, args: readonly Value[]): string {
    const origins = unsafe === 'quotes' ? this.#marks.unsafeIn(args).flatMap((text) => text.origins) : []
    const keys = new Set(origins.flatMap((origin) => (origin.kind === 'key' ? [shownKey(origin)] : [])))
    return keys.size === 0 ? '' : ` (the key ${[...keys].join(', ')})`
  }
}
