/** The clusters of a configuration, each as the flat configuration that it would be alone. Pure. */
import type { ClusterConfig } from '../config.ts'
import { dcsNames, type DcsSection, isThere, kindOf, type Origin } from '../dcs/kind.ts'
import { resolveDcs } from '../dcs/resolve.ts'
import { parsePatroni } from '../patroni.ts'
import { plainName } from '../values/types.ts'
import { bad, show, type Parsed } from '../values/parsed.ts'
import { isMapping, listOf, mappingOf, type Mapping } from '../../text/unknown-shape.ts'
import type { Fault } from '../file/problem.ts'

export interface ClusterDraft {
  /** null: the flat form, which has no name but the scope. */
  readonly name: string | null
  /** The sections that describe one cluster. */
  readonly tree: Mapping
  /** Where a key of `tree` is written, or would be. */
  readonly place: (path: readonly string[]) => readonly string[]
}

export const OTHERS = ['scope', 'namespace', 'name', 'citus', 'ctl', 'restapi'] as const
/** What of the proxy is a matter of the cluster. */
const PROXY = ['address', 'trust', 'check'] as const

/** Returns what an entry of `clusters` can have, but for the proxy. */
export function clusterKeys(kinds: readonly DcsSection[]): readonly string[] {
  return [...OTHERS, ...dcsNames(kinds)]
}

/**
 * Returns the clusters of a configuration. A section at the top counts for each cluster that has none of its
 * own.
 */
export function clusterDrafts(tree: Mapping, kinds: readonly DcsSection[]): readonly ClusterDraft[] {
  const { clusters = null } = tree
  if (!isMapping(clusters)) return [{ name: null, tree, place: (path) => path }]
  return Object.entries(clusters).map(([name, entry]) => draftOf(name, mappingOf(entry), tree, dcsNames(kinds)))
}

/** Builds the draft of a cluster. `dcs`: the sections that say where it is observed; with one of its own it inherits none. */
function draftOf(name: string, entry: Mapping, top: Mapping, dcs: readonly string[]): ClusterDraft {
  const hasDcs = dcs.some((key) => isThere(entry, key))
  const own = [...OTHERS, ...dcs].filter((key) => isThere(entry, key))
  const inherited = [...OTHERS, ...(hasDcs ? [] : dcs)].filter((key) => !isThere(entry, key) && isThere(top, key))
  const [ownProxy, topProxy] = [entry, top].map(({ proxy }) => (isMapping(proxy) ? proxy : {}))
  const proxy = PROXY.map((key) => [key, ownProxy?.[key] ?? topProxy?.[key]])
  return {
    name,
    tree: {
      scope: name,
      ...Object.fromEntries(inherited.map((key) => [key, top[key]])),
      ...Object.fromEntries(own.map((key) => [key, entry[key]])),
      proxy: Object.fromEntries(proxy),
    },
    place: (path) => {
      const [key = '', below = ''] = path
      const isTop = key === 'proxy' ? !isThere(ownProxy ?? {}, below) : inherited.includes(key)
      return isTop ? path : ['clusters', name, ...path]
    },
  }
}

/** Returns the name of a cluster; in the flat form it is the scope. */
export function nameOf({ name, tree }: ClusterDraft): string {
  return name ?? (typeof tree['scope'] === 'string' ? tree['scope'] : '')
}

function clusterName(name: string): Parsed<string> {
  // JavaScript puts such names first, whatever the order in the file.
  if (/^\d+$/.test(name)) return bad('is a number: the name of a cluster has a letter, too')
  return plainName('cluster').parse(name)
}

/** Returns what is wrong with the list of clusters itself. */
export function checkClusters(tree: Mapping): Fault[] {
  const { clusters = null } = tree
  if (!isMapping(clusters)) return []
  const names = Object.keys(clusters)
  if (names.length === 0) return [{ path: ['clusters'], message: 'is empty: name at least one cluster' }]
  return names.flatMap((name) => {
    const parsed = clusterName(name)
    return parsed.ok ? [] : [{ path: ['clusters', name], message: parsed.message }]
  })
}

/**
 * Returns which clusters are there twice: each would be checked and reported twice. null: a cluster that is not
 * understood.
 */
export function checkDistinct(
  clusters: readonly (Pick<ClusterConfig, 'namespace' | 'scope' | 'citusGroup' | 'dcs' | 'name'> | null)[],
  kinds: readonly DcsSection[],
): Fault[] {
  const seen = new Map<string, string>()
  return clusters.flatMap((cluster) => {
    if (cluster === null) return []
    const { name, scope, dcs } = cluster
    const id = JSON.stringify([dcs.kind, kindOf(dcs, kinds).identify(dcs, cluster)])
    const other = seen.get(id)
    if (other === undefined) {
      seen.set(id, name)
      return []
    }
    const message = `is the same cluster as ${other}: scope ${show(scope)}, with the same DCS, namespace and Citus group`
    return [{ path: ['clusters', name], message }]
  })
}

/** Returns whether the configuration is about no cluster: its templates read keys, and there is nothing else in it. */
export function isKeysOnly(tree: Mapping, kinds: readonly DcsSection[]): boolean {
  const { scope = null, clusters = null, proxy = null, hooks, track, templates } = tree
  const hasKeys = kinds.some((kind) => kind.hasKeys && isThere(tree, kind.name))
  if ((scope !== null && scope !== '') || clusters !== null || !hasKeys || proxy !== null) return false
  const { files } = mappingOf(track)
  const entries = listOf(templates)
  return entries.length > 0 && entries.every(readsKeys) && listOf(hooks).length + listOf(files).length === 0
}

/** Returns whether a template reads keys and is about no cluster. */
function readsKeys(entry: unknown): boolean {
  if (!isMapping(entry)) return false
  const { keys = null, cluster = null, clusters = null } = entry
  return listOf(keys).length > 0 && cluster === null && clusters === null
}

/** Returns the draft with a scope: the DCS is read as that of a cluster, whose name does not matter. */
export function withoutCluster(draft: ClusterDraft): ClusterDraft {
  return { ...draft, tree: { ...draft.tree, scope: 'none' } }
}

export interface ParsedCluster {
  readonly name: string
  readonly value: Omit<ClusterConfig, 'proxy'> | null
  readonly faults: readonly Fault[]
  readonly warnings: readonly Fault[]
}

/** Parses what Patroni's sections say of one cluster, and where it is observed: all but the proxy. */
export function parseCluster(
  { name, tree, place }: ClusterDraft,
  origin: Origin,
  kinds: readonly DcsSection[],
): ParsedCluster {
  const patroni = parsePatroni(tree, kinds)
  const dcs = resolveDcs(tree, origin, kinds)
  const placed = (faults: readonly Fault[]): Fault[] =>
    faults.map(({ path, message }) => ({ path: place(path), message }))
  const own = name ?? patroni.value?.scope ?? ''
  return {
    name: own,
    value: patroni.value === null || dcs.value === null ? null : { name: own, ...patroni.value, dcs: dcs.value },
    faults: placed([...patroni.faults, ...dcs.faults]),
    warnings: placed([...patroni.warnings, ...dcs.warnings]),
  }
}
