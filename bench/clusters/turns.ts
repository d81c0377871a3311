/** How long the turns of an event loop were at most. Milliseconds. */
export interface Longest {
  readonly turnMs: number
  /** The most that the thread itself worked between two turns of the timer: the machine may have had something else to do. */
  readonly workMs: number
}

const EVERY_MS = 1

/** Measures the turns of this event loop by a timer of 1 ms, which takes some percent of a core itself. */
export class Turns {
  #timer: NodeJS.Timeout | null = null
  #last = 0
  #worked = 0
  #longest: Longest = { turnMs: 0, workMs: 0 }

  /** Begins again from nothing. */
  start(): void {
    this.stop()
    this.#longest = { turnMs: 0, workMs: 0 }
    this.#last = performance.now()
    this.#worked = workedMs()
    this.#timer = setInterval(() => this.#turn(), EVERY_MS)
  }

  /** Ends, and returns the longest since the start. Idempotent. */
  stop(): Longest {
    if (this.#timer === null) return this.#longest
    this.#turn()
    clearInterval(this.#timer)
    this.#timer = null
    return this.#longest
  }

  #turn(): void {
    const [now, worked] = [performance.now(), workedMs()]
    const { turnMs, workMs } = this.#longest
    this.#longest = {
      turnMs: Math.max(turnMs, now - this.#last - EVERY_MS),
      workMs: Math.max(workMs, worked - this.#worked),
    }
    this.#last = now
    this.#worked = worked
  }
}

/** Returns the processor time of this thread so far. */
function workedMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
