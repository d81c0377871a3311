/** Has something done soon, and not too often. */
export class Pace {
  readonly #run: () => void
  #timer: NodeJS.Timeout | null = null
  #doneAt = -Infinity

  constructor(run: () => void) {
    this.#run = run
  }

  /** Has it done once more, `pauseMs` after the last time. */
  soon(pauseMs: number): void {
    if (this.#timer !== null) return
    const wait = this.#doneAt + pauseMs - performance.now()
    if (wait <= 0) this.atOnce()
    else this.#timer = setTimeout(() => this.atOnce(), wait)
  }

  /** Has it done once more, `pauseMs` after the last time, and not before the next turn of the event loop. */
  later(pauseMs: number): void {
    const wait = Math.max(0, this.#doneAt + pauseMs - performance.now())
    this.#timer ??= setTimeout(() => this.atOnce(), wait)
  }

  /** Does it now. */
  atOnce(): void {
    this.close()
    this.#run()
    this.#doneAt = performance.now()
  }

  /** Does now what was to be done soon. */
  finish(): void {
    if (this.#timer !== null) this.atOnce()
  }

  /** Forgets what was to be done. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }
}
