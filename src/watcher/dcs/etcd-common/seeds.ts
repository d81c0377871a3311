/** Asks etcd endpoints one by one, beside any observation: of which etcd cluster each is, and whether it can be read. */
import { explain } from '../../../errors.ts'
import { askOnce } from '../rotation.ts'
import type { SessionConnection } from '../sessions.ts'
import type { EtcdEndpoint } from './directory.ts'

/** A connection to an etcd, over either API. */
export type EtcdClient = SessionConnection & EtcdEndpoint

/** How the endpoints of an API are asked. */
export interface Asking<C extends EtcdClient> {
  /** Makes a connection to an endpoint; `index`: among those of one moment. @throws RouterError where the certificate files are unusable. */
  readonly connect: (endpoint: string, index: number) => C
  /** Returns whether nothing has answered: no etcd runs there, or none can be reached from here. */
  readonly isOutOfReach: (error: unknown) => boolean
}

/** What one configured endpoint has answered. */
export interface SeedReport {
  /** As it is configured. */
  readonly endpoint: string
  /** Of the etcd cluster, as etcd's log shows it; known also of one that refuses to be read. null: not known. */
  readonly clusterId: string | null
  /** Why it cannot be read, for a person, with what to do about it; null: it has answered a read through the quorum. */
  readonly reason: string | null
  /** Nothing answers there, which says nothing about the configuration. */
  readonly isAway: boolean
  /** The client URLs that its members advertise, as far as it tells them. */
  readonly advertised: readonly string[]
}

/**
 * Asks these endpoints, all at once, and gives a report of each in their order. More than one `clusterId` among them is a
 * mistake: the router reads one etcd cluster, that of the first seed that answers. Rejects when `signal` aborts, and
 * never else.
 */
export async function probeSeeds<C extends EtcdClient>(
  endpoints: readonly string[],
  asking: Asking<C>,
  signal: AbortSignal,
): Promise<readonly SeedReport[]> {
  const reports = await Promise.all(endpoints.map((endpoint, index) => probeSeed(endpoint, index, asking, signal)))
  signal.throwIfAborted()
  return reports
}

async function probeSeed<C extends EtcdClient>(
  endpoint: string,
  index: number,
  asking: Asking<C>,
  signal: AbortSignal,
): Promise<SeedReport> {
  try {
    return await askOnce(
      () => asking.connect(endpoint, index),
      signal,
      async (connection) => {
        const [certain, id, urls] = await Promise.allSettled([
          connection.certainClusterId(),
          connection.clusterId(),
          connection.clientUrls(),
        ])
        const advertised = urls.status === 'fulfilled' ? urls.value : []
        const clusterId = id.status === 'fulfilled' && id.value !== '' ? id.value : null
        if (certain.status === 'fulfilled')
          return { endpoint, clusterId: certain.value, reason: null, isAway: false, advertised }
        const reason = await connection.explain(certain.reason, signal)
        const isAway = clusterId === null && asking.isOutOfReach(certain.reason)
        return { endpoint, clusterId, reason, isAway, advertised }
      },
    )
  } catch (error) {
    return { endpoint, clusterId: null, reason: explain(error), isAway: false, advertised: [] }
  }
}
