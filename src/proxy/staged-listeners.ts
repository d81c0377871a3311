/** The listeners of the next configuration whose addresses are bound before it takes effect. */
import { isDeepStrictEqual } from 'node:util'
import type { Bind, ListenerConfig } from '../config/config.ts'
import type { ControlledListener } from './controlled-listener.ts'
import type { WorkerLink } from './worker-link.ts'

interface Staged {
  readonly listener: ControlledListener
  /** It is there already, on other addresses. */
  readonly isPresent: boolean
}

export class StagedListeners {
  readonly #build: (config: ListenerConfig) => ControlledListener
  readonly #link: WorkerLink
  readonly #staged = new Map<string, Staged>()

  /** `build`: makes a listener that the worker does not have yet. */
  constructor(build: (config: ListenerConfig) => ControlledListener, link: WorkerLink) {
    this.#build = build
    this.#link = link
  }

  all(): readonly ControlledListener[] {
    return [...this.#staged.values()].map(({ listener }) => listener)
  }

  /**
   * Binds what the listener does not have yet. `present`: the listener that takes this configuration; null: a new one is built.
   * Rejects with what is wrong; addresses that are in use by this process itself (`isOwn`) are left for later.
   */
  async add(config: ListenerConfig, present: ControlledListener | null, isOwn: (bind: Bind) => boolean): Promise<void> {
    if (present !== null && isDeepStrictEqual(present.config.binds, config.binds)) return
    const staged = { listener: present ?? this.#begin(config), isPresent: present !== null }
    this.#staged.set(config.name, staged)
    try {
      await staged.listener.stage(config.binds, config.binds.filter(isOwn))
    } catch (error) {
      this.#staged.delete(config.name)
      this.#discard(staged)
      throw error
    }
  }

  /** Builds a listener without any address. */
  #begin(config: ListenerConfig): ControlledListener {
    const listener = this.#build({ ...config, binds: [] })
    listener.configure(listener.config)
    return listener
  }

  /** Hands over the listener with this name, to be configured; null: there is none. */
  take(name: string): ControlledListener | null {
    const { listener = null } = this.#staged.get(name) ?? {}
    this.#staged.delete(name)
    return listener
  }

  /** Gives up all of them. Idempotent. */
  discard(): void {
    for (const staged of this.#staged.values()) this.#discard(staged)
    this.#staged.clear()
  }

  #discard({ listener, isPresent }: Staged): void {
    if (isPresent) {
      listener.unstage()
      return
    }
    const why = `the listener ${listener.config.name} is not in use`
    // None of its clients has a session.
    void this.#link.ask({ type: 'drain', ids: [listener.id], why, isLast: true }).catch(() => undefined)
  }
}
