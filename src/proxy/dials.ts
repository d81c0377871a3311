/** The dials of one route that are under way: whom they are for, so that exactly those can be given up. */
import type { Target } from './route.ts'

export class Dials {
  readonly #underWay = new Map<AbortController, Target>()

  /** Notes a dial of `target`; `end` is to be called when it has a result. `signal` aborts when it is given up. */
  begin(target: Target): { readonly signal: AbortSignal; readonly end: () => void } {
    const abort = new AbortController()
    this.#underWay.set(abort, target)
    return { signal: abort.signal, end: () => void this.#underWay.delete(abort) }
  }

  /** Gives up those whose target matches, at once. */
  abandon(matches: (target: Target) => boolean): void {
    for (const [abort, target] of this.#underWay) if (matches(target)) abort.abort()
  }
}
