/** What a rendering has read, over all its rounds: whether another one would read the same. */
import type { Readable } from './helper.ts'
import type { Answer, Question, RenderInputs, Used } from './template.ts'
import { Reads } from './tracked.ts'

interface Asked {
  readonly question: (inputs: Readable) => unknown
  /** As JSON. */
  readonly answer: string
}

export class Recording implements Used {
  readonly context: Reads
  readonly #asked = new Map<string, Asked>()
  /** Of which all answers are known to be the same. */
  #readable: Readable
  readonly #facts = new Map<string, { readonly question: Question; readonly answer: string }>()

  constructor({ context, keys, env }: RenderInputs) {
    this.context = new Reads(context)
    this.#readable = { keys, env }
  }

  /** A helper's question to the inputs. `seen`: the inputs as it is to see them now. */
  read<T>(name: string, question: (inputs: Readable) => T, seen: Readable): T {
    try {
      const answer = question(seen)
      this.#asked.set(name, { question, answer: json(answer) })
      return answer
    } catch (error) {
      this.#asked.set(name, { question, answer: THROWN })
      throw error
    }
  }

  fact(question: Question, answer: Answer): void {
    this.#facts.set(json(question), { question, answer: json(answer) })
  }

  isSame(inputs: RenderInputs): boolean {
    return (
      this.context.isSame(inputs.context) &&
      [...this.#facts.values()].every(({ question, answer }) => json(inputs.answers.answerTo(question)) === answer) &&
      this.#answersAreSame(inputs)
    )
  }

  /** Views come by the second, and keys by the thousand: of the same keys nothing is asked again. */
  #answersAreSame({ keys, env }: RenderInputs): boolean {
    if (keys === this.#readable.keys && env === this.#readable.env) return true
    const readable = { keys, env }
    for (const { question, answer } of this.#asked.values()) if (answerOf(question, readable) !== answer) return false
    this.#readable = readable
    return true
  }
}

/** No JSON begins like this. */
const THROWN = '!'

function answerOf(question: (inputs: Readable) => unknown, inputs: Readable): string {
  try {
    return json(question(inputs))
  } catch {
    // What was thrown before is thrown again, or will be when the template is rendered.
    return THROWN
  }
}

function json(value: unknown): string {
  return JSON.stringify(value ?? null)
}
