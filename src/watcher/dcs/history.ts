/**
 * How far a DCS has been seen in its history, over all endpoints: a history that goes back was restored from a backup.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { RouterError } from '../../errors.ts'

/** Positions of one kind of DCS: an etcd cluster with its revision, an index of Consul. */
export interface Order<P> {
  /** Returns whether it is before, or of another history. */
  isOlder(position: P, seen: P): boolean
  isNewer(position: P, seen: P): boolean
  /** Returns a position for people: `revision 12`. */
  show(position: P): string
}

export interface IntervalRead<P, R extends P> {
  readonly intervalMs: number
  /** Ends it. */
  readonly closed: AbortSignal
  /** Reads with certainty, within a time of its own: what the watch keeps silent about shows there. */
  readonly read: () => Promise<R>
  readonly onRead: (reading: R) => void
  /** Called once, with why there are no more readings. */
  readonly onEnd: (error: unknown) => void
}

export class History<P> {
  readonly #order: Order<P>
  #seen: P | null = null

  constructor(order: Order<P>) {
    this.#order = order
  }

  /** Begins a session; returns whether it shows a restored DCS. */
  begin(position: P): boolean {
    const restored = this.#seen !== null && this.#order.isOlder(position, this.#seen)
    this.#seen = position
    return restored
  }

  saw(position: P): void {
    if (this.#seen === null || this.#order.isNewer(position, this.#seen)) this.#seen = position
  }

  /** Reads every interval, beside the watch, so that a slow read delays no event. Never rejects. */
  async readEvery<R extends P>({ intervalMs, closed, read, onRead, onEnd }: IntervalRead<P, R>): Promise<void> {
    try {
      for (;;) {
        await sleep(intervalMs, undefined, { signal: closed })
        const before = this.#seen
        const reading = await read()
        if (before !== null && this.#order.isOlder(reading, before)) {
          const where = this.#order.show(reading)
          throw new RouterError('DCS_STALE', `its history went back to ${where}: it was restored`)
        }
        onRead(reading)
      }
    } catch (error) {
      onEnd(error)
    }
  }
}
