/** Names of clusters in listeners, templates, hooks and track files, and whether there are such clusters. Pure. */
import { plainName } from '../values/types.ts'
import { isMisread, show } from '../values/parsed.ts'
import { isMapping, listOf, mappingOf, type Mapping } from '../../text/unknown-shape.ts'
import type { Fault } from '../file/problem.ts'
import { nearest } from '../../text/suggestion.ts'

/**
 * Checks which clusters listeners, templates, hooks and track files name. `names`: of all clusters; where there is but
 * one, it need not be named.
 */
export function checkReferences(tree: Mapping, names: readonly string[]): Fault[] {
  const { listeners } = mappingOf(tree['proxy'])
  const { files } = mappingOf(tree['track'])
  return [
    ...checkDefaults(tree, names),
    ...checkThatSomethingIsDone(tree, listeners),
    ...Object.entries(mappingOf(listeners)).flatMap(([name, listener]) =>
      checkOne(listener, ['proxy', 'listeners', name], names, true),
    ),
    ...listOf(tree['templates']).flatMap((each, at) => checkTemplate(each, ['templates', String(at)], names)),
    ...listOf(tree['hooks']).flatMap((each, at) => checkOne(each, ['hooks', String(at)], names, false)),
    ...listOf(files).flatMap((each, at) => checkOne(each, ['track', 'files', String(at)], names, true)),
  ]
}

/** Finds several clusters without listeners: the default listeners are those of one cluster. */
function checkDefaults(tree: Mapping, names: readonly string[]): Fault[] {
  if (names.length < 2) return []
  const proxy = tree['proxy'] ?? null
  const isOff = proxy === null && isSidecar(tree)
  if (isOff || (isMapping(proxy) && (proxy['listeners'] ?? null) !== null)) return []
  const path = proxy === null ? ['clusters'] : ['proxy', 'listeners']
  return [{ path, message: 'with several clusters there are no default listeners: name them in proxy.listeners' }]
}

/** Finds a router that does nothing: without listeners it can still write files and run hooks. */
function checkThatSomethingIsDone(tree: Mapping, listeners: unknown): Fault[] {
  if (!isMapping(listeners) || Object.keys(listeners).length > 0) return []
  const message = 'at least one listener is needed where there are no templates, hooks and track files'
  return isSidecar(tree) || listOf(tree['hooks']).length > 0 ? [] : [{ path: ['proxy', 'listeners'], message }]
}

/** Returns whether files are all that is configured: the proxy is off then unless it has a section. */
export function isSidecar({ templates, track }: Mapping): boolean {
  return [templates, mappingOf(track)['files']].some((list) => listOf(list).length > 0)
}

function checkOne(entry: unknown, path: readonly string[], names: readonly string[], isNeeded: boolean): Fault[] {
  if (!isMapping(entry)) return []
  const { cluster = null } = entry
  // A value that is no name is reported where its form is checked.
  if (cluster !== null) return isName(cluster) ? unknown(cluster, [...path, 'cluster'], names) : []
  if (!isNeeded || names.length < 2) return []
  return [{ path: [...path, 'cluster'], message: `is required: one of ${names.join(', ')}` }]
}

function checkTemplate(entry: unknown, path: readonly string[], names: readonly string[]): Fault[] {
  if (!isMapping(entry)) return []
  const { cluster = null, clusters = null } = entry
  if (clusters === null) {
    if (cluster !== null || names.length < 2) return checkOne(entry, path, names, true)
    const message = `is required: one of ${names.join(', ')}; or clusters: all, and {{#each clusters}} in the template`
    return [{ path: [...path, 'cluster'], message }]
  }
  if (cluster !== null)
    return [{ path: [...path, 'clusters'], message: 'cannot be used together with cluster: keep one of them' }]
  if (clusters === 'all') return []
  if (!Array.isArray(clusters) || clusters.length === 0)
    return [{ path: [...path, 'clusters'], message: `${show(clusters)} is neither all nor a list of names` }]
  const twice = clusters.findIndex((name, at) => clusters.indexOf(name) < at)
  return [
    ...clusters.flatMap((name: unknown, at) => unknown(name, [...path, 'clusters', String(at)], names)),
    ...(twice < 0 ? [] : [{ path: [...path, 'clusters', String(twice)], message: 'is named twice' }]),
  ]
}

function unknown(name: unknown, path: readonly string[], names: readonly string[]): Fault[] {
  if (typeof name === 'string' && names.includes(name)) return []
  if (isMisread(name)) return [{ path, message: 'must be text: quote it' }]
  const near = typeof name === 'string' ? nearest(name, names) : null
  const hint =
    near === null ? `there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}` : `did you mean "${near}"?`
  return [{ path, message: `${show(name)} is not the name of a cluster; ${hint}` }]
}

function isName(value: unknown): boolean {
  return plainName('cluster').parse(value).ok
}
