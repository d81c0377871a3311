/** Counts sessions, and what they are measured by: nothing is kept of each. */
import { Rate } from './rate.ts'
import type { Traffic } from './traffic.ts'

/** Averages are those of about so many sessions (HAProxy's `TIME_STATS_SAMPLES`). */
const SAMPLES = 1024

/** A session that begins. */
export interface Begun {
  /** Milliseconds; 0: its client was not held. */
  readonly heldMs: number
  /** Milliseconds. */
  readonly connectMs: number
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** A mean that forgets: exact up to `SAMPLES` values, then of about the last so many. */
class Average {
  #samples = 0
  #value = 0

  add(value: number): void {
    if (this.#samples < SAMPLES) this.#samples++
    this.#value += (value - this.#value) / this.#samples
  }

  get value(): number {
    return this.#value
  }
}

export class SessionMeter {
  #open = 0
  #maxOpen = 0
  #total = 0
  #lastAt: number | null = null
  readonly #rate = new Rate()
  readonly #held = new Average()
  readonly #connect = new Average()
  readonly #session = new Average()

  began({ heldMs, connectMs, at }: Begun): void {
    this.#open++
    if (this.#open > this.#maxOpen) this.#maxOpen = this.#open
    this.#total++
    this.#lastAt = at
    this.#rate.add(at)
    this.#held.add(heldMs)
    this.#connect.add(connectMs)
  }

  /** Notes that one counts no longer: it has ended, or is being closed. */
  left(): void {
    this.#open--
  }

  /** Notes how long one has taken in all. Milliseconds. */
  ended(durationMs: number): void {
    this.#session.add(durationMs)
  }

  get open(): number {
    return this.#open
  }

  get total(): number {
    return this.#total
  }

  /** Returns all but the bytes. `at`: now; milliseconds since the epoch. */
  at(at: number): Omit<Traffic, 'bytesIn' | 'bytesOut'> {
    return {
      sessions: this.#open,
      maxSessions: this.#maxOpen,
      totalSessions: this.#total,
      rate: this.#rate.at(at),
      maxRate: this.#rate.max,
      lastSessionAt: this.#lastAt,
      averageHeldMs: this.#held.value,
      averageConnectMs: this.#connect.value,
      averageSessionMs: this.#session.value,
    }
  }
}
