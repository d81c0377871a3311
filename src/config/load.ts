import { join, resolve } from 'node:path'
import { asText, type Mapping, mappingOf } from '../text/unknown-shape.ts'
import {
  checkClusters,
  checkDistinct,
  type ClusterDraft,
  clusterDrafts,
  isKeysOnly,
  parseCluster,
  type ParsedCluster,
  withoutCluster,
} from './clusters/clusters.ts'
import { checkReferences, isSidecar } from './clusters/references.ts'
import { checkAdmin, socketConfig } from './admin.ts'
import { checkHttp, httpConfig } from './admin-http.ts'
import type { Settings } from './changes.ts'
import type { ClusterConfig, Config } from './config.ts'
import type { DcsSection } from './dcs/kind.ts'
import { DEFAULT_ADMIN_SOCKET } from './defaults.ts'
import { unedited } from './examples.ts'
import {
  besides,
  formatProblem,
  inOrder,
  type Located,
  placeOf,
  shownPath,
  type Fault,
  type Problem,
} from './file/problem.ts'
import { unfilled } from './file/unrendered.ts'
import { MISREAD, type PlacedKey } from './file/yaml.ts'
import { strangeKeys } from './patroni-keys.ts'
import { checkListeners } from './proxy/listeners.ts'
import { checkProxy, proxyConfig } from './proxy/proxy.ts'
import { type OurSections, parseOurs } from './schema.ts'
import { checkSections, patroniDepth } from './sections.ts'
import { type ConfigInput, readSource, type ReadSource } from './source.ts'
import { checkTemplates } from './templates/checks.ts'
import { templateConfigs } from './templates/templates.ts'
import { hookConfigs } from './templates/hooks.ts'
import { checkTrack, trackConfig } from './track.ts'

/** A configuration that is valid. */
export interface LoadedConfig {
  readonly ok: true
  readonly config: Config
  /** What it was made of, to be compared with another one (changes.ts). */
  readonly settings: Settings
  /** The files that it was read from, absolute. */
  readonly files: readonly string[]
  readonly warnings: readonly string[]
  /** Values that may well be as they are meant to be: for `check`. */
  readonly doubts: readonly string[]
}

export type ConfigResult =
  LoadedConfig | { readonly ok: false; readonly problems: readonly Problem[]; readonly warnings: readonly string[] }

/**
 * Loads the configuration of a file (a patroni.yml is one) and of Patroni's environment, which goes over it. Pure. All
 * problems at once, unless the file is not YAML. No problem and no warning shows a value out of a section of Patroni.
 * `kinds`: the kinds of DCS that there are.
 */
export function loadConfig(input: ConfigInput, kinds: readonly DcsSection[]): ConfigResult {
  const source = readSource(input, kinds)
  if (!source.ok) return { ...source, warnings: [] }
  const { tree, places } = source
  const drafts = clusterDrafts(tree, kinds)
  const isAlone = isKeysOnly(tree, kinds)
  const parsed = drafts.map((draft) => parseCluster(isAlone ? withoutCluster(draft) : draft, source.origin, kinds))
  const ours = parseOurs(tree, kinds)
  const { faults, doubts } = checkTogether(source, drafts, parsed, input.env['HOME'] ?? null)
  const { problems, warnings } = report(source, [...ours.faults, ...faults], doubts)
  const clusters = parsed.flatMap(({ value }) => value ?? [])
  if (problems.length > 0 || ours.value === null || clusters.length < parsed.length)
    return {
      ok: false,
      problems,
      warnings: warnings.filter((warning) => !problems.map(formatProblem).includes(warning)),
    }
  const config = configOf(input, source, ours.value, clusters, isAlone)
  return {
    ok: true,
    config,
    settings: { tree, config, kinds },
    files: source.origin.files.map((file) => resolve(file)),
    warnings,
    doubts: inOrder(unedited(tree, kinds).map((fault) => placeOf(fault, places))).map(formatProblem),
  }
}

/**
 * Checks keys of which each may be right. It looks at the tree and not at the checked values, so that a fault elsewhere
 * does not hide these. `home`: null where it is not known.
 */
