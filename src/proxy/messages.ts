/**
 * What passes between a proxy and the worker that serves its listeners. Plain data that can be cloned to a thread, and
 * nothing else: neither side calls the other, and neither waits for the other.
 */
import type { Bind, ListenerConfig, ProxyConfig } from '../config/config.ts'
import { explain } from '../errors.ts'
import type { ClusterView, DialFailure } from '../watcher/view.ts'
import type { EndedConnection } from './connection-line.ts'
import type { EndReason, RefusalReason } from './counters.ts'
import type { LogLine } from '../text/log-line.ts'
import type { Target } from './route.ts'
import type { ProxySession, SessionMatch } from './session-list.ts'
import type { ListenerFault, MemberStatus } from './status.ts'
import type { ListenerTraffic } from './traffic.ts'

/** What the listeners of a proxy have in common. */
export interface ProxySettings extends Pick<
  ProxyConfig,
  'trust' | 'hold' | 'maxConnections' | 'timeouts' | 'tcpKeepaliveMs' | 'drainTimeoutMs'
> {
  /** Whether the connections that end are reported. */
  readonly logConnections: boolean
}

/** Identifies a listener across the cut: a listener that is closed and started again keeps its name and gets a new id. */
export type ListenerId = number

/** A command that is acknowledged: by the report `done` with the same number. */
interface Request {
  readonly request: number
}

/** Down: from the proxy to the worker. Commands take effect in the order in which they are sent. */
export type Command =
  /** Comes first, and again whenever the settings change. */
  | { readonly type: 'configure'; readonly settings: ProxySettings }
  /** A new listener, which accepts no connection before `listen`; or the next configuration of one, whose route never changes. */
  | { readonly type: 'listener'; readonly id: ListenerId; readonly config: ListenerConfig }
  | ({ readonly type: 'listen'; readonly id: ListenerId } & Request)
  /**
   * Listens on other addresses too, which the next configuration of the listener may have; or no longer, where it has not. `own`:
   * addresses that may be in use by this process, and are left for later then.
   */
  | ({
      readonly type: 'stage'
      readonly id: ListenerId
      readonly binds: readonly Bind[]
      readonly own: readonly Bind[]
    } & Request)
  | { readonly type: 'unstage'; readonly id: ListenerId }
  /** For all listeners. `hold`: they hold in the same step, for this reason; null: the primary opened last stays open. */
  | { readonly type: 'view'; readonly view: ClusterView; readonly hold: string | null }
  /** Host names that were resolved too long ago to be dialled without a confirmation by the member. */
  | { readonly type: 'names'; readonly stale: readonly string[] }
  /** From now on no new connection goes to the primary; `reason` is for clients whose wait ends without one. */
  | { readonly type: 'hold'; readonly id: ListenerId; readonly reason: string }
  /** Holds all new clients by request, whatever the route; null: no longer. None is refused for its wait. */
  | { readonly type: 'pause'; readonly id: ListenerId; readonly why: string | null }
  /**
   * Done when every session and dial on a primary of another epoch is closed, and every one that a former leader took while
   * it was a replica.
   */
  | ({ readonly type: 'fence'; readonly id: ListenerId; readonly epoch: number; readonly reason: string } & Request)
  /** Destroys every socket of the listener that leads to a server, where a fence has failed. Done when there is none left. */
  | ({ readonly type: 'destroy'; readonly id: ListenerId; readonly reason: string } & Request)
  /** Lets new connections through to `target` too, whose epoch is the one fenced last. */
  | ({ readonly type: 'open'; readonly id: ListenerId; readonly target: Target } & Request)
  /**
   * Stops accepting, refuses the waiting clients because of `why`, and gives sessions `drainTimeoutMs` to end by themselves.
   * Done when that is over. `isLast`: the worker forgets these listeners then.
   */
  | ({
      readonly type: 'drain'
      readonly ids: readonly ListenerId[]
      readonly why: string
      readonly isLast: boolean
    } & Request)
  /** Refuses the connections of a listener beyond `max`; 0: it has no limit of its own. None that there is is closed. */
  | ({ readonly type: 'limit'; readonly id: ListenerId; readonly max: number } & Request)
  /** Answered by `sessions`, in parts, with those that match: the oldest first, `max` at most. */
  | ({
      readonly type: 'list-sessions'
      readonly ids: readonly ListenerId[]
      readonly match: SessionMatch
      readonly max: number
    } & Request)
  /** Closes those that match, and is answered by `sessions`, with their number. `why`: for the log. */
  | ({
      readonly type: 'close-sessions'
      readonly ids: readonly ListenerId[]
      readonly match: SessionMatch
      readonly why: string
    } & Request)
  /** Reports the state of every listener at once. */
  | { readonly type: 'report' }
  /** Closes everything at once. */
  | { readonly type: 'close' }

/** Up: from the worker to the proxy. */
export type Report =
  /** `error`: why the command has failed. */
  | { readonly type: 'done'; readonly request: number; readonly error: Error | null }
  /** A part of the answer to a request, before it is `done`. `total`: how many match in all, or how many were closed. */
  | {
      readonly type: 'sessions'
      readonly request: number
      readonly sessions: readonly ProxySession[]
      readonly total: number
    }
  | { readonly type: 'dial-failed'; readonly failure: DialFailure }
  /** Sent after each command, and soon after something in it has changed. */
  | { readonly type: 'state'; readonly id: ListenerId; readonly state: ListenerState }
  | ({ readonly type: 'log' } & LogLine)
  /** Connections that have ended; `dropped`: how many others there were before them, which were too many. */
  | { readonly type: 'ended'; readonly connections: readonly EndedConnection[]; readonly dropped: number }

/** What a listener has counted since it was built. */
export interface Counts {
  readonly accepted: number
  readonly failedDials: number
  /** Clients that left before a server had answered. */
  readonly gaveUp: number
  readonly refusals: Readonly<Record<RefusalReason, number>>
  readonly endings: Readonly<Record<EndReason, number>>
}

/** What a worker reports of one listener. */
export interface ListenerState extends Counts {
  /** As bound; as configured before that. */
  readonly address: string
  /** By member. */
  readonly sessions: readonly (readonly [string, number])[]
  readonly held: number
  /** When the client that has waited longest began to wait; milliseconds since the epoch. */
  readonly oldestHeld: number | null
  readonly members: readonly MemberStatus[]
  /** How often it has lost its last usable member. */
  readonly downs: number
  readonly fallback: boolean
  /** Why it does not follow the view; null: it does. */
  readonly fault: ListenerFault | null
  readonly traffic: ListenerTraffic
  /** The limit of its own; 0: none. */
  readonly maxConnections: number
}

/** Returns an error of which a clone is the same. */
export function plainError(error: unknown): Error {
  const message = error instanceof Error ? error.message : ''
  const cause: unknown = error instanceof AggregateError ? error.errors[0] : error instanceof Error ? error.cause : null
  return new Error(
    message === '' ? explain(error) : message,
    (cause ?? null) === null ? {} : { cause: new Error(explain(cause)) },
  )
}
