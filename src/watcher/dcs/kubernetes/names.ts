/** The names of a cluster's objects in Kubernetes, and what finds them (patroni/dcs/kubernetes.py). Pure. */

/** The objects that hold the keys: Endpoints with `use_endpoints`, else ConfigMaps. */
export type ObjectKind = 'endpoints' | 'configmaps'

/** What people call them. */
export const KIND_WORDS: Readonly<Record<ObjectKind, string>> = { endpoints: 'Endpoints', configmaps: 'ConfigMaps' }

/** The label that Patroni gives the Pods and objects of a Citus group. */
export const CITUS_LABEL = 'citus-group'

/** RFC 1123, as the API server checks names: of a namespace, and of an object. */
export const NAMESPACE = '^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$'
/** The scope is part of the names of objects, and the value of a label as well. */
export const SCOPE = '^[a-z0-9](?:[-.a-z0-9]{0,61}[a-z0-9])?$'
const WORD = '[A-Za-z0-9](?:[-._A-Za-z0-9]{0,61}[A-Za-z0-9])?'
export const LABEL = `^(?:[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?/)?${WORD}$`
export const LABEL_VALUE = `^(?:${WORD})?$`

/** A cluster, as far as the names of its objects go. */
export interface ClusterPlace {
  readonly scope: string
  /** Of Citus; null: none. */
  readonly group: number | null
}

/** Names of the objects of one cluster. */
export interface ObjectNames {
  readonly leader: string
  readonly config: string
  readonly failover: string
  readonly sync: string
}

/** Returns the names of a cluster's objects; a Citus group is in each. */
export function objectNames({ scope, group }: ClusterPlace, kind: ObjectKind): ObjectNames {
  const base = group === null ? scope : `${scope}-${group}`
  return {
    leader: kind === 'endpoints' ? base : `${base}-leader`,
    config: `${base}-config`,
    failover: `${base}-failover`,
    sync: `${base}-sync`,
  }
}

/** Returns a label selector, `a=b,c=d`. */
export function selectorOf(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
}

/**
 * Returns the labels of a cluster's objects and Pods. Patroni itself selects without the group, which every object of a
 * group has as a label, because it reads all groups.
 */
export function clusterLabels(
  labels: Readonly<Record<string, string>>,
  scopeLabel: string,
  { scope, group }: ClusterPlace,
): Readonly<Record<string, string>> {
  return { ...labels, [scopeLabel]: scope, ...(group === null ? {} : { [CITUS_LABEL]: String(group) }) }
}

/** Returns the group of a label; null: none, or of no form that Patroni accepts. */
export function groupOf(label: string | undefined): number | null {
  return label !== undefined && /^(?:0|[1-9]\d{0,8})$/.test(label) ? Number(label) : null
}
