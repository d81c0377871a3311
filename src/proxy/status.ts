import type { Route } from '../config/config.ts'
import type { EndReason, RefusalReason } from './counters.ts'

/** What the proxy publishes of itself for `status` and later for metrics. Plain data. */
export interface ProxyStatus {
  readonly listeners: readonly ListenerStatus[]
  readonly sessions: readonly MemberSessions[]
  readonly held: { readonly connections: number; readonly oldestMs: number | null }
  readonly totals: {
    readonly accepted: number
    readonly refused: number
    readonly fenced: number
    readonly failedDials: number
  }
  /** Clients that were turned away, by reason; every reason is there. */
  readonly refusals: Readonly<Record<RefusalReason, number>>
  /** Sessions that the router has ended, by reason; every reason is there. */
  readonly endings: Readonly<Record<EndReason, number>>
}

export interface ListenerStatus {
  readonly name: string
  readonly route: Route
  /**
   * As bound: `[::]:5000`, the port is the kernel's where the configuration said 0; paths of Unix sockets; commas between
   * several.
   */
  readonly address: string
  readonly sessions: number
  readonly held: number
  /** As in the view: sorted by name. */
  readonly members: readonly MemberStatus[]
  /** Whether the primary serves now because no member of the route can. */
  readonly fallback: boolean
}

/** Whether new sessions of a listener go to a member. */
export interface MemberStatus {
  readonly member: string
  readonly fit: boolean
  /** Why not; empty where it is. */
  readonly reason: string
}

export interface MemberSessions {
  readonly member: string
  readonly listener: string
  readonly sessions: number
}
