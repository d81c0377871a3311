/** The keys that a cluster would have in another DCS, from the annotations of its objects and Pods. Pure. */
import { asNumber, asObject, parseJson } from '../../../text/unknown-shape.ts'
import type { ListedKey } from '../listing.ts'
import { holderOf, type Lease } from './lease.ts'
import { CITUS_LABEL, groupOf, type ObjectNames } from './names.ts'
import type { KubeObject } from './objects.ts'

type Objects = ReadonlyMap<string, KubeObject>

/** Returns the keys, each with `prefix` (`/default/demo/`) in front. `group`: the Citus group whose Pods are its members; null: none. */
export function keysOf(
  prefix: string,
  names: ObjectNames,
  group: number | null,
  { objects, pods, lease }: { readonly objects: Objects; readonly pods: Objects; readonly lease: Lease },
): ReadonlyMap<string, ListedKey> {
  const keys = new Map<string, ListedKey>()
  const put = (key: string, value: string | undefined, { version }: KubeObject, session = ''): void => {
    if (value !== undefined) keys.set(prefix + key, { value, session, modified: version })
  }
  const leader = objects.get(names.leader)
  if (leader !== undefined) {
    const holder = holderOf(lease)
    if (holder !== null) put('leader', holder.name, leader, holder.session)
    put('optime/leader', leader.annotations['optime'], leader)
    put('failsafe', leader.annotations['failsafe'], leader)
  }
  const config = objects.get(names.config)
  if (config !== undefined)
    for (const key of ['config', 'history', 'initialize']) put(key, config.annotations[key], config)
  const failover = objects.get(names.failover)
  if (failover !== undefined) put('failover', jsonOf(failover, ['leader', 'member', 'scheduled_at']), failover)
  const sync = objects.get(names.sync)
  if (sync !== undefined) put('sync', jsonOf(sync, ['leader', 'sync_standby', 'quorum']), sync)
  for (const pod of pods.values())
    // Another Pod with the same labels has no status, nor has one that Patroni is about to start in.
    if (groupOf(pod.labels[CITUS_LABEL]) === group) put(`members/${pod.name}`, pod.annotations['status'], pod)
  return keys
}

/** Returns the `ttl` of the cluster's configuration; null: it has none. Milliseconds. */
export function usualTtlMs(config: KubeObject | undefined): number | null {
  const ttl = asNumber(asObject(parseJson(config?.annotations['config'] ?? null))?.['ttl'])
  return ttl === null || ttl <= 0 ? null : ttl * 1000
}

/** Returns what would be one value elsewhere; undefined: all of it is cleared. */
function jsonOf({ annotations }: KubeObject, names: readonly string[]): string | undefined {
  const set = names.flatMap((name) => ((annotations[name] ?? '') === '' ? [] : [[name, annotations[name]] as const]))
  return set.length === 0 ? undefined : JSON.stringify(Object.fromEntries(set))
}
