/** Builds what is configured, of whatever kind it is. Nothing is connected yet. */
import type { ClusterConfig } from '../../config/config.ts'
import { kindOf } from '../../config/dcs/kind.ts'
import type { Lookups } from '../../names/lookups.ts'
import type { RestClient } from '../checks/rest-client.ts'
import type { Log } from '../../text/log-line.ts'
import type { Dcs } from './dcs.ts'
import type { KeyValueSource } from './key-values.ts'
import type { DcsContext, DcsKind } from './kind.ts'
import { DCS_KINDS } from './kinds.ts'

export interface CreateOptions extends Partial<Pick<DcsContext, 'log' | 'clusters'>> {
  /** The kinds that there are. */
  readonly kinds?: readonly DcsKind[]
}

/** Builds what a cluster is observed by. */
export function createDcs(
  cluster: ClusterConfig,
  rest: RestClient,
  { log = null, clusters = [], kinds = DCS_KINDS }: CreateOptions = {},
): Dcs {
  return kindOf(cluster.dcs, kinds).create(cluster.dcs, { cluster, rest, log, clusters })
}

/** Builds what arbitrary keys are read from, for templates; null where there are none. */
export function createKeyValueSource(
  cluster: ClusterConfig,
  lookups: Lookups,
  log: Log | null = null,
  kinds: readonly DcsKind[] = DCS_KINDS,
): KeyValueSource | null {
  return kindOf(cluster.dcs, kinds).createKeys?.(cluster.dcs, { cluster, lookups, log }) ?? null
}

/** Gives the same by the name of a cluster, of which there are `clusters`. */
export function keyValueSources(
  clusters: readonly ClusterConfig[],
  lookups: Lookups,
  log: Log | null = null,
  kinds: readonly DcsKind[] = DCS_KINDS,
): (cluster: string) => KeyValueSource | null {
  return (name) => {
    const cluster = clusters.find((each) => each.name === name)
    return cluster === undefined ? null : createKeyValueSource(cluster, lookups, log, kinds)
  }
}
