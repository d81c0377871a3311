/** What a rendering reads besides the context, and what all of its reading makes it depend on. */
import type { HelperCall, Readable } from './helper.ts'
import { Unanswered } from './stop.ts'
import type { Answer, Question, RenderInputs, Used } from './template.ts'

export class Reading implements HelperCall {
  readonly #inputs: RenderInputs
  /** What has been read, by name. */
  readonly #read = new Map<string, unknown>()
  readonly #answers = new Map<string, { readonly question: Question; readonly answer: string }>()
  /** Keys, or the environment. */
  #readsInputs = false
  #readsLag = false

  constructor(inputs: RenderInputs) {
    this.#inputs = inputs
  }

  /**
   * Returns what the rendering depends on: on each input of which it has read anything, as a whole; on the lag of members,
   * which changes with every check, only if that was read.
   */
  get used(): Used {
    const { context, keys, env } = this.#inputs
    const [readsInputs, readsLag, answers] = [this.#readsInputs, this.#readsLag, [...this.#answers.values()]]
    return {
      isSame: (inputs) =>
        (!readsInputs || (inputs.keys === keys && inputs.env === env)) &&
        answers.every(({ question, answer }) => json(inputs.answers.answerTo(question)) === answer) &&
        isSame(context, inputs.context, readsLag ? null : 'lag'),
    }
  }

  readonly readsLag = (): void => {
    this.#readsLag = true
  }

  read<T>(name: string, question: (inputs: Readable) => T): T {
    this.#readsInputs = true
    if (!this.#read.has(name)) this.#read.set(name, question(this.#inputs))
    return this.#read.get(name) as T
  }

  ask(question: Question): Answer {
    const answer = this.#inputs.answers.answerTo(question)
    if (answer === null) throw new Unanswered(question)
    this.#answers.set(json(question), { question, answer: json(answer) })
    return answer
  }
}

/** Returns whether two contexts are the same, but for a field of each member; null: for none. */
function isSame(one: unknown, other: unknown, but: 'lag' | null): boolean {
  if (one === other) return true
  if (!isObject(one) || !isObject(other)) return Object.is(one, other)
  const names = Object.keys(one)
  if (Array.isArray(one) !== Array.isArray(other) || names.length !== Object.keys(other).length) return false
  for (const name of names) {
    if (name === but) continue
    // A tag may have any name.
    if (!Object.hasOwn(other, name) || !isSame(one[name], other[name], name === 'tags' ? null : but)) return false
  }
  return true
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function json(value: unknown): string {
  return JSON.stringify(value ?? null)
}
