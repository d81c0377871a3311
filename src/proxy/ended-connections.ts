/**
 * The connections of a worker that have ended, until their lines are written: sent together, some at a time, so that a line
 * costs little and a thousand sessions that end at once keep nothing else waiting.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { EndedConnection } from './connection-line.ts'

/** From an end to its line, and from the end of a closing to those of its sessions. Milliseconds. */
const DELAY_MS = 100
/** What is sent at a time, and how long the others wait where there are more. */
const SLICE = 100
const PAUSE_MS = 10
/** What waits at most: more than a process has sessions. */
const MOST = 100_000

export class EndedConnections {
  /** Whether they are logged: where they are not, none is to be added. */
  isLogged = false
  readonly #send: (ended: readonly EndedConnection[], dropped: number) => void
  #waiting: EndedConnection[] = []
  #dropped = 0
  #timer: NodeJS.Timeout | null = null
  /** How many closings are under way, and until when none is sent after the last one: by the clock of `performance`. */
  #closings = 0
  #notBefore = 0
  #isClosed = false

  /** `send`: gets them in their order, and the number of those that were too many. */
  constructor(send: (ended: readonly EndedConnection[], dropped: number) => void) {
    this.#send = send
  }

  add(ended: EndedConnection): void {
    if (this.#waiting.length >= MOST) {
      this.#dropped++
      return
    }
    this.#waiting.push(ended)
    if (this.#isClosed) this.#sendSome()
    else this.#timer ??= this.#later(DELAY_MS)
  }

  /** Sends none while sessions are closed together, as in a fence: until `closing` is settled, and for some time after it. */
  hold(closing: Promise<unknown>): void {
    this.#closings++
    const over = (): void => {
      this.#closings--
      this.#notBefore = performance.now() + DELAY_MS
    }
    closing.then(over, over)
  }

  /** Sends all that wait, some in each turn of the event loop; resolves when none waits. */
  async sent(): Promise<void> {
    while (this.#waiting.length > 0) {
      this.#sendSome()
      await nextTurn()
    }
  }

  /** Sends all at once; none waits any more. Idempotent. */
  close(): void {
    this.#isClosed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    while (this.#waiting.length > 0) this.#sendSome()
  }

  #later(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      const leftMs = this.#closings > 0 ? PAUSE_MS : this.#notBefore - performance.now()
      if (leftMs <= 0) this.#sendSome()
      this.#timer = this.#waiting.length > 0 ? this.#later(Math.max(leftMs, PAUSE_MS)) : null
    }, ms).unref()
  }

  #sendSome(): void {
    const dropped = this.#dropped
    this.#dropped = 0
    const some = this.#waiting.splice(0, SLICE)
    if (some.length > 0) this.#send(some, dropped)
  }
}