function checkTogether(
  { tree, origin, kinds }: ReadSource,
  drafts: readonly ClusterDraft[],
  parsed: readonly ParsedCluster[],
  home: string | null,
): { readonly faults: readonly Fault[]; readonly doubts: readonly Fault[] } {
  const { listeners } = mappingOf(tree['proxy'])
  const { socket } = mappingOf(tree['admin'])
  const names = parsed.map(({ name }) => name)
  const locals = parsed.map(({ name, value }, at) => ({
    name,
    localMember: value === null ? localName(drafts[at]?.tree ?? {}) : value.localMember,
  }))
  const configFiles = origin.files.map((file) => resolve(file))
  const templates = checkTemplates(tree, { configFiles, directory: resolve(origin.directory), home }, drafts, kinds)
  return {
    faults: [
      ...checkSections(tree, kinds),
      ...checkClusters(tree),
      ...parsed.flatMap((cluster) => cluster.faults),
      ...checkDistinct(
        parsed.map(({ value }) => value),
        kinds,
      ),
      ...checkListeners(mappingOf(listeners), typeof socket === 'string' ? socket : DEFAULT_ADMIN_SOCKET),
      ...drafts.flatMap((draft) =>
        checkProxy(draft.tree, kinds).map(({ path, message }) => ({ path: draft.place(path), message })),
      ),
      ...checkAdmin(tree),
      ...checkHttp(tree),
      ...checkReferences(tree, names),
      ...checkTrack(tree, locals),
      ...templates.faults,
    ],
    doubts: [...parsed.flatMap((cluster) => cluster.warnings), ...strangeKeys(tree, kinds), ...templates.warnings],
  }
}

/** Returns the member on this host, whatever else is wrong with its cluster. */
function localName({ name, postgresql }: Mapping): string | null {
  return asText(name) ?? asText(mappingOf(postgresql)['name'])
}

/** Gives faults and doubts their places, and adds those of the reading itself. */
function report(
  { tree, places, duplicates, misread, kinds, ...source }: ReadSource,
  faults: readonly Fault[],
  doubts: readonly Fault[],
): { readonly problems: readonly Problem[]; readonly warnings: readonly string[] } {
  const placeholders = new Map(unfilled(tree, kinds).map((fault) => [fault.path.join('.'), fault]))
  const twice = duplicates.map((key) => keyProblem(key, 'is written twice', kinds))
  const keys = [...twice, ...besides(misread, faults).map((key) => keyProblem(key, MISREAD, kinds))]
  const problems = inOrder([
    ...keys.filter(({ isOurs }) => isOurs).map(({ problem }) => problem),
    // A placeholder is what is wrong with a value, whatever else is not right about it.
    ...faults.map((fault) => placeOf(placeholders.get(fault.path.join('.')) ?? fault, places)),
    ...source.problems,
  ])
  const warnings = inOrder([
    ...twice
      .filter(({ isOurs }) => !isOurs || problems.length === 0)
      .map(({ problem }) => ({ ...problem, message: 'is written twice: the last one counts, as in Patroni' })),
    ...[...doubts, ...placeholders.values()].map((fault) => placeOf(fault, places)),
    ...source.warnings,
  ])
  return { problems, warnings: warnings.map(formatProblem) }
}

/** Builds the configuration. `isAlone`: there is no cluster, and keys are all that is read. */
function configOf(
  { file, text }: ConfigInput,
  { tree, origin }: ReadSource,
  ours: OurSections,
  all: readonly Omit<ClusterConfig, 'proxy'>[],
  isAlone: boolean,
): Config {
  const directory = resolve(origin.directory)
  const names = all.map(({ name }) => name)
  const isOn = (tree['proxy'] ?? null) !== null || !isSidecar(tree)
  const whole = all.map((cluster) => {
    const isMine = (named: string | null): boolean => named === null || named === cluster.name
    const own = ours.clusters?.[cluster.name]?.proxy ?? null
    return { ...cluster, proxy: proxyConfig(ours.proxy, isOn, isMine, own) }
  })
  const templates = templateConfigs(ours.templates ?? [], directory, isAlone ? [] : names)
  return {
    file: file === null || !Array.isArray(text) ? file : join(file, '*.yml'),
    clusters: isAlone ? [] : whole,
    keys: whole.map((cluster) => (isAlone ? { ...cluster, name: '' } : cluster)),
    templates,
    hooks: hookConfigs(ours.hooks ?? [], templates, directory, names),
    track: { files: trackConfig(ours.track, all) },
    stateDir: ours.state_dir,
    admin: {
      socket: socketConfig(ours.admin),
      http: httpConfig(
        ours.admin,
        whole.flatMap(({ proxy }) => proxy.listeners),
      ),
    },
    logging: ours.logging,
  }
}

/** Builds the problem of a key, which is an error in a section of ours only. */
function keyProblem(
  { path, line, column, file }: PlacedKey & Located,
  message: string,
  kinds: readonly DcsSection[],
): { isOurs: boolean; problem: Problem } {
  const depth = patroniDepth(path, kinds)
  const shown = shownPath(depth === null ? path : path.slice(0, depth))
  return { isOurs: depth === null, problem: { file, line, column, path: shown, message } }
}
