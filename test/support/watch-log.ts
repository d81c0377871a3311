import { setTimeout as sleep } from 'node:timers/promises'
import { clock } from './until.ts'

/** One event of a watch; `at` in milliseconds since the epoch, when it arrived here. */
export type WatchEvent = {
  readonly at: number
  readonly type: 'put' | 'delete'
  readonly key: string
  readonly value: string
  /** The position in the DCS's own counting. */
  readonly modRevision: number
}

/** Records events until the DCS ends the stream or `signal` does; called again then, so it knows where to go on. */
type Follow = (log: WatchLog, signal: AbortSignal) => Promise<void>

/** What happened to some keys of a DCS since it was made. Survives a DCS that goes away and comes back. */
export class WatchLog {
  readonly events: WatchEvent[] = []
  /** Resolves when the DCS has accepted the watch. */
  readonly established: Promise<void>
  readonly #established = Promise.withResolvers<undefined>()
  readonly #closing = new AbortController()
  readonly #done: Promise<void>

  constructor(follow: Follow) {
    this.established = this.#established.promise
    this.#done = this.#follow(follow)
  }

  /** The first event at or after `sinceMs` that fits. */
  find(fits: (event: WatchEvent) => boolean, sinceMs = 0): WatchEvent | undefined {
    return this.events.find((event) => event.at >= sinceMs && fits(event))
  }

  /** For who follows: the DCS has accepted the watch. */
  accepted(): void {
    this.#established.resolve(undefined)
  }

  /** For who follows: adds an event that has just arrived. */
  record(event: Omit<WatchEvent, 'at'>): void {
    this.events.push({ at: clock(), ...event })
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#done
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #follow(follow: Follow): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        await follow(this, signal)
      } catch {
        // The DCS is away, or we are closing.
      }
      // A test that has failed may not have closed it: that keeps no process, once its DCS is gone.
      await sleep(50, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }
}
