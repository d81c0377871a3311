/** The `listeners` of the section `proxy`. */
import { normalize } from 'node:path'
import type { z } from 'zod'
import { isMapping, mappingOf, type Mapping } from '../../text/unknown-shape.ts'
import { type Bind, BALANCES, type ListenerConfig, type Route } from '../config.ts'
import { shownPath, type Fault } from '../file/problem.ts'
import { boolean, field, oneOf, optional, parts, plainName } from '../values/fields.ts'
import { entriesOf, show, showKind, type ParsedParts } from '../values/parsed.ts'
import { parseSize } from '../values/units.ts'
import { formatBind, isDual, overlap, parseBind, parseBinds } from './binds.ts'

const DEFAULTS = { balance: 'roundrobin', maxLagBytes: null, tags: {}, fallback: 'none', closeFallback: false } as const

export const DEFAULT_LISTENERS: readonly ListenerConfig[] = [
  { name: 'primary', binds: [{ kind: 'tcp', host: null, port: 5000 }], route: 'primary', ...DEFAULTS },
  { name: 'replicas', binds: [{ kind: 'tcp', host: null, port: 5001 }], route: 'replica', ...DEFAULTS },
]

const ROUTES: readonly Route[] = ['primary', 'replica', 'sync', 'async', 'read-only', 'standby-leader', 'any']
/** What Patroni, HAProxy and habit call them. */
const ROUTE_SYNONYMS: Readonly<Record<string, Route>> = {
  ...{ leader: 'primary', master: 'primary', write: 'primary', 'read-write': 'primary', rw: 'primary' },
  ...{ standby: 'replica', slave: 'replica', secondary: 'replica', synchronous: 'sync', asynchronous: 'async' },
  ...{ read: 'read-only', ro: 'read-only', all: 'any', health: 'any' },
  // Listeners of the Ansible collections, and what HAProxy's statistics call them.
  ...{ masters: 'primary', primaries: 'primary', replicas: 'replica', standbys: 'replica', slaves: 'replica' },
  ...{ 'replicas-sync': 'sync', 'replica-sync': 'sync', 'sync-replicas': 'sync', 'sync-standby': 'sync' },
  ...{ quorum: 'sync', 'quorum-standby': 'sync', 'replicas-async': 'async', 'replica-async': 'async' },
  ...{ 'async-replicas': 'async', 'async-standby': 'async', 'read-replicas': 'replica', readers: 'replica' },
}

export const LISTENER = {
  bind: parts(parseBinds),
  route: field(oneOf(ROUTES, [], ROUTE_SYNONYMS)),
  balance: optional(oneOf(BALANCES, null), 'roundrobin'),
  max_lag: optional(parseSize, null),
  tags: parts((value) => parseTags(value ?? {})),
  fallback: optional(oneOf(['none', 'primary']), 'none'),
  close_fallback: optional(boolean, false),
  cluster: optional(plainName('cluster'), null),
}
/** Parses the tags that a member has to have: `{dc: a}`. */
export function parseTags(value: unknown): ParsedParts<ListenerConfig['tags']> {
  if (!isMapping(value)) {
    const message = `must be a mapping like {dc: a}, not ${showKind(value)}`
    return { value: null, faults: [{ path: [], message }] }
  }
  const isTag = (entry: [string, unknown]): entry is [string, string | number | boolean] =>
    ['string', 'boolean'].includes(typeof entry[1]) || Number.isFinite(entry[1])
  const [tags, strange] = [Object.entries(value).filter(isTag), Object.entries(value).filter((tag) => !isTag(tag))]
  const faults = strange.map(([key, tag]) => ({
    path: [key],
    message: `must be text (quoted, if in doubt), a number, true or false, not ${show(tag)}`,
  }))
  return { value: Object.fromEntries(tags), faults }
}

export function listenerConfig(name: string, listener: z.infer<z.ZodObject<typeof LISTENER>>): ListenerConfig {
  const { bind: binds, route, balance, max_lag: maxLagBytes, tags, fallback, close_fallback: closeFallback } = listener
  return { name, binds, route, balance, maxLagBytes, tags, fallback, closeFallback }
}

/** Returns what is wrong with names and routes of listeners, and between their addresses and the admin socket. */
export function checkListeners(listeners: Mapping, adminSocket: string): Fault[] {
  return [...checkNames(listeners), ...overlappingBinds(listeners, adminSocket), ...checkRoutes(listeners)]
}

/** The names are columns and identifiers in status, metrics and the admin protocol. */
function checkNames(listeners: Mapping): Fault[] {
  const check = plainName('listener')
  return Object.keys(listeners).flatMap((name) => {
    const parsed = check(name)
    return parsed.ok ? [] : [{ path: ['proxy', 'listeners', name], message: parsed.message }]
  })
}

/** Finds addresses that could not be opened, because something before takes them: a listener, or the admin socket. */
export function overlappingBinds(listeners: Mapping, adminSocket: string): Fault[] {
  const faults: Fault[] = []
  const taken: { readonly bind: Bind; readonly name: string }[] = []
  for (const [name, listener] of Object.entries(listeners)) {
    for (const { path, value } of entriesOf(mappingOf(listener)['bind'])) {
      const parsed = parseBind(value)
      if (!parsed.ok) continue
      const bind = parsed.value
      const report = (message: string): void => {
        faults.push({
          path: ['proxy', 'listeners', name, 'bind', ...path],
          message: `"${formatBind(bind)}" ${message}`,
        })
      }
      if (bind.kind === 'unix' && bind.path === normalize(adminSocket)) report('is the admin socket (admin.socket)')
      const other = taken.find((earlier) => overlap(earlier.bind, bind))
      if (other === undefined) taken.push({ bind, name })
      else {
        const owner = other.name === name ? 'this listener already' : `the listener ${shownPath([other.name])}`
        report(`is taken by ${owner} ("${formatBind(other.bind)}"${isDual(other.bind) ? ', IPv6 and IPv4' : ''})`)
      }
    }
  }
  return faults
}

/** What means nothing on a route: Patroni, too, looks at neither lag nor tags on the paths of a leader. */
function checkRoutes(listeners: Mapping): Fault[] {
  return Object.entries(listeners).flatMap(([name, listener]) => {
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

/** Returns the paths of the Unix sockets that listeners have, as far as they can be parsed. */
export function listenerSockets({ proxy }: Mapping): readonly string[] {
  const listeners = Object.values(mappingOf(mappingOf(proxy)['listeners']))
  return listeners
    .flatMap((listener) => entriesOf(mappingOf(listener)['bind']))
    .flatMap(({ value }) => {
      const parsed = parseBind(value)
      return parsed.ok && parsed.value.kind === 'unix' ? [parsed.value.path] : []
    })
}
