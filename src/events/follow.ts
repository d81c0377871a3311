/** Reading the history in portions that block nobody, up to its end or without one. */
import { setImmediate } from 'node:timers/promises'
import { eventOf, type HistoryEvent } from './event.ts'
import type { History } from './history.ts'

/** How many are parsed in one turn of the event loop: some milliseconds. */
const PORTION = 200

export interface Portion {
  readonly events: readonly HistoryEvent[]
  /** Others were between the portion before and this one: the reader was too slow, and they are no longer there. */
  readonly hasMissed: boolean
}

/** Yields the events behind number `seq`, the oldest first, up to the newest one. */
export async function* eventsAfter(history: History, seq: number): AsyncGenerator<Portion> {
  const end = history.newest
  for (let portion = take(history, seq); portion !== null; portion = take(history, portion.upTo)) {
    yield portion
    if (portion.upTo >= end) return
    await setImmediate()
  }
}

/** Yields the same, and then each further event as soon as it is there, until `signal` aborts. */
export async function* eventsFrom(history: History, seq: number, signal: AbortSignal): AsyncGenerator<Portion> {
  for (let at = seq; !signal.aborted;) {
    const portion = take(history, at)
    if (portion === null) await history.beyond(at, signal)
    else {
      yield portion
      at = portion.upTo
      await setImmediate()
    }
  }
}

function take(history: History, seq: number): (Portion & { readonly upTo: number }) | null {
  const { events, hasMissed } = history.after(seq, PORTION)
  const last = events.at(-1)
  if (last === undefined) return null
  return { events: events.flatMap((each) => eventOf(each) ?? []), hasMissed, upTo: last.seq }
}
