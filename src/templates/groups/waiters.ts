/** Those who wait until changes have arrived where they are of use. */

interface Waiter {
  /** The count of changes that it waits for. */
  readonly target: number
  readonly resolve: (nothing: undefined) => void
}

export class Waiters {
  #changes = 0
  readonly #waiting = new Set<Waiter>()

  /** How many changes there were. */
  get changes(): number {
    return this.#changes
  }

  change(): void {
    this.#changes++
  }

  /** All changes up to the one of this number are done. */
  done(upTo: number): void {
    for (const waiter of this.#waiting) if (waiter.target <= upTo) waiter.resolve(undefined)
  }

  /** Resolves when all changes until now are done. Rejects with the reason of `signal`. */
  async wait(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const waiter = { target: this.#changes, resolve }
    const aborted = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', aborted, { once: true })
    this.#waiting.add(waiter)
    try {
      await promise
    } finally {
      this.#waiting.delete(waiter)
      signal.removeEventListener('abort', aborted)
    }
  }
}
