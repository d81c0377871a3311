/** Builds the source that the configuration asks for. */
import type { ClusterConfig } from '../../config/config.ts'
import type { Lookups } from '../../names/lookups.ts'
import type { Log } from '../tls/certificate-log.ts'
import type { RestClient } from '../checks/rest-client.ts'
import type { Dcs } from './dcs.ts'
import { Etcd3Dcs } from './etcd3/etcd3-dcs.ts'
import { FileDcs } from './file/file-dcs.ts'
import { Etcd3KeyValues } from './etcd3/key-values.ts'
import { prefixOf } from './etcd3/key-range.ts'
import type { KeyValueSource } from './key-values.ts'
import { RestDcs } from './rest/rest-dcs.ts'

/**
 * What a cluster is observed by; nothing is connected yet. `restClient` is the caller's to close; `log` is told what
 * is no observation: of certificates that are replaced. `clusters`: all that are observed, it among them.
 */
export function createDcs(
  config: ClusterConfig,
  restClient: RestClient,
  log: Log | null = null,
  clusters: readonly ClusterConfig[] = [],
): Dcs {
  const { dcs, scope, namespace, citusGroup: group } = config
  const { intervalMs, fastIntervalMs, timeoutMs } = config.proxy.check
  switch (dcs.kind) {
    case 'etcd3':
      return new Etcd3Dcs({
        ...{ config: dcs, prefix: prefixOf(config), intervalMs, timeoutMs, log, lookups: restClient.lookups },
        survey: { place: { namespace, scope, group }, followed: followedGroups(config, clusters) },
      })
    case 'file':
      return new FileDcs({ path: dcs.path, intervalMs })
    case 'rest':
      return new RestDcs({ config: dcs, restClient, scope, intervalMs, fastIntervalMs })
  }
}

/**
 * The Citus groups of its scope that are configured, if it is the first of these and so the one that reports others. Who
 * follows a single one, as a `patroni.yml` does, wants no other.
 */
export function followedGroups(config: ClusterConfig, clusters: readonly ClusterConfig[]): readonly number[] {
  const isFlat = clusters.length < 2 && config.name === config.scope
  const inScope = clusters.filter(
    ({ scope, namespace, citusGroup, dcs }) =>
      scope === config.scope && namespace === config.namespace && citusGroup !== null && isSameEtcd(dcs, config.dcs),
  )
  return isFlat || inScope[0] !== config ? [] : inScope.flatMap(({ citusGroup }) => citusGroup ?? [])
}

function isSameEtcd(one: ClusterConfig['dcs'], other: ClusterConfig['dcs']): boolean {
  if (one.kind !== 'etcd3' || other.kind !== 'etcd3') return false
  return one.endpoints.some((endpoint) => other.endpoints.includes(endpoint))
}

/**
 * What arbitrary keys are read from, for templates; null where there are none (file, rest). Nothing is connected yet.
 * `log` is told of keys that are left out.
 */
export function createKeyValueSource(
  { dcs, proxy }: ClusterConfig,
  lookups: Lookups,
  log: Log | null = null,
): KeyValueSource | null {
  const { intervalMs, timeoutMs } = proxy.check
  switch (dcs.kind) {
    case 'etcd3':
      return new Etcd3KeyValues({ config: dcs, intervalMs, timeoutMs, log, lookups })
    case 'file':
    case 'rest':
      return null
  }
}

/** The same by the name of a cluster, of which there are `clusters`. */
export function keyValueSources(
  clusters: readonly ClusterConfig[],
  lookups: Lookups,
  log: Log | null = null,
): (cluster: string) => KeyValueSource | null {
  return (name) => {
    const cluster = clusters.find((each) => each.name === name)
    return cluster === undefined ? null : createKeyValueSource(cluster, lookups, log)
  }
}
