/** The history as server-sent events: each reader pulls, and one that does not read is dropped. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { within } from '../../clock.ts'
import { type Portion, portionsFrom } from '../../events/follow.ts'
import type { History } from '../../events/history.ts'
import { visibleJson } from '../../text/terminal.ts'
import type { EventFrames } from './event-frames.ts'

export interface StreamOptions {
  readonly history: History
  readonly frames: EventFrames
  /** Only what is behind this number. */
  readonly after: number
  /** Of several only this one, and what is of none; null: all. */
  readonly cluster: string | null
  /** The first event says which router this is. */
  readonly version: string
  /** Ends it. */
  readonly signal: AbortSignal
  readonly pace?: Partial<StreamPace>
}

export interface StreamPace {
  /** Between two signs of life. Milliseconds. */
  readonly heartbeatMs: number
  /** How long a reader may leave more unread than `unreadBytes`. Milliseconds. */
  readonly patienceMs: number
  readonly unreadBytes: number
}

const PACE: StreamPace = { heartbeatMs: 15_000, patienceMs: 10_000, unreadBytes: 64 * 1024 }
/** How many are written in one turn of the event loop. */
const PORTION = 50

/**
 * Writes events to `response`, whose head has been written, until `signal` or the reader ends it. Returns false where the reader has
 * not read for too long: its connection is to be closed.
 */
export async function streamEvents(response: ServerResponse, options: StreamOptions): Promise<boolean> {
  const { history, version, signal } = options
  const pace = { ...PACE, ...options.pace }
  const ended = new AbortController()
  const end = (): void => ended.abort()
  response.once('close', end)
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted || response.destroyed) end()
  const heartbeat = setInterval(() => void response.write(':\n\n'), pace.heartbeatMs)
  try {
    response.write(`event: hello\ndata: ${visibleJson({ version, newest: history.newest })}\n\n`)
    for await (const portion of portionsFrom(history, options.after, ended.signal, PORTION)) {
      const text = textOf(portion, options)
      if (text !== '') response.write(text)
      const isUnread = response.writableLength > pace.unreadBytes
      if (isUnread && !(await drained(response, pace.patienceMs, ended.signal))) return ended.signal.aborted
    }
    return true
  } finally {
    clearInterval(heartbeat)
    response.off('close', end)
    signal.removeEventListener('abort', end)
  }
}

/** Returns those of the reader's cluster. */
function textOf({ events, hasMissed }: Portion, { frames, cluster }: StreamOptions): string {
  const own = events
    .flatMap((kept) => frames.of(kept) ?? [])
    .filter((frame) => cluster === null || frame.cluster === null || frame.cluster === cluster)
  const missed = hasMissed ? 'event: skipped\ndata: {}\n\n' : ''
  return missed + own.map(({ text }) => text).join('')
}

/** Resolves with true when what was written is on its way; with false when that takes too long, or it is over. */
async function drained(response: ServerResponse, ms: number, signal: AbortSignal): Promise<boolean> {
  if (!response.writableNeedDrain) return true
  const drain = once(response, 'drain', { signal }).then(
    () => true,
    () => false, // The reader has gone.
  )
  return (await within(drain, ms, signal)) ?? false
}
