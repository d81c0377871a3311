/** The `listeners` of the section `proxy`. */
import { normalize } from 'node:path'
import type { z } from 'zod'
import { isMapping, mappingOf, type Mapping } from '../../text/unknown-shape.ts'
import { type Bind, BALANCES, type ListenerConfig, type Route } from '../config.ts'
import { shownPath, type Fault } from '../file/problem.ts'
import { defaulting, optional, required } from '../values/fields.ts'
import type { ValueType } from '../values/form.ts'
import { BOOLEAN, oneOf, plainName } from '../values/types.ts'
import { entriesOf, show, showKind, type ParsedParts } from '../values/parsed.ts'
import { SIZE } from '../values/units.ts'
import { BINDS, formatBind, isDual, overlap, parseBind } from './binds.ts'

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

const TAGS: ValueType<ParsedParts<ListenerConfig['tags']>> = {
  parse: parseTags,
  form: { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } },
}

export const LISTENER = {
  bind: required(
    BINDS,
    'Addresses to listen on: one, a list, or text with commas. `*:5000` and `:5000` listen on every address, IPv6 and IPv4; `127.0.0.1:5000`, `[::1]:5000` and `localhost:5000` on one; `/run/db.sock` or `unix@/run/db.sock` is a Unix socket. With port 0 the kernel chooses the port.',
  ),
  route: required(
    oneOf(ROUTES, [], ROUTE_SYNONYMS),
    'Members that its connections go to. `primary`; `replica`: streaming replicas; `sync` and `async`: synchronous and asynchronous ones; `read-only`: replicas and the primary; `standby-leader`; `any`: every running member.',
  ),
  balance: defaulting(oneOf(BALANCES, null), 'roundrobin', 'How one of several members is chosen.'),
  max_lag: optional(
    SIZE,
    'A member further behind than this gets no new sessions: bytes, or text like `16MB` (`B`, `kB`, `MB`, `GB`, `TB`). Not with `primary` and `standby-leader`.',
  ),
  tags: defaulting(
    TAGS,
    {},
    'Tags of Patroni that a member must have, like `{dc: a}`. Not with `primary` and `standby-leader`.',
  ),
  fallback: defaulting(
    oneOf(['none', 'primary']),
    'none',
    '`primary`: the primary serves while no member of the route can. With `replica`, `sync` and `async` only.',
  ),
  close_fallback: defaulting(
    BOOLEAN,
    false,
    'Close the sessions of the fallback once a member of the route is back. Needs `fallback: primary`.',
  ),
  cluster: optional(
    plainName('cluster'),
    'Cluster that it leads to. Required with several clusters. Default: the only one.',
  ),
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

/** Finds names that cannot be columns and identifiers in status, metrics and the admin protocol. */
function checkNames(listeners: Mapping): Fault[] {
  const { parse } = plainName('listener')
  return Object.keys(listeners).flatMap((name) => {
    const parsed = parse(name)
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

/** Finds settings without effect on a route: Patroni, too, reads neither lag nor tags on the paths of a leader. */
function checkRoutes(listeners: Mapping): Fault[] {
  return Object.entries(listeners).flatMap(([name, listener]) => {
    if (!isMapping(listener)) return []
    const { fallback, tags } = listener
    const route = typeof listener['route'] === 'string' ? listener['route'] : ''
    const fault = (key: string, message: string): Fault => ({ path: ['proxy', 'listeners', name, key], message })
    const faults: Fault[] = []
    if (route === 'primary' || route === 'standby-leader') {
      const message = `cannot be used with the route ${route}: it has one member, the leader`
      if ((listener['max_lag'] ?? null) !== null) faults.push(fault('max_lag', message))
      if (isMapping(tags) && Object.keys(tags).length > 0) faults.push(fault('tags', message))
    }
    const why = Object.hasOwn(NO_FALLBACK, route) ? NO_FALLBACK[route] : undefined
    if (fallback === 'primary' && why !== undefined)
      faults.push(fault('fallback', `cannot be used with the route ${route}: ${why}`))
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
