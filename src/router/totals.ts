/** What all clusters carry and have carried: as counters do, none of it falls when a reload removes a listener or a cluster. Pure. */
import type { RouterTotals } from '../admin/status.ts'
import type { ProxyStatus } from '../proxy/status.ts'

/** What removed clusters have counted. */
export type PastTotals = Omit<RouterTotals, 'connections'>

export const NO_PAST: PastTotals = { accepted: 0, sessions: 0, bytesIn: 0, bytesOut: 0 }

/** Adds what these proxies carry and have carried to `past`. */
export function totalsOf(proxies: readonly ProxyStatus[], past: PastTotals): RouterTotals {
  const sum = (each: (proxy: ProxyStatus) => number): number => proxies.reduce((total, proxy) => total + each(proxy), 0)
  return {
    connections: sum(connectionsOf),
    accepted: past.accepted + sum(({ totals }) => totals.accepted),
    sessions: past.sessions + sum(({ totals }) => totals.sessions),
    bytesIn: past.bytesIn + sum(({ totals }) => totals.bytesIn),
    bytesOut: past.bytesOut + sum(({ totals }) => totals.bytesOut),
  }
}

/** Returns how many clients it has, those of listeners that are no longer configured too. */
function connectionsOf({ sessions, held }: ProxyStatus): number {
  return sessions.reduce((total, each) => total + each.sessions, held.connections)
}
