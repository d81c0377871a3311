import { dirname, resolve } from 'node:path'
import { checkTogether } from './checks.ts'
import { checkClusters, checkDistinct, type ClusterDraft, clusterDrafts } from './clusters.ts'
import type { ClusterConfig, Config } from './config.ts'
import { resolveDcs } from './dcs.ts'
import { DEFAULT_ADMIN_SOCKET } from './defaults.ts'
import { merge, readEnvironment, type Environment } from './env.ts'
import { isMapping } from './parsed.ts'
import { parsePatroni } from './patroni.ts'
import { strangeKeys } from './patroni-keys.ts'
import { inOrder, placeOf, type Places } from './place.ts'
import { formatProblem, printable, type Fault, type Problem } from './problem.ts'
import { proxyConfig } from './proxy.ts'
import { checkReferences, isSidecar } from './references.ts'
import { parseOurs } from './schema.ts'
import { checkSections, patroniDepth } from './sections.ts'
import { checkTemplates } from './template-checks.ts'
import { hookConfigs, templateConfigs } from './templates.ts'
import { checkTrack, trackConfig } from './track.ts'
import { parseYaml, type DuplicateKey } from './yaml.ts'

export interface ConfigInput {
  /** The name to show; null when there is no file. */
  readonly file: string | null
  readonly text: string | null
  readonly env: Environment
}

export type ConfigResult =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/**
 * The configuration of a file (a patroni.yml is one) and Patroni's environment, which goes over it. Pure. All problems
 * at once, unless the file is not YAML. No problem and no warning shows a value out of a section of Patroni.
 */
export function loadConfig({ file, text, env }: ConfigInput): ConfigResult {
  const name = file ?? 'environment'
  const yaml = parseYaml(text ?? '')
  if (!yaml.ok) return { ok: false, problems: yaml.errors.map((error) => ({ file: name, path: '', ...error })) }
  const root = yaml.value ?? {}
  if (!isMapping(root)) {
    const message = 'must be a mapping: sections and keys, each with a colon'
    return { ok: false, problems: [{ file: name, line: 1, column: 1, path: '', message }] }
  }

  const environment = readEnvironment(env)
  const tree = merge(root, environment.tree)
  const places: Places = { file: name, origins: environment.origins, locate: yaml.locate }
  const duplicates = yaml.duplicates.map((duplicate) => duplicateOf(duplicate, name))
  const drafts = clusterDrafts(tree)
  const clusters = drafts.map((draft) => understand(draft, file))
  const locals = clusters.map(({ name: own, value }) => ({ name: own, localMember: value?.localMember ?? null }))
  const names = locals.map((cluster) => cluster.name)
  const ours = parseOurs(tree)
  const directory = resolve(file === null ? '.' : dirname(file))
  const surroundings = { configFile: file === null ? null : resolve(file), directory, home: env['HOME'] ?? null }
  const together = checkTemplates(tree, surroundings, drafts)
  const faults = [
    ...[checkSections(tree), checkClusters(tree), clusters.flatMap((cluster) => cluster.faults), ours.faults],
    ...[checkDistinct(clusters.map(({ value }) => value)), checkTogether(tree, drafts), checkReferences(tree, names)],
    ...[checkTrack(tree, locals), together.faults],
  ].flat()
  const problems = [
    ...duplicates.filter((duplicate) => duplicate.isOurs).map(({ problem }) => problem),
    ...faults.map((fault) => placeOf(fault, places)),
    ...environment.problems,
  ]
  const all = clusters.flatMap(({ value }) => value ?? [])
  if (problems.length > 0 || ours.value === null || all.length < clusters.length)
    return { ok: false, problems: inOrder(problems) }

  const warnings = [
    ...duplicates.map(({ problem }) => ({
      ...problem,
      message: 'is written twice: the last one counts, as in Patroni',
    })),
    ...[...clusters.flatMap((cluster) => cluster.warnings), ...strangeKeys(tree), ...together.warnings].map((fault) =>
      placeOf(fault, places),
    ),
  ]
  const { admin, logging, state_dir: stateDir, proxy, track } = ours.value
  const templates = templateConfigs(ours.value.templates ?? [], directory, names)
  const isOn = (tree['proxy'] ?? null) !== null || !isSidecar(tree)
  const config: Config = {
    file,
    clusters: all.map((cluster) => {
      const isMine = (named: string | null): boolean => named === null || named === cluster.name
      const own = ours.value?.clusters?.[cluster.name]?.proxy ?? null
      return { ...cluster, proxy: proxyConfig(proxy, isOn, isMine, own) }
    }),
    templates,
    hooks: hookConfigs(ours.value.hooks ?? [], templates, directory, names),
    track: { files: trackConfig(track, all) },
    stateDir,
    admin: { socket: { path: admin.socket ?? DEFAULT_ADMIN_SOCKET, isDefault: admin.socket === null } },
    logging,
  }
  return { ok: true, config, warnings: inOrder(warnings).map(formatProblem) }
}

interface Understood {
  readonly name: string
  readonly value: Omit<ClusterConfig, 'proxy'> | null
  readonly faults: readonly Fault[]
  readonly warnings: readonly Fault[]
}

/** One cluster, but for the proxy: what Patroni's sections say of it, and where it is observed. */
function understand({ name, tree, place }: ClusterDraft, file: string | null): Understood {
  const patroni = parsePatroni(tree)
  const dcs = resolveDcs(tree, file)
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

function duplicateOf({ path, line, column }: DuplicateKey, file: string): { isOurs: boolean; problem: Problem } {
  const depth = patroniDepth(path)
  const shown = printable(depth === null ? path : path.slice(0, depth))
  return { isOurs: depth === null, problem: { file, line, column, path: shown, message: 'is written twice' } }
}
