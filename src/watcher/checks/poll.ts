/** Asks one question at an interval. */

export interface PollOptions {
  /** Asks once. Must not reject, and must end soon after `signal` aborts. */
  readonly ask: (signal: AbortSignal) => Promise<void>
  /** 0..1; spreads the questions of many routers. */
  readonly random: () => number
}

/** Between an answer that took longer than the interval and the next question. */
const MIN_PAUSE_MS = 10

/** A question with an interval that may change at any time. At most one is under way. */
export class Poll {
  readonly #options: PollOptions
  #intervalMs: number | null = null
  #timer: NodeJS.Timeout | null = null
  #asking: AbortController | null = null
  #askedAt = 0

  constructor(options: PollOptions) {
    this.#options = options
  }

  /**
   * Sets the time from one question to the next, in milliseconds; null stops. A shorter one takes effect at once.
   * `changed`: the subject of the question is different now, so a question under way is given up and asked again.
   */
  every(intervalMs: number | null, changed: boolean): void {
    const before = this.#intervalMs
    this.#intervalMs = intervalMs
    if (intervalMs === null || changed) this.#stop()
    if (intervalMs === null) return
    if (before === null || changed) this.#ask()
    else if (this.#asking === null && intervalMs < before) this.#schedule()
  }

  #ask(): void {
    const controller = new AbortController()
    this.#asking = controller
    this.#askedAt = performance.now()
    const done = (): void => {
      if (this.#asking !== controller) return
      this.#asking = null
      this.#schedule()
    }
    // A question must not reject: if it does, that is logged as a fault, and the next one follows.
    void this.#options.ask(controller.signal).finally(done)
  }

  #schedule(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#intervalMs === null) return
    // A tenth of jitter, so that routers started together do not ask together for ever.
    const period = this.#intervalMs * (0.95 + 0.1 * this.#options.random())
    const pause = Math.max(MIN_PAUSE_MS, this.#askedAt + period - performance.now())
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#ask()
    }, pause)
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#asking?.abort()
    this.#asking = null
  }
}
