/** The proxy of one cluster, as its sections say. */
import type { CheckConfig, ListenerConfig, ProxyConfig } from '../config.ts'
import { DEFAULT_LISTENERS } from './binds.ts'
import type { OurSections } from '../schema.ts'

type ProxySection = OurSections['proxy']
type ListenerSection = NonNullable<ProxySection['listeners']>[string]
type ClusterSection = NonNullable<OurSections['clusters']>[string]['proxy']

/**
 * `isMine`: whether a listener is one of the cluster. `isOn`: without any listener in the section it has the default ones.
 * `own`: what the cluster has otherwise.
 */
export function proxyConfig(
  section: ProxySection,
  isOn: boolean,
  isMine: (cluster: string | null) => boolean,
  own: ClusterSection | null,
): ProxyConfig {
  const { listeners, hold, timeouts } = section
  const mine = Object.entries(listeners ?? {}).filter(([, { cluster }]) => isMine(cluster))
  return {
    listeners: listeners ? mine.map(listenerConfig) : isOn ? DEFAULT_LISTENERS : [],
    address: own?.address ?? section.address,
    trust: own?.trust ?? section.trust,
    check: checkConfig(own?.check ?? section.check),
    hold: { timeoutMs: hold.timeout, maxConnections: hold.max_connections, refuseTls: hold.refuse_tls },
    maxConnections: section.max_connections,
    timeouts: { connectMs: timeouts.connect, clientMs: timeouts.client, serverMs: timeouts.server },
    tcpKeepaliveMs: section.tcp_keepalive,
    drainTimeoutMs: section.drain_timeout,
  }
}

function checkConfig(check: ProxySection['check']): CheckConfig {
  return {
    intervalMs: check.interval,
    fastIntervalMs: check.fast_interval,
    timeoutMs: check.timeout,
    rise: check.rise,
    fall: check.fall,
  }
}

function listenerConfig([name, listener]: [string, ListenerSection]): ListenerConfig {
  const { bind: binds, route, max_lag: maxLagBytes, tags, fallback, close_fallback: closeFallback } = listener
  return { name, binds, route, maxLagBytes, tags, fallback, closeFallback }
}
