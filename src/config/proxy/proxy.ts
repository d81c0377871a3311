/** The section `proxy`, and what of it a cluster can have otherwise. */
import { type DcsSection, isThere } from '../dcs/kind.ts'
import { z } from 'zod'
import { isMapping, mappingOf, type Mapping } from '../../text/unknown-shape.ts'
import type { CheckConfig, ProxyConfig } from '../config.ts'
import type { Fault } from '../file/problem.ts'
import { integer, oneOf, optional, positive, section } from '../values/fields.ts'
import { formatDuration, parseDuration } from '../values/units.ts'
import { DEFAULT_LISTENERS, LISTENER, listenerConfig } from './listeners.ts'

export const CHECK = {
  interval: optional(positive(parseDuration), 2000),
  fast_interval: optional(positive(parseDuration), 100),
  timeout: optional(positive(parseDuration), 1000),
  rise: optional(integer(1), 1),
  fall: optional(integer(1), 3),
}
export const HOLD = {
  timeout: optional(parseDuration, 45_000),
  max_connections: optional(integer(1, '; to hold nobody set hold.timeout to 0'), 10_000),
  refuse_tls: optional(oneOf(['answer', 'close']), 'answer'),
}
export const TIMEOUTS = {
  connect: optional(positive(parseDuration), 4000),
  client: optional(parseDuration, 1_800_000),
  server: optional(parseDuration, 1_800_000),
}
const ADDRESS = oneOf(['conn_url', 'proxy_url'])
const TRUST = oneOf(['proof', 'dcs'])
export const PROXY = {
  listeners: z.record(z.string(), z.strictObject(LISTENER)).nullish(),
  address: optional(ADDRESS, 'conn_url'),
  check: section(CHECK),
  trust: optional(TRUST, 'proof'),
  hold: section(HOLD),
  max_connections: optional(integer(0), 0),
  timeouts: section(TIMEOUTS),
  tcp_keepalive: optional(parseDuration, 15_000),
  drain_timeout: optional(parseDuration, 30_000),
}
/** What a cluster may have otherwise than the others; null: as in `proxy`. */
export const CLUSTER_PROXY = {
  address: optional(ADDRESS, null),
  check: z.preprocess((value) => value ?? null, z.strictObject(CHECK).nullable()),
  trust: optional(TRUST, null),
}
export const PROXY_SECTION = section(PROXY)
export const CLUSTER_PROXY_SECTION = section(CLUSTER_PROXY)

type ProxySection = z.infer<typeof PROXY_SECTION>

/**
 * Builds the proxy of one cluster. `isMine`: whether a listener belongs to the cluster. `isOn`: without any listener in
 * the section it has the default ones. `own`: what the cluster has otherwise.
 */
export function proxyConfig(
  section: ProxySection,
  isOn: boolean,
  isMine: (cluster: string | null) => boolean,
  own: z.infer<typeof CLUSTER_PROXY_SECTION> | null,
): ProxyConfig {
  const { listeners, hold, timeouts } = section
  const mine = Object.entries(listeners ?? {}).filter(([, { cluster }]) => isMine(cluster))
  return {
    listeners: listeners
      ? mine.map(([name, listener]) => listenerConfig(name, listener))
      : isOn
        ? DEFAULT_LISTENERS
        : [],
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

/** Returns what is wrong between keys of `proxy` of one cluster, and between them and where it is observed. */
export function checkProxy(tree: Mapping, kinds: readonly DcsSection[]): Fault[] {
  const section = mappingOf(tree['proxy'])
  const missing = kinds.flatMap((kind) => (isThere(tree, kind.name) ? (kind.checkProxy?.(section) ?? []) : []))
  return [...missing, ...checkPace(section['check'])]
}

function checkPace(check: unknown): Fault[] {
  if (!isMapping(check)) return []
  const interval = parseDuration(check['interval'] ?? '2s')
  const fast = parseDuration(check['fast_interval'] ?? '100ms')
  if (!interval.ok || !fast.ok || fast.value <= interval.value || interval.value === 0) return []
  const message = `${formatDuration(fast.value)} is longer than the interval of ${formatDuration(interval.value)}`
  return [{ path: ['proxy', 'check', 'fast_interval'], message }]
}
