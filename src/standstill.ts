/**
 * Notices that the process stood still: it was stopped, its virtual machine was paused, or its event loop was blocked. Its view of
 * the cluster is then as old as that lasted.
 */
import { now } from './clock.ts'

/** From one look at the clock to the next. Milliseconds. */
const TICK_MS = 250

/** A loop that is merely busy turns more often. Milliseconds. */
const LEAST_MS = 1000

export class Standstill {
  readonly #onOver: () => void
  #timer: NodeJS.Timeout | null = null
  #turnedAt = 0

  /** `onOver`: called in the first timers after it, so before any timer that begins then. */
  constructor(onOver: () => void = () => undefined) {
    this.#onOver = onOver
  }

  /** Begins to watch the clock. Keeps no process running. */
  start(): void {
    this.#turnedAt = now()
    this.#timer ??= setInterval(() => {
      const isOver = this.isOver
      this.#turnedAt = now()
      if (isOver) this.#onOver()
    }, TICK_MS).unref()
  }

  /** Returns whether the process has just stood still, and `onOver` has not been called yet. */
  get isOver(): boolean {
    return this.#timer !== null && now() - this.#turnedAt >= LEAST_MS
  }

  /** Ends it. Idempotent. */
  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }
}
