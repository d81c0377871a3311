/** What the router says of itself: plain JSON data, the answer to `show status json`. */
import { type ClusterView, takesNew } from '../watcher/view.ts'
import type { ProxyStatus } from '../proxy/status.ts'
import type { TemplatesStatus } from '../templates/status.ts'
import type { TrackFileStatus } from '../track/status.ts'

/** Grows when a reader of the older format would misunderstand the newer one; a new field is no reason. */
export const STATUS_FORMAT = 1

export interface RouterStatus {
  readonly format: typeof STATUS_FORMAT
  readonly version: string
  readonly pid: number
  /** Name of the host it runs on. */
  readonly node: string
  /** Milliseconds since the epoch, like every time in here. */
  readonly startedAt: number
  /** When this was said: ages are counted from here, so that another machine's clock does not matter. */
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

export interface ClusterStatus {
  readonly view: ClusterView
  /** null: the proxy is off. */
  readonly proxy: ProxyStatus | null
  /** The Patroni member on the router's host, as the configuration says; null: none. */
  readonly localMember: string | null
}

/**
 * Whether every cluster has a primary, and this router accepts new connections to it; also where there is no cluster, for
 * templates of keys alone.
 */
export function hasPrimary(status: RouterStatus): boolean {
  return !status.stopping && status.clusters.every(({ view }) => takesNew(view.primary.state))
}
