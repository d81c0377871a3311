import { join, normalize, resolve } from 'node:path'
import { type ClusterDraft, nameOf } from '../clusters/clusters.ts'
import { type DcsSection, kindIn } from '../dcs/kind.ts'
import { checkHooks } from './hooks.ts'
import { mentions, placeholdersIn, wordsOf } from './command.ts'
import { alternatives } from '../../text/wording.ts'
import { isMapping, type Mapping, mappingOf } from '../../text/unknown-shape.ts'
import type { Fault } from '../file/problem.ts'
import { checkGroups } from './reload-groups.ts'
import { DEFAULT_ADMIN_SOCKET } from '../defaults.ts'
import { listenerSockets } from '../proxy/listeners.ts'
import { at, draftsOf, type Draft } from './templates.ts'
import { trackPaths } from '../track.ts'

interface TemplateFindings {
  readonly faults: Fault[]
  readonly warnings: Fault[]
}

/** Files that no template may write. */
export interface Surroundings {
  /** Absolute; none: the environment alone. */
  readonly configFiles: readonly string[]
  /** Absolute; where relative paths start. */
  readonly directory: string
  /** Directory that `~` is; null: unknown. */
  readonly home: string | null
}

/** Returns what is wrong, or doubtful, between keys of templates and hooks of which each is right. */
export function checkTemplates(
  tree: Mapping,
  surroundings: Surroundings,
  clusters: readonly ClusterDraft[],
  kinds: readonly DcsSection[],
): TemplateFindings {
  const drafts = draftsOf(tree['templates'], surroundings.directory)
  const taken = takenIn(tree, surroundings, clusters, kinds)
  const hasState = (tree['state_dir'] ?? null) !== null
  const names = clusters.map(nameOf)
  const warnings = drafts.flatMap(checkOfOldFile)
  const reloading = drafts.find(({ reload }) => reload !== null)
  if (reloading !== undefined && !hasState)
    warnings.push(at(reloading, 'reload', 'without state_dir a pending reload is lost at a restart'))
  return {
    faults: [
      ...drafts.flatMap((draft) => [
        ...checkDestination(draft, drafts, taken),
        ...checkCommands(draft, surroundings),
        ...checkKeys(draft, clusters, kinds),
      ]),
      ...checkGroups(drafts, hasState),
      ...checkHooks(tree['hooks'], drafts, names),
      ...checkTrackPaths(tree, taken, drafts),
    ],
    warnings,
  }
}

/** A path that is used otherwise; `isTree`: with all that is in it. */
interface Taken {
  readonly path: string
  readonly isTree: boolean
  readonly message: string
}

function takenIn(
  tree: Mapping,
  { configFiles, directory }: Surroundings,
  clusters: readonly ClusterDraft[],
  kinds: readonly DcsSection[],
): readonly Taken[] {
  const { admin, state_dir: stateDir } = tree
  const socket = isMapping(admin) && typeof admin['socket'] === 'string' ? admin['socket'] : DEFAULT_ADMIN_SOCKET
  const read = clusters.flatMap((cluster) =>
    kinds.flatMap((kind) => kind.reads?.(mappingOf(cluster.tree[kind.name])) ?? []),
  )
  return [
    ...configFiles.map((path) => ({ path, isTree: false, message: 'is the configuration file' })),
    ...read.map(({ path, what }) => ({ path: resolve(directory, path), isTree: false, message: `is ${what}` })),
    { path: normalize(socket), isTree: false, message: 'is the admin socket (admin.socket)' },
    ...listenerSockets(tree).map((path) => ({ path, isTree: false, message: 'is the socket of a listener' })),
    { path: typeof stateDir === 'string' ? stateDir : null, isTree: true, message: 'is in state_dir' },
  ].flatMap(({ path, ...rest }) => (path === null || path === '' ? [] : [{ path: normalize(path), ...rest }]))
}

function isTaken(path: string, taken: readonly Taken[]): Taken | undefined {
  return taken.find((other) => path === other.path || (other.isTree && path.startsWith(join(other.path, '/'))))
}

