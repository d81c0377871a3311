/**
 * Faults of our own in the parts that the watcher calls: each part's is its own, is reported once, and ends nothing else.
 */
import type { Logger } from 'pino'
import { now } from '../clock.ts'
import { explain } from '../errors.ts'

export interface Fault {
  /** The part that has thrown: a sink, or what the watcher does besides deciding. */
  readonly part: string
  readonly message: string
  /** When it threw first; milliseconds since the epoch. */
  readonly since: number
}

export class Faults {
  readonly #log: Pick<Logger, 'error' | 'info'>
  readonly #lasting = new Map<string, Fault>()

  constructor(log: Pick<Logger, 'error' | 'info'>) {
    this.#log = log
  }

  /** Returns those that last: the part threw when it was called last. */
  get lasting(): readonly Fault[] {
    return [...this.#lasting.values()]
  }

  /**
   * Calls `part`, and returns whether it has not thrown. Logs when that begins to fail and when it is over. Never throws.
   */
  call(part: string, task: () => void): boolean {
    try {
      task()
    } catch (cause) {
      this.#begin(part, cause)
      return false
    }
    if (this.#lasting.delete(part)) this.#log.info({ event: 'fault-over', part }, `${part}: works again`)
    return true
  }

  #begin(part: string, cause: unknown): void {
    const message = explain(cause)
    const since = this.#lasting.get(part)?.since
    this.#lasting.set(part, { part, message, since: since ?? now() })
    if (since !== undefined) return
    const text = `${part}: an unexpected error, please report it: ${message}`
    this.#log.error({ event: 'fault', part, err: cause }, text)
  }
}
