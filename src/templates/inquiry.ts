/** Looks for answers beside the passes of a group: a slow DNS must not keep a new leader out of a file. */
import { FactBook } from './facts.ts'
import type { Facts, Question } from './render.ts'

export interface InquiryDeps {
  /** There may be other answers now. */
  readonly answered: () => void
  readonly fault: (error: unknown) => void
  readonly signal: AbortSignal
}

export class Inquiry {
  readonly #deps: InquiryDeps
  readonly #book = new FactBook()
  readonly #underWay = new Set<Promise<void>>()
  #isAsking = false

  constructor(deps: InquiryDeps) {
    this.#deps = deps
  }

  get facts(): Facts {
    return this.#book.facts
  }

  /** What was asked is not answered yet. */
  get isAsking(): boolean {
    return this.#isAsking
  }

  /** Whoever asks has to ask again once something is answered: in the meantime nothing more is looked for. */
  ask(questions: readonly Question[]): void {
    if (this.#isAsking) return
    this.#isAsking = true
    this.#look(async () => {
      await this.#book.answer(questions, this.#deps.signal)
      this.#isAsking = false
    })
  }

  /** Asks again what was ever asked. */
  refresh(): void {
    this.#look(() => this.#book.refresh(this.#deps.signal))
  }

  /** Resolves when nothing is looked for any more, soon after the signal. */
  async ended(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  #look(look: () => Promise<void>): void {
    const { answered, fault } = this.#deps
    const looking = look()
      .then(answered)
      .catch(fault)
      .finally(() => this.#underWay.delete(looking))
    this.#underWay.add(looking)
  }
}
