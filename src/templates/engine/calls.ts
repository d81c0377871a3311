/** Runs helpers: gives them plain values, and marks what they make of text of strangers. */
import { CALL, type Budget, sizeOf } from './budget.ts'
import { guiseOf } from './guise.ts'
import { type Helper, type HelperCall, HelperError, type Readable } from './helper.ts'
import { NotedKeys } from './noted-keys.ts'
import type { Recording } from './recording.ts'
import type { Answer, Question, RenderInputs } from './template.ts'
import { madeOf, sourceOfContext } from './sources.ts'
import { Stop, Unanswered } from './stop.ts'
import type { Place } from './plan.ts'
import { type Home, Tracked, type Value } from './tracked.ts'
import { isSafe, originsOf, type Suspect, UnsafeText } from './unsafe.ts'

export class Calls implements Home, HelperCall {
  readonly hidden: ReadonlySet<string>
  readonly context: Tracked
  readonly #inputs: RenderInputs
  readonly #recording: Recording
  readonly #budget: Budget
  readonly #keys: NotedKeys | null
  // Weak, as a helper may make something large over and over.
  readonly #guises = new WeakMap<Tracked, object>()
  readonly #known = new WeakMap<object, Tracked>()
  /** What has been read, by name. */
  readonly #answers = new Map<string, { readonly answer: unknown; readonly suspects: readonly Suspect[] }>()
  /** Of the present call: texts that are not safe and that the helper was given, or has read. */
  #suspects: Suspect[] = []

  constructor(inputs: RenderInputs, recording: Recording, budget: Budget, hidden: ReadonlySet<string>) {
    this.hidden = hidden
    this.#inputs = inputs
    this.#recording = recording
    this.#budget = budget
    this.#keys = inputs.keys === null ? null : new NotedKeys(inputs.keys)
    this.context = new Tracked(inputs.context, sourceOfContext(inputs.context), this, recording.context)
  }

  known(guise: object): Tracked | undefined {
    return this.#known.get(guise)
  }

  /** Whether the helper is not to be given what stands behind this argument. */
  endsAt(helper: Helper, arg: Value): boolean {
    return helper.endsAt?.(this.#show(arg)) === true
  }

  /** `whom`: what is added to a message, as ` (pg1)`. */
  run(helper: Helper, args: readonly Value[], place: Place, whom: () => string): Value {
    this.#suspects = []
    try {
      const result = helper.run(args.map(this.#show), this)
      this.#budget.spend(CALL + sizeOf(result))
      this.#budget.check(place)
      return this.#take(result, helper)
    } catch (error) {
      if (error instanceof Unanswered || error instanceof Stop) throw error
      if (error instanceof HelperError) {
        throw new Stop('failed', place, `${helper.name}${whom()}: ${error.message}${this.#whose(helper)}`)
      }
      // The message of such an error may hold anything.
      const kind = error instanceof Error ? error.name : 'unknown'
      throw new Stop('failed', place, `${helper.name}${whom()}: an error of the router (${kind})`)
    }
  }

  read<T>(name: string, question: (inputs: Readable) => T): T {
    const known = this.#answers.get(name)
    if (known !== undefined) {
      this.#suspects = this.#suspects.concat(known.suspects)
      return known.answer as T
    }
    const suspects: Suspect[] = []
    const keys = this.#keys?.view((suspect) => suspects.push(suspect)) ?? null
    const answer = this.#recording.read(name, question, { keys, env: this.#inputs.env })
    this.#answers.set(name, { answer, suspects })
    this.#suspects = this.#suspects.concat(suspects)
    return answer
  }

  ask(question: Question): Answer {
    const answer = this.#inputs.answers.answerTo(question)
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

  #take(result: unknown, helper: Helper): Value {
    const suspects = this.#suspectsOf(helper)
    if (typeof result === 'string') {
      if (suspects.length === 0 || isSafe(result)) return result
      return new UnsafeText(result, () => originsOf(result, suspects))
    }
    if (typeof result === 'number' && !Number.isFinite(result)) throw new HelperError('the result is no number')
    if (typeof result === 'number' || typeof result === 'boolean') return result
    if (result === null || result === undefined) return null
    if (typeof result !== 'object') throw new TypeError('a helper gave something that is no value')
    return this.#known.get(result) ?? new Tracked(result, madeOf(suspects), this, null)
  }

  /** Whose text could not be quoted, to be put behind what is said of it: ` (the key /db)`. */
  #whose({ unsafe }: Helper): string {
    const origins = unsafe === 'quotes' ? this.#suspects.flatMap((suspect) => suspect.origins) : []
    const keys = new Set(origins.flatMap((origin) => (origin.kind === 'key' ? [origin.what] : [])))
    return keys.size === 0 ? '' : ` (the key ${[...keys].join(', ')})`
  }

  /** Whom the result of a call comes from, as far as that is not to be trusted. */
  #suspectsOf({ name, unsafe }: Helper): readonly Suspect[] {
    switch (unsafe) {
      case 'carries':
        return this.#suspects
      case 'reveals':
        if (this.#suspects.length > 0) return this.#suspects
        return [{ text: '', origins: [{ kind: 'other', what: `what ${name} gives` }] }]
      case 'settles':
      case 'quotes':
        return []
    }
  }
}
