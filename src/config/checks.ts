import type { ClusterDraft } from './clusters/clusters.ts'
import { DEFAULT_ADMIN_SOCKET } from './defaults.ts'
import { plainName } from './values/fields.ts'
import { overlappingBinds } from './proxy/binds.ts'
import { isMapping } from './values/parsed.ts'
import type { Fault } from './file/problem.ts'
import { isSidecar } from './clusters/references.ts'
import { formatDuration, parseDuration } from './values/units.ts'

/**
 * What is wrong between keys that are each right. It looks at the tree and not at the checked values, so that a fault
 * elsewhere does not hide these.
 */
export function checkTogether(tree: Readonly<Record<string, unknown>>, drafts: readonly ClusterDraft[]): Fault[] {
  const proxy = isMapping(tree['proxy']) ? tree['proxy'] : {}
  const socket = isMapping(tree['admin']) ? tree['admin']['socket'] : null
  return [
    ...checkThatSomethingIsDone(tree, proxy['listeners']),
    ...checkListenerNames(proxy['listeners']),
    ...overlappingBinds(proxy['listeners'], typeof socket === 'string' ? socket : DEFAULT_ADMIN_SOCKET),
    ...checkRoutes(proxy['listeners']),
    ...drafts.flatMap(checkCluster),
  ]
}

function checkCluster({ tree, place }: ClusterDraft): Fault[] {
  const proxy = isMapping(tree['proxy']) ? tree['proxy'] : {}
  const faults = [...((tree['rest'] ?? null) === null ? [] : checkRest(proxy)), ...checkPace(proxy['check'])]
  return faults.map(({ path, message }) => ({ path: place(path), message }))
}

/** Without listeners a router can still write files and run hooks. */
function checkThatSomethingIsDone(tree: Readonly<Record<string, unknown>>, listeners: unknown): Fault[] {
  if (!isMapping(listeners) || Object.keys(listeners).length > 0) return []
  const message = 'at least one listener is needed where there are no templates, hooks and track files'
  const hasHooks = Array.isArray(tree['hooks']) && tree['hooks'].length > 0
  return isSidecar(tree) || hasHooks ? [] : [{ path: ['proxy', 'listeners'], message }]
}

/** The names are columns and identifiers in status, metrics and the admin protocol. */
function checkListenerNames(listeners: unknown): Fault[] {
  const check = plainName('listener')
  return Object.keys(isMapping(listeners) ? listeners : {}).flatMap((name) => {
    const parsed = check(name)
    return parsed.ok ? [] : [{ path: ['proxy', 'listeners', name], message: parsed.message }]
  })
}

/** What means nothing on a route: Patroni, too, looks at neither lag nor tags on the paths of a leader. */
function checkRoutes(listeners: unknown): Fault[] {
  return Object.entries(isMapping(listeners) ? listeners : {}).flatMap(([name, listener]) => {
    if (!isMapping(listener)) return []
    const { fallback, tags } = listener
    const route = typeof listener['route'] === 'string' ? listener['route'] : ''
    const fault = (key: string, message: string): Fault => ({ path: ['proxy', 'listeners', name, key], message })
    const faults: Fault[] = []
    if (route === 'primary' || route === 'standby-leader') {
      const message = `has no meaning for the route ${route}: it has one member, the leader`
      if ((listener['max_lag'] ?? null) !== null) faults.push(fault('max_lag', message))
      if (isMapping(tags) && Object.keys(tags).length > 0) faults.push(fault('tags', message))
    }
    const why = Object.hasOwn(NO_FALLBACK, route) ? NO_FALLBACK[route] : undefined
    if (fallback === 'primary' && why !== undefined)
      faults.push(fault('fallback', `has no meaning for the route ${route}: ${why}`))
    if (listener['close_fallback'] === true && (fallback ?? 'none') === 'none')
      faults.push(fault('close_fallback', 'needs fallback: primary'))
    return faults
  })
}

const NO_FALLBACK: Readonly<Record<string, string>> = {
  primary: 'its connections wait for the next primary',
  'standby-leader': 'a cluster that has one has no primary',
  'read-only': 'the primary is one of its members',
  any: 'the primary is one of its members',
}

/** What needs a DCS. With `rest` no lock can be read, and Patroni's `GET /cluster` leaves out `proxy_url` (utils.py). */
function checkRest({ trust, address }: Readonly<Record<string, unknown>>): Fault[] {
  const faults: Fault[] = []
  const report = (key: string, message: string): unknown => faults.push({ path: ['proxy', key], message })
  if (trust === 'dcs')
    report('trust', 'dcs needs a DCS, and rest has only the members to ask: use proof, or etcd3 or file')
  if (address === 'proxy_url')
    report('address', `with rest only conn_url is known: Patroni's REST API does not tell a member's proxy_url`)
  return faults
}

function checkPace(check: unknown): Fault[] {
  if (!isMapping(check)) return []
  const interval = parseDuration(check['interval'] ?? '2s')
  const fast = parseDuration(check['fast_interval'] ?? '100ms')
  if (!interval.ok || !fast.ok || fast.value <= interval.value || interval.value === 0) return []
  const message = `${formatDuration(fast.value)} is longer than the interval of ${formatDuration(interval.value)}`
  return [{ path: ['proxy', 'check', 'fast_interval'], message }]
}
