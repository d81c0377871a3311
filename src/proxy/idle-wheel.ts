/** Finds what has been idle for too long. It looks in coarse steps, so that a packet costs no timer. */

/** Steps of one timeout: an end comes later than the timeout by two of them at most. */
const STEPS = 32

/** What is watched, until it has expired or `end` is called. */
export class Watched {
  readonly #wheel: IdleWheel
  readonly expired: () => void
  /** The step in which bytes passed last. */
  activeIn: number
  slot: Set<Watched> | null = null

  constructor(wheel: IdleWheel, expired: () => void) {
    this.#wheel = wheel
    this.expired = expired
    this.activeIn = wheel.step
  }

  /** Notes that bytes pass. */
  touch(): void {
    this.activeIn = this.#wheel.step
  }

  /** Ends the watch. Idempotent. */
  end(): void {
    this.#wheel.forget(this)
  }
}

export class IdleWheel {
  readonly #stepMs: number
  /** By the step, modulo their number, in which they are looked at. */
  readonly #slots: readonly Set<Watched>[] = Array.from({ length: STEPS + 2 }, () => new Set<Watched>())
  #size = 0
  #timer: NodeJS.Timeout | null = null
  /** The present step; steps only pass while something is watched. */
  step = 0

  constructor(timeoutMs: number) {
    this.#stepMs = Math.ceil(timeoutMs / STEPS)
  }

  /** Calls `expired`, once, when `touch` has not been called for the timeout. */
  watch(expired: () => void): Watched {
    const watched = new Watched(this, expired)
    this.#put(watched)
    this.#size++
    this.#timer ??= setInterval(() => this.#turn(), this.#stepMs)
    return watched
  }

  /** Watches it no longer. Idempotent. */
  forget(watched: Watched): void {
    if (watched.slot?.delete(watched) !== true) return
    watched.slot = null
    this.#size--
    if (this.#size > 0 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }

  #turn(): void {
    this.step++
    for (const watched of [...(this.#slots[this.step % this.#slots.length] ?? [])]) {
      if (watched.slot === null) continue
      if (watched.activeIn + STEPS >= this.step) {
        watched.slot.delete(watched)
        this.#put(watched)
      } else {
        this.forget(watched)
        watched.expired()
      }
    }
  }

  /** Looks at it again when the timeout has passed in full: the step in which it was active last does not count. */
  #put(watched: Watched): void {
    const slot = this.#slots[(watched.activeIn + STEPS + 1) % this.#slots.length]
    slot?.add(watched)
    watched.slot = slot ?? null
  }
}

/** The wheels of an event loop, one for each timeout. */
export class IdleWheels {
  readonly #wheels = new Map<number, IdleWheel>()

  /** Watches for a time without a byte; null where `timeoutMs` is 0: for ever. */
  watch(timeoutMs: number, expired: () => void): Watched | null {
    if (timeoutMs === 0) return null
    const wheel = this.#wheels.get(timeoutMs) ?? new IdleWheel(timeoutMs)
    this.#wheels.set(timeoutMs, wheel)
    return wheel.watch(expired)
  }
}
