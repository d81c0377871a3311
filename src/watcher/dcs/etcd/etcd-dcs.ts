/** A cluster, and arbitrary keys for templates, in etcd over API v2. */
import type { ClusterSource, DcsObservation } from '../dcs.ts'
import type { KeysObservation, KeyValueSource } from '../key-values.ts'
import { clusterOf, leftOutLog, valuesOf } from '../listed.ts'
import { Survey, type Surroundings } from '../survey.ts'
import type { EtcdConnection } from './connection.ts'
import { etcdSessions, type EtcdSessionsOptions } from './etcd-sessions.ts'
import { SURVEY } from './places.ts'

type Options = Omit<EtcdSessionsOptions<unknown>, 'root' | 'begin' | 'lost'>

/** So many intervals are between two looks at what else there is in etcd. */
const LOOK_EVERY = 5

/** Builds what observes the cluster below `prefix` (`/service/demo/`). Nothing is connected yet. */
export function etcdDcs({
  prefix,
  survey,
  ...options
}: Options & { readonly prefix: string; readonly survey: Surroundings }): ClusterSource {
  const everyMs = options.intervalMs * LOOK_EVERY
  const around = new Survey<EtcdConnection>({ ...SURVEY, ...survey, prefix, everyMs })
  return etcdSessions<DcsObservation>({
    ...options,
    root: prefix.slice(0, -1),
    begin: (list) => clusterOf(list, { prefix, survey: around, read: (connection) => connection.list() }),
    lost: (endpoint, error, notices) => {
      // Findings around it are not over because they cannot be read.
      return { type: 'lost', endpoint, error, notices: [...notices, ...around.told] }
    },
  })
}

/** Builds what reads arbitrary keys. */
export function etcdKeyValues(options: Options): KeyValueSource {
  return {
    observe(root, signal) {
      const name = root.replace(/\/+$/, '')
      const onLeftOut = leftOutLog(options.log)
      const sessions = etcdSessions<KeysObservation>({
        ...options,
        // The observation of the cluster, with the same certificates, tells of them.
        log: null,
        root: name,
        begin: (list) =>
          valuesOf(list, { name: 'etcd', root: name, onLeftOut, read: (connection) => connection.list() }),
        lost: (_endpoint, error) => ({ type: 'lost', error }),
      })
      return sessions.observe(signal)
    },
  }
}
