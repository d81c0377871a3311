// Where Patroni keeps what is a key elsewhere: annotations of Pods and of Endpoints or ConfigMaps
// (patroni/dcs/kubernetes.py).
import type { KubeObject } from './client.ts'

export const LABELS: Readonly<Record<string, string>> = { application: 'patroni' }
const SCOPE_LABEL = 'cluster-name'
const GROUP_LABEL = 'citus-group'

/** A key such as `/default/demo/leader`, or `/default/demo/0/leader` of a Citus group. */
export interface KubeKey {
  readonly namespace: string
  readonly scope: string
  readonly group: string | null
  /** Such as `leader`, or `members/pg0`. Empty: all of the cluster. */
  readonly rest: string
}

/** A cluster, or a group of one, in a namespace, and in which of its two ways Patroni keeps it. */
export interface KubePlace extends Omit<KubeKey, 'rest'> {
  readonly useEndpoints: boolean
}

/** What holds a key: the annotations of an object. */
export interface Holder {
  readonly resource: 'pods' | 'endpoints' | 'configmaps'
  readonly name: string
}

/** Splits a key. */
export function parseKey(key: string): KubeKey {
  const [, namespace = '', scope = '', ...parts] = key.split('/')
  const [first = ''] = parts
  const group = /^\d+$/.test(first) ? first : null
  return { namespace, scope, group, rest: (group === null ? parts : parts.slice(1)).join('/') }
}

/** The labels of a cluster's objects. */
export function labelsOf({ scope, group }: Pick<KubeKey, 'scope' | 'group'>): Record<string, string> {
  return { ...LABELS, [SCOPE_LABEL]: scope, ...(group === null ? {} : { [GROUP_LABEL]: group }) }
}

/** Returns a query for objects with these labels. */
export function selectorQuery(labels: Readonly<Record<string, string>>): string {
  const selector = Object.entries(labels).map(([name, value]) => `${name}=${value}`)
  return `labelSelector=${encodeURIComponent(selector.join(','))}`
}

/** Returns which object has a key. @throws for a key that Patroni does not have. */
export function holderOf({ scope, group, useEndpoints }: KubePlace, rest: string): Holder {
  const base = group === null ? scope : `${scope}-${group}`
  const resource = useEndpoints ? 'endpoints' : 'configmaps'
  const [, member] = /^members\/(.+)$/.exec(rest) ?? []
  if (member !== undefined) return { resource: 'pods', name: member }
  if (['leader', 'status', 'optime/leader', 'failsafe'].includes(rest)) {
    return { resource, name: useEndpoints ? base : `${base}-leader` }
  }
  if (['config', 'history', 'initialize'].includes(rest)) return { resource, name: `${base}-config` }
  if (['failover', 'sync'].includes(rest)) return { resource, name: `${base}-${rest}` }
  throw new Error(`Patroni has no key ${rest} in Kubernetes`)
}

/** Annotations that a value of a key stands for; null ends one. @param value null: none. */
export function annotationsOf(rest: string, value: string | null): Record<string, string | null> {
  if (rest.startsWith('members/')) return { status: value }
  // The position stands in one place, whatever Patroni's version.
  if (rest === 'optime/leader') return { optime: value }
  if (!(rest in FIELDS)) return { [rest]: value }
  const fields = JSON.parse(value === null || value === '' ? '{}' : value) as Record<string, unknown>
  return Object.fromEntries(
    (FIELDS[rest] ?? []).map((name) => {
      const field = fields[name] ?? null
      return [name, field === null || typeof field === 'string' ? field : JSON.stringify(field)]
    }),
  )
}

/** Keys whose JSON is spread over annotations. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  failover: ['leader', 'member', 'scheduled_at'],
  sync: ['leader', 'sync_standby'],
  status: ['optime', 'slots'],
}
const KEYS = ['leader', 'status', 'failsafe', 'config', 'history', 'initialize', 'failover', 'sync']

/** Returns the keys that an object has, behind those of its cluster, with their values. */
export function keysIn(place: KubePlace, resource: string, { metadata }: KubeObject): Map<string, string> {
  const { name, annotations = {} } = metadata
  if (resource === 'pods') {
    const { status } = annotations
    return new Map(status === undefined ? [] : [[`members/${name}`, status]])
  }
  const held = KEYS.filter((key) => holderOf(place, key).name === name)
  return new Map(
    held.flatMap((key) => {
      const value = valueOf(key, annotations)
      return value === null ? [] : [[key, value] as const]
    }),
  )
}

function valueOf(key: string, annotations: Readonly<Record<string, string>>): string | null {
  const names = FIELDS[key]
  if (names === undefined) return annotations[key] ?? null
  const found = names.flatMap((name) => {
    const value = annotations[name]
    return value === undefined ? [] : [[name, key === 'status' ? (JSON.parse(value) as unknown) : value] as const]
  })
  // The leader of a sync or failover object stands in an object of its own.
  return found.length === 0 ? null : JSON.stringify(Object.fromEntries(found))
}
