/** What a rendering has read, over all its rounds: whether another one would read the same. */
import type { Answer, Question, RenderInputs, Used } from './render.ts'
import { Reads } from './tracked.ts'

interface Asked {
  readonly question: (inputs: RenderInputs) => unknown
  /** As JSON. */
  readonly answer: string
}

export class Recording implements Used {
  readonly context: Reads
  readonly #asked: Asked[] = []
  readonly #facts = new Map<string, { readonly question: Question; readonly answer: string }>()

  constructor({ context }: RenderInputs) {
    this.context = new Reads(context)
  }

  /** A helper's question to the inputs. `seen`: the inputs as it is to see them now. */
  read<T>(question: (inputs: RenderInputs) => T, seen: RenderInputs): T {
    try {
      const answer = question(seen)
      this.#asked.push({ question, answer: json(answer) })
      return answer
    } catch (error) {
      this.#asked.push({ question, answer: THROWN })
      throw error
    }
  }

  fact(question: Question, answer: Answer): void {
    this.#facts.set(json(question), { question, answer: json(answer) })
  }

  isSame(inputs: RenderInputs): boolean {
    return (
      this.context.isSame(inputs.context) &&
      [...this.#facts.values()].every(({ question, answer }) => json(inputs.facts.answerTo(question)) === answer) &&
      this.#asked.every(({ question, answer }) => answerOf(question, inputs) === answer)
    )
  }
}

/** No JSON begins like this. */
const THROWN = '!'

function answerOf(question: (inputs: RenderInputs) => unknown, inputs: RenderInputs): string {
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
