/** Reading the history in portions that do not block the event loop, up to its end or without one. */
import { setImmediate } from 'node:timers/promises'
import { eventOf, type HistoryEvent } from './event.ts'
import type { History } from './history.ts'

/** How many are parsed in one turn of the event loop: some milliseconds. */
const PORTION = 200

/** Yields the events behind number `seq`, the oldest first, up to the newest one. Where some are no longer there an event says so. */
export async function* eventsAfter(history: History, seq: number): AsyncGenerator<readonly HistoryEvent[]> {
  const end = history.newest
  for (let portion = take(history, seq); portion !== null; portion = take(history, portion.upTo)) {
    yield portion.events
    if (portion.upTo >= end) return
    await setImmediate()
  }
}

/** Yields the same, and then each further event as soon as it is there, until `signal` aborts. */
export async function* eventsFrom(
  history: History,
  seq: number,
  signal: AbortSignal,
): AsyncGenerator<readonly HistoryEvent[]> {
  for await (const portion of portionsFrom(history, seq, signal, PORTION)) yield parsed(portion)
}

/** Some events as they are kept; `hasMissed`: others before them are no longer there. */
export type Portion = ReturnType<History['after']>

/**
 * Yields the events behind number `seq` as they are kept, the oldest first, and then each further one, until `signal` aborts: `max`
 * at a time, and those together that come together. Between two portions many readers take turns.
 */
export async function* portionsFrom(
  history: History,
  seq: number,
  signal: AbortSignal,
  max: number,
): AsyncGenerator<Portion> {
  for (let at = seq; !signal.aborted;) {
    const portion = history.after(at, max)
    const last = portion.events.at(-1)
    if (last === undefined) await history.beyond(at, signal)
    else {
      yield portion
      at = last.seq
    }
    await setImmediate()
  }
}

function take(
  history: History,
  seq: number,
): { readonly events: readonly HistoryEvent[]; readonly upTo: number } | null {
  const portion = history.after(seq, PORTION)
  const last = portion.events.at(-1)
  return last === undefined ? null : { events: parsed(portion), upTo: last.seq }
}

function parsed({ events: kept, hasMissed }: Portion): readonly HistoryEvent[] {
  const events = kept.flatMap((each) => eventOf(each) ?? [])
  const [first] = events
  return hasMissed && first !== undefined ? [skipped(first), ...events] : events
}

/** Returns the event that stands for those before `next` which were dropped before this reader has got them. */
function skipped({ seq, time }: HistoryEvent): HistoryEvent {
  const message = 'events before this one were dropped before they could be shown'
  return { seq: seq - 1, time, level: 'warn', event: 'events-skipped', message, cluster: null, fields: {} }
}
