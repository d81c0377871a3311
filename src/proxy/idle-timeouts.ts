/** Ends what has been idle for too long. It looks in coarse steps at how much has passed, so that a packet costs nothing. */

/** Steps of one timeout: an end comes later than the timeout by two of them at most. */
const STEPS = 32

export interface Watched {
  /** A number that changes when bytes pass. */
  readonly progress: number
  /** Ends it. Called once at most, when the number has not changed for the timeout. */
  expired(): void
}

interface Seen {
  progress: number
  /** In which it has changed last. */
  step: number
}

class IdleTimeout {
  readonly #stepMs: number
  readonly #watched = new Map<Watched, Seen>()
  #timer: NodeJS.Timeout | null = null
  #step = 0

  constructor(timeoutMs: number) {
    this.#stepMs = Math.ceil(timeoutMs / STEPS)
  }

  watch(watched: Watched): void {
    // The present step has begun earlier, and does not count.
    this.#watched.set(watched, { progress: watched.progress, step: this.#step + 1 })
    this.#timer ??= setInterval(() => this.#look(), this.#stepMs)
  }

  forget(watched: Watched): void {
    this.#watched.delete(watched)
    if (this.#watched.size > 0 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }

  #look(): void {
    this.#step++
    for (const [watched, seen] of this.#watched) {
      const { progress } = watched
      if (progress !== seen.progress) {
        seen.progress = progress
        seen.step = this.#step
      } else if (this.#step - seen.step >= STEPS) {
        this.forget(watched)
        watched.expired()
      }
    }
  }
}

/** The idle timeouts of an event loop. */
export class IdleTimeouts {
  readonly #timeouts = new Map<number, IdleTimeout>()

  /** Watches until it has expired, or the function that is returned is called; for ever where `timeoutMs` is 0. */
  watch(timeoutMs: number, watched: Watched): () => void {
    if (timeoutMs === 0) return forEver
    const timeout = this.#timeouts.get(timeoutMs) ?? new IdleTimeout(timeoutMs)
    this.#timeouts.set(timeoutMs, timeout)
    timeout.watch(watched)
    return () => timeout.forget(watched)
  }
}

function forEver(): void {
  // There is no timeout to end.
}
