/** A cluster, and arbitrary keys for templates, in Consul. */
import type { ClusterSource, DcsObservation } from '../dcs.ts'
import type { KeysObservation, KeyValueSource } from '../key-values.ts'
import { clusterOf, leftOutLog, valuesOf } from '../listed.ts'
import { Survey, type Surroundings } from '../survey.ts'
import type { ConsulConnection } from './connection.ts'
import { consulSessions, type ConsulSessionsOptions } from './consul-sessions.ts'
import { SURVEY } from './places.ts'

type Options = Omit<ConsulSessionsOptions<unknown>, 'prefix' | 'begin' | 'lost'>

/** So many intervals are between two looks at what else there is in Consul. */
const LOOK_EVERY = 5

/** Builds what observes the cluster below `prefix` (`/service/demo/`). Nothing is connected yet. */
export function consulDcs({
  prefix,
  survey,
  ...options
}: Options & { readonly prefix: string; readonly survey: Surroundings }): ClusterSource {
  const everyMs = options.intervalMs * LOOK_EVERY
  const around = new Survey<ConsulConnection>({ ...SURVEY, ...survey, prefix, everyMs })
  return consulSessions<DcsObservation>({
    ...options,
    prefix: prefix.slice(1),
    begin: (list) => clusterOf(list, { prefix, survey: around, read: (connection) => connection.list() }),
    // Findings around it are not over because they cannot be read.
    lost: (endpoint, error) => ({ type: 'lost', endpoint, error, notices: around.told }),
  })
}

/** Builds what reads arbitrary keys. */
export function consulKeyValues(options: Options): KeyValueSource {
  return {
    observe(root, signal) {
      const name = root.replace(/\/+$/, '')
      const onLeftOut = leftOutLog(options.log)
      const sessions = consulSessions<KeysObservation>({
        ...options,
        // The observation of the cluster, with the same certificates, tells of them.
        log: null,
        prefix: name.slice(1),
        begin: (list) =>
          valuesOf(list, { name: 'Consul', root: name, onLeftOut, read: (connection) => connection.list() }),
        lost: (_endpoint, error) => ({ type: 'lost', error }),
      })
      return sessions.observe(signal)
    },
  }
}
