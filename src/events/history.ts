/**
 * The history of a router: the last events, as the lines that the log has of them, and milestones that are not in the log. Bounded.
 * Readers pull: a slow one costs nothing, and finds out what it has missed.
 */

/** An event as it is kept: a line of pino's JSON, parsed only when it is shown (`event.ts`). */
export interface Kept {
  /** Grows from one event to the next, also over restarts. Within a run it grows by 1. */
  readonly seq: number
  readonly line: string
}

export interface HistoryLimits {
  readonly events: number
  readonly bytes: number
}

/** A day of a cluster that switches over every minute; a quiet one takes months to fill it. */
const LIMITS: HistoryLimits = { events: 10_000, bytes: 8 * 1024 * 1024 }

/** A run begins with the time of its start in milliseconds times this: more than it can log in a millisecond. */
const SEQ_PER_MS = 1000

/** How many that were dropped stay in the list at most before it is cut. */
const MAX_DROPPED = 256

export class History {
  readonly #limits: HistoryLimits
  #events: (Kept & { readonly bytes: number })[] = []
  /** All before it were dropped. */
  #head = 0
  #bytes = 0
  #next: number
  #droppedUpTo = 0
  readonly #listeners = new Set<() => void>()

  /** `startedAt`: milliseconds since the epoch. */
  constructor(limits: HistoryLimits = LIMITS, startedAt = Date.now()) {
    this.#limits = limits
    this.#next = startedAt * SEQ_PER_MS
  }

  /** Returns the number of the newest event; 0: there is none. */
  get newest(): number {
    return this.#events.at(-1)?.seq ?? 0
  }

  /** Adds an event. Of those that no longer fit the oldest are dropped; the newest always stays. */
  add(line: string): void {
    this.#push({ seq: this.#next++, line })
    for (const listener of this.#listeners) listener()
  }

  /** Puts the events of earlier runs, in their order, before those of this one, which get new numbers if the clock was set back. */
  restore(earlier: readonly Kept[]): void {
    const own = this.#events.slice(this.#head)
    const last = earlier.at(-1)?.seq ?? 0
    const first = own[0]?.seq ?? this.#next
    const shift = Math.max(0, last + 1 - first)
    this.#events = []
    this.#head = 0
    this.#bytes = 0
    for (const each of earlier) this.#push(each)
    for (const { seq, line } of own) this.#push({ seq: seq + shift, line })
    this.#next += shift
  }

  /**
   * Returns the oldest events behind number `seq`, `max` at most. `hasMissed`: others were there, and were dropped. A number that is
   * yet to come is one of a run whose clock was ahead: then all are returned.
   */
  after(seq: number, max: number): { readonly events: readonly Kept[]; readonly hasMissed: boolean } {
    const from = seq >= this.#next ? this.#head : this.#placeAfter(seq)
    return { events: this.#events.slice(from, from + max), hasMissed: seq > 0 && seq < this.#droppedUpTo }
  }

  /** Calls `listener` with each event that is added, until the returned function is called. */
  onAdded(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Resolves when there is an event behind number `seq`, or when `signal` aborts. */
  async beyond(seq: number, signal: AbortSignal): Promise<void> {
    if (this.newest > seq || signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<undefined>()
    const wake = (): void => resolve(undefined)
    const forget = this.onAdded(wake)
    signal.addEventListener('abort', wake, { once: true })
    await promise
    forget()
    signal.removeEventListener('abort', wake)
  }

  #push({ seq, line }: Kept): void {
    const bytes = Buffer.byteLength(line)
    this.#events.push({ seq, line, bytes })
    this.#bytes += bytes
    while (this.#isOverLimit()) this.#drop()
    if (this.#head <= MAX_DROPPED) return
    this.#events = this.#events.slice(this.#head)
    this.#head = 0
  }

  #isOverLimit(): boolean {
    const count = this.#events.length - this.#head
    return count > 1 && (count > this.#limits.events || this.#bytes > this.#limits.bytes)
  }

  #drop(): void {
    const dropped = this.#events[this.#head++]
    this.#bytes -= dropped?.bytes ?? 0
    this.#droppedUpTo = dropped?.seq ?? this.#droppedUpTo
  }

  /** Returns the index of the first event behind number `seq`. */
  #placeAfter(seq: number): number {
    let low = this.#head
    let high = this.#events.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#events[middle]?.seq ?? Infinity) <= seq) low = middle + 1
      else high = middle
    }
    return low
  }
}
