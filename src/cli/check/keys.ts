/** `check --online`: whether what templates need of the DCS can be read. */
import type { ClusterConfig, Config } from '../../config/config.ts'
import { kindOf } from '../../config/dcs/kind.ts'
import { Lookups } from '../../names/lookups.ts'
import { keysRead, KeyStores } from '../../templates/key-stores.ts'
import { clustersReadBy } from '../../templates/once/render-once.ts'
import { keyValueSources } from '../../watcher/dcs/create.ts'
import { DCS_KINDS } from '../../watcher/dcs/kinds.ts'
import type { OnlineFinding } from '../../watcher/dcs/online.ts'
import { counted } from '../../text/wording.ts'

/**
 * Returns the clusters that are followed. Templates that read nothing but keys need neither a cluster's keys nor the
 * right to read them.
 */
export async function clustersInUse(config: Config): Promise<readonly ClusterConfig[]> {
  const { clusters, templates, hooks, track } = config
  if (templates.length === 0) return clusters
  const read = await clustersReadBy(templates)
  return clusters.filter(
    ({ name, proxy }) =>
      proxy.listeners.length > 0 ||
      read.includes(name) ||
      [...hooks, ...track.files].some(({ cluster }) => cluster === name),
  )
}

/** Reads all keys once. Rejects with the reason of `signal`. */
export async function askForKeys(
  { keys: sources, templates }: Config,
  signal: AbortSignal,
): Promise<readonly OnlineFinding[]> {
  const lookups = new Lookups()
  const keys = new KeyStores({ source: keyValueSources(sources, lookups), templates, log: () => null })
  try {
    keys.start()
    await keysRead(keys, templates, signal)
    const all = keys.status()
    const unread = sources.filter(({ name }) => all.some(({ cluster, state }) => cluster === name && state !== 'up'))
    const away = new Map(
      await Promise.all(
        unread.map(async (cluster) => {
          const isAway = kindOf(cluster.dcs, DCS_KINDS).isAway?.(cluster.dcs, { cluster, lookups, log: null }, signal)
          return [cluster.name, (await isAway) === true] as const
        }),
      ),
    )
    return all.map(({ cluster, root, state, count, error }) => {
      const subject = `keys below ${root}`
      if (state === 'up') return { subject, ok: true, message: counted(count, 'key') }
      return { subject, ok: false, message: error ?? 'they could not be read', isAway: away.get(cluster) === true }
    })
  } finally {
    lookups.close()
    await keys.close()
  }
}
