/** Events in the form of server-sent events, made once for all readers. */
import { eventJson, eventOf, type HistoryEvent } from '../../events/event.ts'
import type { Kept } from '../../events/history.ts'

export interface EventFrame {
  readonly cluster: string | null
  readonly text: string
}

/** A reader that is further behind has its own made. */
const MAX_FRAMES = 512

export class EventFrames {
  /** By number; the oldest first. null: it is damaged. */
  readonly #frames = new Map<number, EventFrame | null>()

  /** Returns the frame of an event; null: it is damaged. */
  of(kept: Kept): EventFrame | null {
    const known = this.#frames.get(kept.seq)
    if (known !== undefined) return known
    const frame = frameOf(kept)
    this.#frames.set(kept.seq, frame)
    const [oldest] = this.#frames.keys()
    if (this.#frames.size > MAX_FRAMES && oldest !== undefined) this.#frames.delete(oldest)
    return frame
  }
}

function frameOf(kept: Kept): EventFrame | null {
  const event = eventOf(kept)
  if (event === null) return null
  return { cluster: event.cluster, text: `id: ${event.seq}\ndata: ${eventJson(withoutClient(event))}\n\n` }
}

/** Returns an event without the address of a client, which is for those with a token. */
export function withoutClient(event: HistoryEvent): HistoryEvent {
  if (!('client' in event.fields)) return event
  const fields = Object.fromEntries(Object.entries(event.fields).filter(([key]) => key !== 'client'))
  return { ...event, fields }
}
