/** Builds the source that the configuration asks for. */
import type { ClusterConfig } from '../../config/config.ts'
import type { Log } from '../certificate-news.ts'
import type { RestClient } from '../rest.ts'
import type { Dcs } from './dcs.ts'
import { Etcd3Dcs } from './etcd3-dcs.ts'
import { FileDcs } from './file-dcs.ts'
import { Etcd3KeyValues } from './etcd3-key-values.ts'
import type { KeyValueSource } from './key-values.ts'
import { RestDcs } from './rest-dcs.ts'

/**
 * What a cluster is observed by; nothing is connected yet. `restClient` is the caller's to close; `log` is told what
 * is no observation: of certificates that are replaced.
 */
export function createDcs(config: ClusterConfig, restClient: RestClient, log: Log | null = null): Dcs {
  const { dcs, scope } = config
  const { intervalMs, fastIntervalMs, timeoutMs } = config.proxy.check
  switch (dcs.kind) {
    case 'etcd3':
      return new Etcd3Dcs({ config: dcs, prefix: prefixOf(config), intervalMs, timeoutMs, log })
    case 'file':
      return new FileDcs({ path: dcs.path, intervalMs })
    case 'rest':
      return new RestDcs({ config: dcs, restClient, scope, intervalMs, fastIntervalMs })
  }
}

/**
 * What arbitrary keys are read from, for templates; null where there are none (file, rest). Nothing is connected yet.
 * `log` is told of keys that are left out.
 */
export function createKeyValueSource({ dcs, proxy }: ClusterConfig, log: Log | null = null): KeyValueSource | null {
  const { intervalMs, timeoutMs } = proxy.check
  switch (dcs.kind) {
    case 'etcd3':
      return new Etcd3KeyValues({ config: dcs, intervalMs, timeoutMs, log })
    case 'file':
    case 'rest':
      return null
  }
}

/** The same by the name of a cluster, of which there are `clusters`. */
export function keyValueSources(
  clusters: readonly ClusterConfig[],
  log: Log | null = null,
): (cluster: string) => KeyValueSource | null {
  return (name) => {
    const cluster = clusters.find((each) => each.name === name)
    return cluster === undefined ? null : createKeyValueSource(cluster, log)
  }
}

/** Below what the keys of a cluster are: `/service/demo/`, or `/service/demo/0/` for a Citus group (dcs/__init__.py, AbstractDCS.client_path). */
export function prefixOf({ namespace, scope, citusGroup }: ClusterConfig): string {
  const parts = [namespace, scope, citusGroup === null ? '' : String(citusGroup)].filter((part) => part !== '')
  return `/${parts.join('/')}/`.replace(/\/{2,}/g, '/')
}
