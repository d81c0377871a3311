/** The sessions of one route: who they belong to, so that exactly those can be ended. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Session } from './session.ts'
import type { Target } from './route.ts'

/** Servers that are told at a time. */
const SLICE = 100

export interface Closing {
  /** How many, by member. */
  readonly closed: ReadonlyMap<string, number>
  /** Resolves when the servers' sides are closed as well. */
  readonly done: Promise<void>
}

interface Entry {
  readonly target: Target
  readonly session: Session
}

export class Sessions {
  readonly #entries = new Set<Entry>()

  get size(): number {
    return this.#entries.size
  }

  /** Keeps the session until it has ended. */
  add(target: Target, session: Session): void {
    const entry = { target, session }
    this.#entries.add(entry)
    void session.ended.then(() => this.#entries.delete(entry))
  }

  /**
   * Closes those whose target matches: the clients' sides before this returns, the servers' sides after all of those. A
   * thousand backends that are told in between take the processor away from who still has clients to cut off.
   */
  close(matches: (target: Target) => boolean): Closing {
    const entries = [...this.#entries].filter(({ target }) => matches(target))
    const closed = new Map<string, number>()
    for (const entry of entries) {
      this.#entries.delete(entry)
      entry.session.cutOff()
      closed.set(entry.target.member, (closed.get(entry.target.member) ?? 0) + 1)
    }
    return { closed, done: tellServers(entries) }
  }

  /** Closes all of them, both sides, before this returns. */
  destroy(): void {
    const entries = [...this.#entries]
    this.#entries.clear()
    for (const { session } of entries) session.destroy()
  }

  countByMember(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { target } of this.#entries) counts.set(target.member, (counts.get(target.member) ?? 0) + 1)
    return counts
  }

  /** The distinct targets that have sessions. */
  targets(): readonly Target[] {
    return [...new Map([...this.#entries].map(({ target }) => [JSON.stringify(target.address), target])).values()]
  }
}

async function tellServers(entries: readonly Entry[]): Promise<void> {
  for (let index = 0; index < entries.length; index += SLICE) {
    await nextTurn()
    for (const { session } of entries.slice(index, index + SLICE)) session.destroy()
  }
}
