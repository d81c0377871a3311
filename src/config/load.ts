import { join, resolve } from 'node:path'
import { checkTogether } from './checks.ts'
import { checkClusters, checkDistinct, type ClusterDraft, clusterDrafts } from './clusters/clusters.ts'
import type { ClusterConfig, Config } from './config.ts'
import { resolveDcs, type Origin } from './dcs.ts'
import { DEFAULT_ADMIN_SOCKET } from './defaults.ts'
import { unedited } from './examples.ts'
import { isKeysOnly } from './clusters/keys-only.ts'
import { parsePatroni } from './patroni.ts'
import { strangeKeys } from './patroni-keys.ts'
import { inOrder, placeOf, type Located } from './file/place.ts'
import { besides, formatProblem, shownPath, type Fault, type Problem } from './file/problem.ts'
import { proxyConfig } from './proxy/proxy.ts'
import { checkReferences, isSidecar } from './clusters/references.ts'
import { parseOurs } from './schema.ts'
import { checkSections, patroniDepth } from './sections.ts'
import { type ConfigInput, readSource } from './source.ts'
import { checkTemplates } from './templates/checks.ts'
import { hookConfigs, templateConfigs } from './templates/templates.ts'
import { checkTrack, trackConfig } from './track.ts'
import { unfilled } from './file/unrendered.ts'
import { MISREAD, type PlacedKey } from './file/yaml.ts'

export type ConfigResult =
  | {
      readonly ok: true
      readonly config: Config
      /** What it was read from. */
      readonly files: readonly string[]
      readonly warnings: readonly string[]
      /** What may well be as it is meant to be: for whoever asks. */
      readonly doubts: readonly string[]
    }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly warnings: readonly string[] }

/**
 * The configuration of a file (a patroni.yml is one) and Patroni's environment, which goes over it. Pure. All problems
 * at once, unless the file is not YAML. No problem and no warning shows a value out of a section of Patroni.
 */
export function loadConfig(input: ConfigInput): ConfigResult {
  const { file, env } = input
  const source = readSource(input)
  if (!source.ok) return { ...source, warnings: [] }
  const { tree, places, origin } = source
  const duplicates = source.duplicates.map((key) => keyProblem(key, 'is written twice'))
  const drafts = clusterDrafts(tree)
  const isAlone = isKeysOnly(tree)
  const clusters = drafts.map((draft) => understand(isAlone ? withoutCluster(draft) : draft, origin))
  const locals = clusters.map(({ name: own, value }) => ({ name: own, localMember: value?.localMember ?? null }))
  const names = locals.map((cluster) => cluster.name)
  const ours = parseOurs(tree)
  const directory = resolve(origin.directory)
  const configFiles = origin.files.map((each) => resolve(each))
  const surroundings = { configFiles, directory, home: env['HOME'] ?? null }
  const together = checkTemplates(tree, surroundings, drafts)
  const faults = [
    ...[checkSections(tree), checkClusters(tree), clusters.flatMap((cluster) => cluster.faults), ours.faults],
    ...[checkDistinct(clusters.map(({ value }) => value)), checkTogether(tree, drafts), checkReferences(tree, names)],
    ...[checkTrack(tree, locals), together.faults],
  ].flat()
  const placeholders = new Map(unfilled(tree).map((fault) => [fault.path.join('.'), fault]))
  const keys = [...duplicates, ...besides(source.misread, faults).map((key) => keyProblem(key, MISREAD))]
  const problems = [
    ...keys.filter(({ isOurs }) => isOurs).map(({ problem }) => problem),
    // A placeholder is what is wrong with a value, whatever else is not right about it.
    ...faults.map((fault) => placeOf(placeholders.get(fault.path.join('.')) ?? fault, places)),
    ...source.problems,
  ]
  const doubts = [...clusters.flatMap((cluster) => cluster.warnings), ...strangeKeys(tree), ...together.warnings]
  const warnings = inOrder([
    ...duplicates
      .filter(({ isOurs }) => !isOurs || problems.length === 0)
      .map(({ problem }) => ({ ...problem, message: 'is written twice: the last one counts, as in Patroni' })),
    ...[...doubts, ...placeholders.values()].map((fault) => placeOf(fault, places)),
    ...source.warnings,
  ])
  const all = clusters.flatMap(({ value }) => value ?? [])
  if (problems.length > 0 || ours.value === null || all.length < clusters.length) {
    const known = inOrder(problems)
    const others = warnings.filter(
      (warning) => !known.some((problem) => formatProblem(problem) === formatProblem(warning)),
    )
    return { ok: false, problems: known, warnings: others.map(formatProblem) }
  }
  const { admin, logging, state_dir: stateDir, proxy, track } = ours.value
  const templates = templateConfigs(ours.value.templates ?? [], directory, isAlone ? [] : names)
  const isOn = (tree['proxy'] ?? null) !== null || !isSidecar(tree)
  const whole = all.map((cluster) => {
    const isMine = (named: string | null): boolean => named === null || named === cluster.name
    const own = ours.value?.clusters?.[cluster.name]?.proxy ?? null
    return { ...cluster, proxy: proxyConfig(proxy, isOn, isMine, own) }
  })
  const config: Config = {
    file: file === null || !Array.isArray(input.text) ? file : join(file, '*.yml'),
    clusters: isAlone ? [] : whole,
    keys: whole.map((cluster) => (isAlone ? { ...cluster, name: '' } : cluster)),
    templates,
    hooks: hookConfigs(ours.value.hooks ?? [], templates, directory, names),
    track: { files: trackConfig(track, all) },
    stateDir,
    admin: { socket: { path: admin.socket ?? DEFAULT_ADMIN_SOCKET, isDefault: admin.socket === null } },
    logging,
  }
  const unsure = inOrder(unedited(tree).map((fault) => placeOf(fault, places)))
  return {
    ok: true,
    config,
    files: configFiles,
    warnings: warnings.map(formatProblem),
    doubts: unsure.map(formatProblem),
  }
}

/** The DCS is understood as that of a cluster, whose name does not matter. */
function withoutCluster(draft: ClusterDraft): ClusterDraft {
  return { ...draft, tree: { ...draft.tree, scope: 'none' } }
}

interface Understood {
  readonly name: string
  readonly value: Omit<ClusterConfig, 'proxy'> | null
  readonly faults: readonly Fault[]
  readonly warnings: readonly Fault[]
}

/** One cluster, but for the proxy: what Patroni's sections say of it, and where it is observed. */
function understand({ name, tree, place }: ClusterDraft, origin: Origin): Understood {
  const patroni = parsePatroni(tree)
  const dcs = resolveDcs(tree, origin)
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

/** Only in a section of ours it is an error. */
function keyProblem(
  { path, line, column, file }: PlacedKey & Located,
  message: string,
): { isOurs: boolean; problem: Problem } {
  const depth = patroniDepth(path)
  const shown = shownPath(depth === null ? path : path.slice(0, depth))
  return { isOurs: depth === null, problem: { file, line, column, path: shown, message } }
}
