/** A cluster, and arbitrary keys for templates, in ZooKeeper. */
import type { Lookups } from '../../../names/lookups.ts'
import type { Log } from '../../../text/log-line.ts'
import type { ClusterSource, DcsObservation } from '../dcs.ts'
import { isWithin, type KeysObservation, type KeyValueSource } from '../key-values.ts'
import { clusterSessions, keyValueSource } from '../listed.ts'
import type { Surroundings } from '../survey.ts'
import type { ZooKeeperConnection } from './connection.ts'
import { Lingering } from './lingering.ts'
import { SURVEY } from './places.ts'
import type { ZooKeeperConfig } from './section.ts'
import type { ServerList } from './servers.ts'
import { type ZooKeeperReading, zookeeperSessions } from './zookeeper-sessions.ts'

export interface ZooKeeperOptions {
  readonly config: ZooKeeperConfig
  readonly servers: ServerList
  /** How often it is read with certainty, and how long such a read may take. Milliseconds. */
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly lookups: Lookups
  readonly log: Log | null
}

/** Builds what observes the cluster below `prefix` (`/service/demo/`). Nothing is connected yet. */
export function zookeeperDcs({
  prefix,
  survey,
  ...options
}: ZooKeeperOptions & { readonly prefix: string; readonly survey: Surroundings }): ClusterSource {
  const listed = clusterSessions({ ...SURVEY, ...survey, prefix }, options.intervalMs)
  return zookeeperSessions<DcsObservation>({ ...options, ...listed, ...clusterReading(options, prefix) })
}

/** Returns what is read of a cluster below `prefix`. */
export function clusterReading(
  { config, lookups, timeoutMs }: Pick<ZooKeeperOptions, 'config' | 'lookups' | 'timeoutMs'>,
  prefix: string,
): ZooKeeperReading {
  const root = prefix.replace(/\/$/, '')
  const descends = (path: string): boolean =>
    path === root || [`${root}/members`, `${root}/optime`].some((directory) => isWithin(directory, path))
  return { config, lookups, timeoutMs, root, descends, lingering: new Lingering(`${root}/members/`) }
}

/** Builds what reads arbitrary keys. */
export function zookeeperKeyValues(options: ZooKeeperOptions): KeyValueSource {
  return keyValueSource<ZooKeeperConnection>('ZooKeeper', options.log, (root, listed, signal) =>
    zookeeperSessions<KeysObservation>({
      ...{ ...options, ...listed, root, lingering: null, descends: () => true },
      // The observation of the cluster, with the same certificates, tells of them.
      log: null,
    }).observe(signal),
  )
}
