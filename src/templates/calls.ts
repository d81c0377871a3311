/** Runs helpers: gives them plain values, and marks what they make of text of strangers. */
import { guiseOf } from './guise.ts'
import { type Helper, type HelperCall, HelperError } from './helper.ts'
import { notedKeys } from './noted-keys.ts'
import type { Recording } from './recording.ts'
import type { Answer, Question, RenderInputs } from './render.ts'
import { CLUSTER, madeOf, TRUSTED } from './sources.ts'
import { Stop, Unanswered } from './stop.ts'
import type { Place } from './plan.ts'
import { type Home, Tracked, type Value } from './tracked.ts'
import { isSafe, originsOf, type Suspect, UnsafeText } from './unsafe.ts'

export class Calls implements Home, HelperCall {
  readonly hidden: ReadonlySet<string>
  readonly context: Tracked
  readonly #inputs: RenderInputs
  readonly #recording: Recording
  readonly #guises = new Map<Tracked, object>()
  readonly #known = new WeakMap<object, Tracked>()
  /** Of the present call: texts that are not safe and that the helper was given, or has read. */
  #suspects: Suspect[] = []

  constructor(inputs: RenderInputs, recording: Recording, hidden: ReadonlySet<string>) {
    this.hidden = hidden
    this.#inputs = inputs
    this.#recording = recording
    this.context = new Tracked(inputs.context, CLUSTER, this, recording.context)
  }

  known(guise: object): Tracked | undefined {
    return this.#known.get(guise)
  }

  /** `whom`: what is added to a message, as ` (pg1)`. */
  run(helper: Helper, args: readonly Value[], place: Place, whom: () => string): Value {
    this.#suspects = []
    try {
      return this.#take(helper.run(args.map(this.#show), this), helper)
    } catch (error) {
      if (error instanceof Unanswered || error instanceof Stop) throw error
      if (error instanceof HelperError) throw new Stop('failed', place, `${helper.name}${whom()}: ${error.message}`)
      // The message of such an error may hold anything.
      const kind = error instanceof Error ? error.name : 'unknown'
      throw new Stop('failed', place, `${helper.name}${whom()}: an error of the router (${kind})`)
    }
  }

  read<T>(question: (inputs: RenderInputs) => T): T {
    const { keys } = this.#inputs
    const noted = keys === null ? null : notedKeys(keys, (suspect) => this.#suspects.push(suspect))
    const context = this.#show(this.context) as RenderInputs['context']
    return this.#recording.read(question, { ...this.#inputs, context, keys: noted })
  }

  ask(question: Question): Answer {
    const answer = this.#inputs.facts.answerTo(question)
    if (answer === null) throw new Unanswered(question)
    this.#recording.fact(question, answer)
    const texts = answer.ok && Array.isArray(answer.value) ? (answer.value as readonly string[]) : []
    for (const text of texts) {
      if (!isSafe(text)) this.#suspects.push({ text, origins: [{ kind: 'other', what: 'the answer of the DNS' }] })
    }
    return answer
  }

  /** As helpers see it. */
  readonly #show = (value: Value): unknown => {
    if (value instanceof UnsafeText) {
      this.#suspects.push(value)
      return value.text
    }
    if (!(value instanceof Tracked)) return value
    const known = this.#guises.get(value)
    if (known !== undefined) return known
    const guise = guiseOf(value, this.#show)
    this.#guises.set(value, guise)
    this.#known.set(guise, value)
    return guise
  }

  #take(result: unknown, { unsafe }: Helper): Value {
    const suspects = unsafe === 'carries' ? this.#suspects : []
    if (typeof result === 'string') {
      if (suspects.length === 0 || isSafe(result)) return result
      return new UnsafeText(result, originsOf(result, suspects))
    }
    if (typeof result === 'number' && !Number.isFinite(result)) throw new HelperError('the result is no number')
    if (typeof result === 'number' || typeof result === 'boolean') return result
    if (result === null || result === undefined) return null
    if (typeof result !== 'object') throw new TypeError('a helper gave something that is no value')
    return (
      this.#known.get(result) ?? new Tracked(result, suspects.length === 0 ? TRUSTED : madeOf(suspects), this, null)
    )
  }
}
