/** What the routes of the HTTP server work with. */
import type { Acts } from '../acts.ts'
import type { History } from '../../events/history.ts'
import type { MetricsOptions } from '../metrics/exposition.ts'
import type { RouterStatus } from '../status.ts'
import type { EventFrames } from './event-frames.ts'
import type { StreamPace } from './event-stream.ts'
import type { HttpRefusals } from './refusals.ts'
import type { Places } from './places.ts'
import type { Slices } from './slices.ts'
import type { Tokens } from './tokens.ts'

/** What the router shows over HTTP, and lets be done. */
export interface HttpSources {
  readonly status: () => RouterStatus
  /** null: nothing can be done. */
  readonly acts: Acts | null
  /** null: none is kept. */
  readonly history: History | null
  /** null: there are none. */
  readonly metrics: ((status: RouterStatus, options: MetricsOptions) => AsyncIterable<string>) | null
  /** HAProxy's statistics, without the servers that words of `show stat` leave out; null: there are none. */
  readonly statistics: {
    readonly csv: (status: RouterStatus, words: readonly string[]) => Iterable<string>
    readonly json: (status: RouterStatus, words: readonly string[]) => Iterable<string>
  } | null
}

/** What of the configuration counts for each request. */
export interface HttpAccess {
  readonly tokens: Tokens
  /** In small letters. */
  readonly hosts: ReadonlySet<string>
}

export interface HttpContext {
  readonly sources: HttpSources
  /** As it is now. */
  readonly access: () => HttpAccess
  readonly refusals: HttpRefusals
  readonly slices: Slices
  readonly frames: EventFrames
  /** Of the stream of events. */
  readonly readers: Set<object>
  readonly readerPlaces: Places
  readonly pace: Partial<StreamPace>
  /** Aborted when the server closes. */
  readonly closing: AbortSignal
}
