/** Lets so many in at a time; the others wait, first come, first served. */
export class Semaphore {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(limit: number) {
    this.#free = limit
  }

  /** Runs `work` when it is its turn; not at all where `signal` aborts before that. Rejects as `work` does. */
  async run(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    if (this.#free > 0) this.#free--
    else if (!(await this.#turn(signal))) return
    try {
      await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free++
      else next()
    }
  }

  /** Resolves with whether its turn came before `signal` aborted. */
  async #turn(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const go = (): void => resolve(true)
    const onAbort = (): void => {
      const index = this.#waiting.indexOf(go)
      if (index >= 0) this.#waiting.splice(index, 1)
      // One whose turn has come already passes on.
      resolve(false)
    }
    this.#waiting.push(go)
    signal.addEventListener('abort', onAbort, { once: true })
    return promise.finally(() => signal.removeEventListener('abort', onAbort))
  }
}
