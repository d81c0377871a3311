/** The commands of all connections, one after the other: however many there are, the router does its own work in between. */
import { setImmediate } from 'node:timers/promises'

export class FairTurns {
  #last: Promise<void> = Promise.resolve()

  /** Resolves when it is the caller's turn: one in each round of the event loop, in the order in which they came. */
  next(): Promise<void> {
    this.#last = this.#last.then(() => setImmediate())
    return this.#last
  }
}
