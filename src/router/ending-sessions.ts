/** How many sessions a change of the configuration ends. Pure. */
import type { RouterStatus } from '../admin/status.ts'
import type { Config } from '../config/config.ts'

/**
 * Returns the sessions of listeners that another configuration does not have, or has for another cluster or route. The only cluster
 * may have another name: a different cluster is refused.
 */
export function endingSessions({ clusters }: Pick<RouterStatus, 'clusters'>, next: Pick<Config, 'clusters'>): number {
  const isOnly = clusters.length === 1 && next.clusters.length === 1
  const clusterOf = (name: string): string => (isOnly ? '' : name)
  const staying = new Set(
    next.clusters.flatMap(({ name, proxy }) =>
      proxy.listeners.map((each) => idOf(clusterOf(name), each.name, each.route)),
    ),
  )
  const open = clusters.flatMap(({ view, proxy }) =>
    (proxy?.listeners ?? []).map(({ name, route, sessions }) => ({
      id: idOf(clusterOf(view.name), name, route),
      sessions,
    })),
  )
  return open.filter(({ id }) => !staying.has(id)).reduce((sum, { sessions }) => sum + sessions, 0)
}

function idOf(cluster: string, listener: string, route: string): string {
  return JSON.stringify([cluster, listener, route])
}
