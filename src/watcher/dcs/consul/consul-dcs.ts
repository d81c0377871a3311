/** A cluster, and arbitrary keys for templates, in Consul. */
import type { ClusterSource, DcsObservation } from '../dcs.ts'
import type { KeysObservation, KeyValueSource } from '../key-values.ts'
import { clusterSessions, keyValueSource } from '../listed.ts'
import type { Surroundings } from '../survey.ts'
import type { ConsulConnection } from './connection.ts'
import { consulSessions, type ConsulSessionsOptions } from './consul-sessions.ts'
import { SURVEY } from './places.ts'

type Options = Omit<ConsulSessionsOptions<unknown>, 'prefix' | 'begin' | 'lost'>

/** Builds what observes the cluster below `prefix` (`/service/demo/`). Nothing is connected yet. */
export function consulDcs({
  prefix,
  survey,
  ...options
}: Options & { readonly prefix: string; readonly survey: Surroundings }): ClusterSource {
  const listed = clusterSessions({ ...SURVEY, ...survey, prefix }, options.intervalMs)
  return consulSessions<DcsObservation>({ ...options, ...listed, prefix: prefix.slice(1) })
}

/** Builds what reads arbitrary keys. */
export function consulKeyValues(options: Options): KeyValueSource {
  return keyValueSource<ConsulConnection>('Consul', options.log, (root, listed, signal) =>
    // The observation of the cluster, with the same certificates, tells of them.
    consulSessions<KeysObservation>({ ...options, ...listed, log: null, prefix: root.slice(1) }).observe(signal),
  )
}
