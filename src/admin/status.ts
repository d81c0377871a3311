/** The router's own state as plain data. Scripts and the client commands read the form that status/json.ts makes of it. */
import type { WatcherCounts } from '../watcher/counts.ts'
import type { ClusterView } from '../watcher/view.ts'
import type { HttpStatus } from './http/status.ts'
import type { ReloadReport } from '../reload.ts'
import type { ProxyStatus } from '../proxy/status.ts'
import type { TemplatesStatus } from '../templates/status.ts'
import type { TrackFileStatus } from '../track/status.ts'
import type { EventLoopDelayReport } from './metrics/event-loop-delay.ts'

export interface RouterStatus {
  readonly version: string
  /** Of Node.js; empty where it is not known. */
  readonly nodeVersion: string
  readonly pid: number
  /** Name of the host that it runs on. */
  readonly node: string
  /** Milliseconds since the epoch, like every time in here. */
  readonly startedAt: number
  /** When this was taken: ages are counted from here, so that another machine's clock does not matter. */
  readonly now: number
  /** It is shutting down: no new connections are accepted. */
  readonly stopping: boolean
  /** Of all clusters together; 0: unlimited. */
  readonly maxConnections: number
  readonly totals: RouterTotals
  /** null: it is not measured, as while HTTP is off. */
  readonly eventLoopDelay: EventLoopDelayReport | null
  /** Lookups of host names that have failed since the start. */
  readonly lookups: { readonly failed: number }
  /** Lines of the log that were dropped since the start because its reader did not keep up. */
  readonly log: { readonly dropped: number }
  readonly clusters: readonly ClusterStatus[]
  /** null: there are neither templates nor hooks. */
  readonly templates: TemplatesStatus | null
  readonly track: readonly TrackFileStatus[]
  /** null: it cannot be loaded again, as in a demo. */
  readonly configuration: ConfigurationStatus | null
  /** null: HTTP is off. */
  readonly http: HttpStatus | null
}

/** Of all clusters together, also of what was removed since the start. */
export interface RouterTotals {
  /** Clients that are held or have a session now. */
  readonly connections: number
  readonly accepted: number
  /** Sessions that have begun. */
  readonly sessions: number
  /** Received from the clients of sessions, and sent to them. */
  readonly bytesIn: number
  readonly bytesOut: number
}

/** The configuration that is in force, and whether it is what the file says. */
export interface ConfigurationStatus {
  /** Where it is read from; null: the environment alone. */
  readonly file: string | null
  /** When what is in force was loaded. */
  readonly loadedAt: number
  /** Reloads since the start: applied or without a change, and refused. */
  readonly reloads: number
  readonly refusals: number
  /** Since when the file differs from what is in force; null: it does not, as far as is known. */
  readonly differsSince: number | null
  /** Why what is in the file cannot be loaded; empty: it could be, or does not differ. */
  readonly problems: readonly string[]
  /** null: there was none since the start. */
  readonly lastReload: (ReloadReport & { readonly at: number }) | null
}

/** A part that throws when it is called with a view: a fault of the router itself. */
export interface PartFault {
  readonly part: string
  readonly message: string
  /** When it threw first. */
  readonly since: number
}

export interface ClusterStatus {
  readonly view: ClusterView
  /** null: the proxy is off. */
  readonly proxy: ProxyStatus | null
  /** The Patroni member on the router's host, as the configuration says; null: none. */
  readonly localMember: string | null
  /** Faults that last. */
  readonly faults: readonly PartFault[]
  readonly counts: WatcherCounts
}
