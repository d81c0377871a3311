/** The section `proxy`, and what of it a cluster can have otherwise. */
import { type DcsSection, isThere } from '../dcs/kind.ts'
import { z } from 'zod'
import { isMapping, mappingOf, type Mapping } from '../../text/unknown-shape.ts'
import type { CheckConfig, ProxyConfig } from '../config.ts'
import type { Fault } from '../file/problem.ts'
import { defaulting, entry, optional, section } from '../values/fields.ts'
import { integer, oneOf, PLAIN_NAME_FORM } from '../values/types.ts'
import { DURATION, formatDuration, parseDuration, POSITIVE_DURATION } from '../values/units.ts'
import { DEFAULT_LISTENERS, LISTENER, listenerConfig } from './listeners.ts'

export const CHECK = {
  interval: lasting(
    POSITIVE_DURATION,
    2000,
    'Time between two checks of a member, and between two reads of the leader key.',
  ),
  fast_interval: lasting(
    POSITIVE_DURATION,
    100,
    'Time between two checks while a primary is being waited for. At most `interval`. A new leader is checked every 20 ms for the first 3 s.',
  ),
  timeout: lasting(POSITIVE_DURATION, 1000, 'Time after which a check without an answer has failed.'),
  rise: defaulting(integer(1), 1, 'Successful checks in a row after which a replica gets new sessions.'),
  fall: defaulting(integer(1), 3, 'Failed checks in a row after which a replica gets no new sessions.'),
}
export const HOLD = {
  timeout: lasting(
    DURATION,
    45_000,
    'How long a new connection waits for a primary before it is refused. `0`: it is refused at once.',
  ),
  max_connections: defaulting(
    integer(1, '; to hold no connection set hold.timeout to 0'),
    10_000,
    'How many connections may wait at a time; further ones are refused.',
  ),
  refuse_tls: defaulting(
    oneOf(['answer', 'close']),
    'answer',
    'How a client that requests TLS is refused. `answer`: the router answers that it has no TLS, so that clients that may continue without it can show the reason. `close`: the connection is closed at once.',
  ),
}
export const TIMEOUTS = {
  connect: lasting(POSITIVE_DURATION, 4000, 'Time to connect to a member.'),
  client: lasting(
    DURATION,
    1_800_000,
    'A session in which no data passes from or to the client for this long is closed, also while a statement runs: raise both timeouts, or set them to `0`, where statements take longer. `0`: never.',
  ),
  server: lasting(DURATION, 1_800_000, 'The same for data from or to the server.'),
}
const ADDRESS = oneOf(['conn_url', 'proxy_url'])
const ADDRESS_TEXT =
  "Address of a member that is connected to. `proxy_url`: that of the member's pooler (Patroni's `proxy_address`), where it has one. Not with `rest` and `raft`."
const TRUST = oneOf(['proof', 'dcs'])
const TRUST_TEXT =
  'When a member is used as the primary. `proof`: only after its own REST API has confirmed it. `dcs`: the leader key in the DCS is enough; for a REST API that cannot be reached. Not with `rest` and `raft`.'
const CHECK_TEXT = 'How often members and the DCS are checked.'
export const PROXY = {
  listeners: z
    .record(z.string(), entry(LISTENER, 'One listener, under the name that `status` and the log show.'))
    .nullish()
    .meta({
      description:
        'Addresses to listen on and where each leads, by name. Any listener here replaces both default ones. Default: `primary` on `*:5000` and `replicas` on `*:5001`.',
      propertyNames: PLAIN_NAME_FORM,
    }),
  address: defaulting(ADDRESS, 'conn_url', ADDRESS_TEXT),
  check: section(CHECK, CHECK_TEXT),
  trust: defaulting(TRUST, 'proof', TRUST_TEXT),
  hold: section(HOLD, 'New connections while there is no primary.'),
  max_connections: defaulting(
    integer(0),
    0,
    'How many clients may be connected in all. `0`: as many as file descriptors (two for each session) and memory allow.',
  ),
  timeouts: section(TIMEOUTS, 'Timeouts of sessions.'),
  tcp_keepalive: lasting(DURATION, 15_000, 'Idle time before the first TCP keepalive probe. `0`: no probes.'),
  drain_timeout: lasting(
    DURATION,
    30_000,
    'How long sessions may continue after SIGTERM. `0`: they are closed at once.',
  ),
}
/** What a cluster may have otherwise than the others; null: as in `proxy`. */
export const CLUSTER_PROXY = {
  address: optional(ADDRESS, `${ADDRESS_TEXT} Default: \`proxy.address\`.`),
  check: z
    .preprocess((value) => value ?? null, z.strictObject(CHECK).nullable())
    .meta({ description: `${CHECK_TEXT} Replaces \`proxy.check\` as a whole.` }),
  trust: optional(TRUST, `${TRUST_TEXT} Default: \`proxy.trust\`.`),
}
export const PROXY_SECTION = section(
  PROXY,
  'The TCP router. It is on unless `templates` or `track` are configured without this section.',
)
export const CLUSTER_PROXY_SECTION = section(
  CLUSTER_PROXY,
  'Settings of this cluster that differ from those of the others.',
)

function lasting(kind: typeof DURATION, ms: number, description: string) {
  return defaulting(kind, ms, description, formatDuration(ms))
}

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
