/**
 * Notices that the process stood still: it was stopped, its host was suspended, its virtual machine was paused and its clock set
 * since, or its event loop was blocked. Its view of the cluster is then as old as that lasted.
 */
import { now } from './clock.ts'

/** From one look at the clocks to the next. Milliseconds. */
const TICK_MS = 250

/** A loop that is merely busy turns more often. Milliseconds. */
const LEAST_MS = 1000

export class Standstill {
  readonly #onOver: () => void
  #timer: NodeJS.Timeout | null = null
  #turned = clocks()

  /** `onOver`: called in the first timers after it, so before any timer that begins then. */
  constructor(onOver: () => void = () => undefined) {
    this.#onOver = onOver
  }

  /** Begins to watch the clocks. Keeps no process running. */
  start(): void {
    this.#turned = clocks()
    this.#timer ??= setInterval(() => {
      const isOver = this.isOver
      this.#turned = clocks()
      if (isOver) this.#onOver()
    }, TICK_MS).unref()
  }

  /** Returns whether the process has just stood still, and `onOver` has not been called yet. */
  get isOver(): boolean {
    return this.#timer !== null && clocks().some((time, index) => time - (this.#turned[index] ?? 0) >= LEAST_MS)
  }

  /** Ends it. Idempotent. */
  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }
}

/** Returns the time by the clock that never jumps, which does not count a suspended host, and by the one that is set afterwards. */
function clocks(): readonly number[] {
  return [now(), Date.now()]
}
