/** So many tasks begin in one turn of the event loop: what they do at first must not block it. */
const IN_ONE_TURN = 8

/** Lets so many tasks run at a time, and the others wait for their turn, in order. */
export class Limiter {
  #free: number
  readonly #waiting = new Set<() => void>()
  /** How many have begun in this turn of the event loop. */
  #begun = 0

  constructor(atOnce: number) {
    this.#free = atOnce
  }

  /** Runs `task` when it is its turn; not at all where `signal` aborts before. */
  async run(task: () => Promise<void>, signal: AbortSignal): Promise<void> {
    await this.#turn(signal)
    try {
      if (!signal.aborted) await task()
    } finally {
      this.#free++
      this.#next()
    }
  }

  /** Waits for the turn, or takes it as one that is given up. */
  async #turn(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    const start = (): void => {
      if (!this.#waiting.delete(start)) return
      this.#free--
      resolve(undefined)
    }
    signal.addEventListener('abort', start, { once: true })
    this.#waiting.add(start)
    if (signal.aborted) start()
    else this.#next()
    await promise
    signal.removeEventListener('abort', start)
  }

  #next(): void {
    if (this.#free <= 0 || this.#begun >= IN_ONE_TURN) return
    const [first] = this.#waiting
    if (first === undefined) return
    if (this.#begun++ === 0) setImmediate(() => this.#nextTurn())
    first()
  }

  #nextTurn(): void {
    this.#begun = 0
    for (let left = Math.min(this.#free, this.#waiting.size); left > 0; left--) this.#next()
  }
}
