/** How many sessions a change of the configuration ends. Pure. */
import type { RouterStatus } from '../admin/status.ts'
import type { Config } from '../config/config.ts'

/** Returns the sessions of listeners that another configuration does not have, or has for another cluster or route. */
export function endingSessions({ clusters }: Pick<RouterStatus, 'clusters'>, next: Pick<Config, 'clusters'>): number {
  const staying = new Set(
    next.clusters.flatMap(({ name, proxy }) => proxy.listeners.map((each) => idOf(name, each.name, each.route))),
  )
  const open = clusters.flatMap(({ view, proxy }) =>
    (proxy?.listeners ?? []).map(({ name, route, sessions }) => ({ id: idOf(view.name, name, route), sessions })),
  )
  return open.filter(({ id }) => !staying.has(id)).reduce((sum, { sessions }) => sum + sessions, 0)
}

function idOf(cluster: string, listener: string, route: string): string {
  return JSON.stringify([cluster, listener, route])
}
