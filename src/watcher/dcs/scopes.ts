/** Which Patroni clusters the names of keys show, and what is said where the configured one is not among them. Pure. */
import type { ClusterConfig } from '../../config/config.ts'
import { nearest } from '../../text/suggestion.ts'
import { printable } from '../../text/printable.ts'

/** Where Patroni keeps a cluster. */
export interface ScopePlace {
  /** Without slashes at either end: `service`; empty where the keys are under `/scope/`. */
  readonly namespace: string
  readonly scope: string
  /** Of Citus; null: none. */
  readonly group: number | null
}

/** Returns below what the keys of a cluster are: `/service/demo/`, or `/service/demo/0/` for a Citus group (dcs/__init__.py, AbstractDCS.client_path). */
export function prefixOf({
  namespace,
  scope,
  citusGroup,
}: Pick<ClusterConfig, 'namespace' | 'scope' | 'citusGroup'>): string {
  const parts = [namespace, scope, citusGroup === null ? '' : String(citusGroup)].filter((part) => part !== '')
  return `/${parts.join('/')}/`.replace(/\/{2,}/g, '/')
}

/** What was found, as far as was looked. */
export interface Found {
  readonly places: readonly ScopePlace[]
  /** false: there may be more. */
  readonly isAll: boolean
}

/** So many names are shown. */
const MAX_SHOWN = 10
const MAX_LENGTH = 60

/**
 * Returns the clusters that keys with these names belong to, each once. `namespace`: where they are known to be; null:
 * it has to be read off the names. Only keys that every cluster has count: other programs have a `config`, too.
 */
export function placesOf(keys: readonly string[], namespace: string | null): readonly ScopePlace[] {
  const places = new Map<string, ScopePlace>()
  for (const key of keys) {
    const match = /^\/(.+)\/(?:initialize|leader|members\/[^/]+)$/.exec(key)
    const place = match?.[1] === undefined ? null : placeOf(match[1], namespace)
    if (place !== null) places.set(JSON.stringify(place), place)
  }
  return [...places.values()]
}

/** Parses `service/demo` and `service/demo/0`. */
function placeOf(path: string, namespace: string | null): ScopePlace | null {
  // The leader's position, of Patroni before 2.1.
  const parts = (path.endsWith('/optime') ? path.slice(0, -'/optime'.length) : path).split('/')
  if (namespace !== null) {
    const depth = namespace === '' ? 0 : namespace.split('/').length
    const [scope, group = null, ...more] = parts.slice(depth)
    if (parts.slice(0, depth).join('/') !== namespace || scope === undefined || more.length > 0) return null
    if (group !== null && !isGroup(group)) return null
    return { namespace, scope, group: group === null ? null : Number(group) }
  }
  const last = parts.pop() ?? ''
  const scope = parts.at(-1)
  if (scope === undefined || !isGroup(last) || parts.length < 2)
    return { namespace: parts.join('/'), scope: last, group: null }
  return { namespace: parts.slice(0, -1).join('/'), scope, group: Number(last) }
}

function isGroup(part: string): boolean {
  return /^\d{1,9}$/.test(part)
}

/** Describes what there is of the configured scope where it has no such cluster; null: nothing. */
export function aboutScope({ scope, group }: ScopePlace, { places }: Found): string | null {
  const own = places.filter((place) => place.scope === scope)
  const groups = groupsOf(own)
  const named = quoted(scope)
  if (group === null)
    return groups.length === 0
      ? null
      : `scope ${named} is a Citus cluster with ${counted(groups)}: set citus.group, or name each group in clusters`
  if (groups.length > 0) return `scope ${named} has no Citus group ${group}, but ${counted(groups)}`
  if (own.length > 0) return `scope ${named} has no Citus groups: remove citus.group (${group})`
  return null
}

/** Describes what else there is in its namespace; null: nothing. */
export function aboutNamespace(dcs: string, { namespace, scope }: ScopePlace, { places, isAll }: Found): string | null {
  const names = [...new Set(places.map((place) => place.scope))].filter((name) => name !== scope)
  if (names.length === 0) return null
  const near = nearest(scope, names)
  const others = `there ${names.length === 1 ? 'is' : 'are'} ${listed(names, isAll)}`
  const absent = `this ${dcs} has no cluster ${quoted(scope)} below ${slashed(namespace)}`
  return `${absent}: ${near === null ? others : `did you mean ${quoted(near)}? (${others})`}`
}

/** Describes what else there is in the whole DCS; null where nothing can be said. `hint`: what may be wrong where there is none. */
export function aboutDcs(
  dcs: string,
  hint: string,
  { namespace, scope }: ScopePlace,
  { places, isAll }: Found,
): string | null {
  const others = places.filter((place) => place.namespace !== namespace)
  if (others.length === 0) return isAll ? `this ${dcs} has no keys of any Patroni cluster: ${hint}` : null
  const twin = others.find((place) => place.scope === scope)
  const paths = [...new Set(others.map((place) => `${slashed(place.namespace)}${place.scope}`))]
  const meant = twin === undefined ? '' : `: did you mean namespace ${quoted(slashed(twin.namespace))}?`
  return `this ${dcs} has no cluster below ${slashed(namespace)}, but ${listed(paths, isAll)}${meant}`
}

/** Returns the groups of its scope that no configured cluster follows. */
export function unfollowedGroups(
  { scope }: ScopePlace,
  followed: readonly number[],
  { places }: Found,
): readonly number[] {
  return groupsOf(places.filter((place) => place.scope === scope)).filter((group) => !followed.includes(group))
}

function groupsOf(places: readonly ScopePlace[]): readonly number[] {
  return places.flatMap(({ group }) => group ?? []).toSorted((a, b) => a - b)
}

function counted(groups: readonly number[]): string {
  return `${groups.length === 1 ? 'group' : 'groups'} ${listed(groups.map(String), true)}`
}

function listed(names: readonly string[], isAll: boolean): string {
  const shown = names.slice(0, MAX_SHOWN).map((name) => printable(name, MAX_LENGTH))
  const more = names.length - shown.length
  const rest = more > 0 ? ` and ${more}${isAll ? '' : ' or'} more` : isAll ? '' : ', and perhaps more'
  return `${shown.join(', ')}${rest}`
}

function slashed(namespace: string): string {
  return namespace === '' ? '/' : `/${printable(namespace, MAX_LENGTH)}/`
}

function quoted(name: string): string {
  return `"${printable(name, MAX_LENGTH)}"`
}
