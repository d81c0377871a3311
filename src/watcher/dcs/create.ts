/** Builds the source that the configuration asks for. */
import type { ClusterConfig } from '../../config/config.ts'
import type { Dcs } from './dcs.ts'
import { Etcd3Dcs } from './etcd3-dcs.ts'

/** The DCS of a cluster; nothing is connected yet. */
export function createDcs(config: ClusterConfig): Dcs {
  const { intervalMs, timeoutMs } = config.proxy.check
  return new Etcd3Dcs({ config: config.dcs, prefix: prefixOf(config), intervalMs, timeoutMs })
}

/** `/service/demo/`, or `/service/demo/0/` for a Citus group (dcs/__init__.py, AbstractDCS.client_path). */
function prefixOf({ namespace, scope, citusGroup }: ClusterConfig): string {
  const parts = [namespace, scope, citusGroup === null ? '' : String(citusGroup)].filter((part) => part !== '')
  return `/${parts.join('/')}/`.replace(/\/{2,}/g, '/')
}
