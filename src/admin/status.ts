/** The router's own state as plain data. Scripts and the client commands read the form that status/json.ts makes of it. */
import type { ClusterView } from '../watcher/view.ts'
import type { ProxyStatus } from '../proxy/status.ts'
import type { TemplatesStatus } from '../templates/status.ts'
import type { TrackFileStatus } from '../track/status.ts'

export interface RouterStatus {
  readonly version: string
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
  readonly clusters: readonly ClusterStatus[]
  /** null: there are neither templates nor hooks. */
  readonly templates: TemplatesStatus | null
  readonly track: readonly TrackFileStatus[]
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
}
