/** A cluster, and arbitrary keys for templates, in etcd over API v2. */
import type { ClusterSource, DcsObservation } from '../dcs.ts'
import type { KeysObservation, KeyValueSource } from '../key-values.ts'
import { clusterSessions, keyValueSource } from '../listed.ts'
import type { Surroundings } from '../survey.ts'
import type { EtcdConnection } from './connection.ts'
import { etcdSessions, type EtcdSessionsOptions } from './etcd-sessions.ts'
import { SURVEY } from './places.ts'

type Options = Omit<EtcdSessionsOptions<unknown>, 'root' | 'begin' | 'lost'>

/** Builds what observes the cluster below `prefix` (`/service/demo/`). Nothing is connected yet. */
export function etcdDcs({
  prefix,
  survey,
  ...options
}: Options & { readonly prefix: string; readonly survey: Surroundings }): ClusterSource {
  const listed = clusterSessions({ ...SURVEY, ...survey, prefix }, options.intervalMs)
  return etcdSessions<DcsObservation>({ ...options, ...listed, root: prefix.slice(0, -1) })
}

/** Builds what reads arbitrary keys. */
export function etcdKeyValues(options: Options): KeyValueSource {
  return keyValueSource<EtcdConnection>('etcd', options.log, (root, listed, signal) =>
    // The observation of the cluster, with the same certificates, tells of them.
    etcdSessions<KeysObservation>({ ...options, ...listed, log: null, root }).observe(signal),
  )
}