/** Finds track files at paths that are used otherwise. */
function checkTrackPaths(tree: Mapping, taken: readonly Taken[], drafts: readonly Draft[]): Fault[] {
  return trackPaths(tree).flatMap(({ path, at: place }): Fault[] => {
    const template = drafts.find(({ source, destination, section }) => {
      const backup = section['backup'] === true && destination !== null ? `${destination}.bak` : null
      return [source, destination, backup].includes(path)
    })
    const message = template === undefined ? isTaken(path, taken)?.message : `is a file of templates.${template.index}`
    return message === undefined ? [] : [{ path: place, message }]
  })
}

/** Finds destinations that are used otherwise. */
function checkDestination(draft: Draft, drafts: readonly Draft[], taken: readonly Taken[]): Fault[] {
  const { destination } = draft
  if (destination === null) return []
  const before = drafts.find((other) => other.destination === destination)
  const kept = drafts.find((other) => other.section['backup'] === true && destination === `${other.destination}.bak`)
  const source = drafts.find((other) => other.source === destination)
  if (before !== undefined && before !== draft)
    return [at(draft, 'destination', `is the destination of templates.${before.index} already`)]
  if (source !== undefined)
    return [
      at(draft, 'destination', source === draft ? 'is its own source' : `is the source of templates.${source.index}`),
    ]
  if (kept !== undefined) return [at(draft, 'destination', `is where the backup of templates.${kept.index} is kept`)]
  const what = isTaken(destination, taken)
  return what === undefined ? [] : [at(draft, 'destination', what.message)]
}

/** Finds checks of the destination, which is the old file: they pass whatever is to be written (confd#104, #275). */
function checkCommands(draft: Draft, { directory, home }: Surroundings): Fault[] {
  const { check, destination, section } = draft
  if (check === null) return []
  const workingDir = section['working_dir']
  const where = { directory: typeof workingDir === 'string' ? resolve(directory, workingDir) : directory, home }
  const isNamed =
    placeholdersIn(check).includes('destination') ||
    reads(check, 'PATRONI_ROUTER_DESTINATION') ||
    (destination !== null && mentions(check, destination, where))
  return isNamed
    ? [at(draft, 'check', 'names the destination, which is still the old file at that time: use {{staged}}')]
    : []
}

function checkOfOldFile(draft: Draft): Fault[] {
  const { check } = draft
  if (check === null || placeholdersIn(check).includes('staged')) return []
  if (reads(check, 'PATRONI_ROUTER_STAGED')) return []
  return [
    at(
      draft,
      'check',
      'does not use {{staged}}, the file to check: unless it reads PATRONI_ROUTER_STAGED, it passes whatever the file contains',
    ),
  ]
}

function reads(command: string | readonly string[], variable: string): boolean {
  return wordsOf(command).some((word) => new RegExp(`\\$\\{?${variable}\\b`).test(word))
}

function checkKeys(draft: Draft, clusters: readonly ClusterDraft[], kinds: readonly DcsSection[]): Fault[] {
  const { prefix = null, keys = null, cluster = null, clusters: several = null } = draft.section
  const isEmpty = keys === null || (Array.isArray(keys) && keys.length === 0)
  if (isEmpty && prefix === null) return []
  const key = isEmpty ? 'prefix' : 'keys'
  if (several !== null) return [at(draft, key, 'belong to the DCS of one cluster: use cluster, not clusters')]
  const own = clusters.find(({ name }) => name === cluster) ?? clusters[0]
  const dcs = kindIn(own?.tree ?? {}, kinds)
  const able = alternatives(kinds.flatMap(({ hasKeys, name }) => (hasKeys ? name : [])))
  if (dcs?.hasKeys === false) return [at(draft, key, `needs ${able}: ${dcs.name} has no other keys than the cluster`)]
  return isEmpty
    ? [at(draft, 'prefix', 'has no keys beside it, so nothing is read; keys: [/] reads everything below it')]
    : []
}
