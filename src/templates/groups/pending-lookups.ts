/** Looks for answers beside the passes of a group: a slow DNS must not keep a new leader out of a file. */
import { MAX_TIMER_MS, within } from '../../clock.ts'
import type { LookupCache } from '../lookup-cache.ts'
import type { LookupAnswers, Question } from '../engine/template.ts'

export interface PendingLookupsDeps {
  /** There may be other answers now. */
  readonly answered: () => void
  readonly fault: (error: unknown) => void
  readonly signal: AbortSignal
  /** Where the answers are kept. */
  readonly cache: LookupCache
}

export class PendingLookups {
  readonly #deps: PendingLookupsDeps
  readonly #cache: LookupCache
  readonly #underWay = new Set<Promise<void>>()
  /** What is being asked. */
  readonly #asked = new Set<string>()

  constructor(deps: PendingLookupsDeps) {
    this.#deps = deps
    this.#cache = deps.cache
  }

  get answers(): LookupAnswers {
    return this.#cache.answers
  }

  /** Returns whether something that was asked is not answered yet. */
  get isAsking(): boolean {
    return this.#asked.size > 0
  }

  /** Asks, but not twice what is being asked already; nothing waits for another's answer. */
  ask(questions: readonly Question[]): void {
    const fresh = questions.filter((question) => !this.#asked.has(JSON.stringify(question)))
    if (fresh.length === 0) return
    const keys = fresh.map((question) => JSON.stringify(question))
    for (const key of keys) this.#asked.add(key)
    this.#look(async () => {
      await this.#cache.answer(fresh, this.#deps.signal)
      for (const key of keys) this.#asked.delete(key)
    })
  }

  /** Resolves when what is asked now has been answered, and when `signal` aborts. */
  async answered(signal: AbortSignal): Promise<void> {
    await within(this.ended(), MAX_TIMER_MS, signal)
  }

  /** Asks again what was ever asked. */
  refresh(): void {
    this.#look(() => this.#cache.refresh(this.#deps.signal))
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
