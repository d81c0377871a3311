/** The status of the router for many requests: it is made anew 50 times a second at most, and after each act. */
import type { RouterStatus } from '../status.ts'
import type { Acts } from '../acts.ts'
import type { HttpSources } from './context.ts'

/** Milliseconds. */
const FRESH_MS = 20

export class StatusMemo {
  readonly sources: HttpSources
  readonly #make: () => RouterStatus
  #last: { readonly at: number; readonly status: RouterStatus } | null = null

  constructor(sources: HttpSources) {
    this.#make = sources.status
    this.sources = { ...sources, status: () => this.#status(), acts: sources.acts && this.#forgetting(sources.acts) }
  }

  #status(): RouterStatus {
    const at = performance.now()
    if (this.#last === null || at - this.#last.at >= FRESH_MS) this.#last = { at, status: this.#make() }
    return this.#last.status
  }

  /** Returns acts after each of which the status is made anew. */
  #forgetting(acts: Acts): Acts {
    const after = async <T>(act: Promise<T>): Promise<T> => act.finally(() => (this.#last = null))
    return {
      setMember: (...args) => after(acts.setMember(...args)),
      hold: (...args) => after(acts.hold(...args)),
      release: (...args) => after(acts.release(...args)),
      sessions: (...args) => acts.sessions(...args),
      closeSessions: (...args) => after(acts.closeSessions(...args)),
      limitListener: (...args) => after(acts.limitListener(...args)),
    }
  }
}
