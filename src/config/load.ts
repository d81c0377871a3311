import { dirname, resolve } from 'node:path'
import { checkTogether } from './checks.ts'
import type { Config, ListenerConfig, ProxyConfig } from './config.ts'
import { resolveDcs } from './dcs.ts'
import { merge, readEnvironment, type Environment } from './env.ts'
import { DEFAULT_LISTENERS } from './listeners.ts'
import { isMapping } from './parsed.ts'
import { parsePatroni } from './patroni.ts'
import { formatProblem, printable, type Fault, type Problem } from './problem.ts'
import { DEFAULT_ADMIN_SOCKET, parseOurs, type OurSections } from './schema.ts'
import { checkSections, isOurs } from './sections.ts'
import { checkTemplates } from './template-checks.ts'
import { hookConfigs, templateConfigs } from './templates.ts'
import { parseYaml, type Place } from './yaml.ts'

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
  const placed = (fault: Fault): Problem => place(fault, name, environment.origins, yaml.locate)
  const duplicates = yaml.duplicates.map(({ path, line, column }) => {
    const ours = isOurs(path[0] ?? '')
    // Deep inside Patroni's sections keys are data, such as the schemes of zookeeper.auth_data.
    const shown = printable(ours ? path : path.slice(0, 2))
    return { ours, problem: { file: name, line, column, path: shown, message: 'is written twice' } }
  })
  const ours = parseOurs(tree)
  const patroni = parsePatroni(tree)
  const dcs = resolveDcs(tree, file)
  const directory = resolve(file === null ? '.' : dirname(file))
  const home = env['HOME'] ?? null
  const together = checkTemplates(tree, { configFile: file === null ? null : resolve(file), directory, home })
  const faults = [
    ...[checkSections(tree), patroni.faults, dcs.faults, ours.faults],
    ...[checkTogether(tree), together.faults],
  ].flat()
  const problems = [
    ...duplicates.filter((duplicate) => duplicate.ours).map(({ problem }) => problem),
    ...faults.map(placed),
    ...environment.problems,
  ]
  if (problems.length > 0 || ours.value === null || patroni.value === null || dcs.value === null)
    return { ok: false, problems: inOrder(problems) }

  const warnings = [
    ...duplicates.map(({ problem }) => ({
      ...problem,
      message: 'is written twice: the last one counts, as in Patroni',
    })),
    ...[...patroni.warnings, ...dcs.warnings, ...together.warnings].map(placed),
  ]
  const { scope, namespace, citusGroup, localMember, restApi } = patroni.value
  const { admin, logging, state_dir: stateDir } = ours.value
  const templates = templateConfigs(ours.value.templates ?? [], directory)
  const proxy = proxyConfig(ours.value.proxy, (tree['proxy'] ?? null) !== null || templates.length === 0)
  const config: Config = {
    file,
    clusters: [{ scope, namespace, citusGroup, localMember, dcs: dcs.value, restApi, proxy }],
    templates,
    hooks: hookConfigs(ours.value.hooks ?? [], templates, directory),
    stateDir,
    admin: { socket: { path: admin.socket ?? DEFAULT_ADMIN_SOCKET, isDefault: admin.socket === null } },
    logging,
  }
  return { ok: true, config, warnings: inOrder(warnings).map(formatProblem) }
}

/** `isOn`: without listeners of its own it has the default ones. */
function proxyConfig(proxy: OurSections['proxy'], isOn: boolean): ProxyConfig {
  const { listeners, address, trust, check, hold, timeouts } = proxy
  return {
    listeners: listeners ? Object.entries(listeners).map(listenerConfig) : isOn ? DEFAULT_LISTENERS : [],
    address,
    trust,
    check: {
      intervalMs: check.interval,
      fastIntervalMs: check.fast_interval,
      timeoutMs: check.timeout,
      rise: check.rise,
      fall: check.fall,
    },
    hold: { timeoutMs: hold.timeout, maxConnections: hold.max_connections },
    maxConnections: proxy.max_connections,
    timeouts: { connectMs: timeouts.connect, clientMs: timeouts.client, serverMs: timeouts.server },
    tcpKeepaliveMs: proxy.tcp_keepalive,
    drainTimeoutMs: proxy.drain_timeout,
  }
}

function listenerConfig([name, listener]: [string, ListenerSection]): ListenerConfig {
  const { bind: binds, route, max_lag: maxLagBytes, tags, fallback, close_fallback: closeFallback } = listener
  return { name, binds, route, maxLagBytes, tags, fallback, closeFallback }
}

type ListenerSection = NonNullable<OurSections['proxy']['listeners']>[string]

/** Where a fault was written: the variable that set the key or something around it, else the file. */
function place(
  { path, message }: Fault,
  file: string,
  origins: ReadonlyMap<string, string>,
  locate: (path: readonly string[]) => Place | null,
): Problem {
  const variable = path
    .map((_, index) => origins.get(path.slice(0, index + 1).join('.')))
    .find((name) => name !== undefined)
  if (variable !== undefined) return { file: 'environment', line: null, column: null, path: variable, message }
  const written = locate(path)
  // A section that came from the environment key by key is told by the first of them.
  const below = [...origins].find(([key]) => written === null && key.startsWith(`${path.join('.')}.`))
  if (below !== undefined) return { file: 'environment', line: null, column: null, path: below[1], message }
  const { line = null, column = null } = written ?? {}
  return { file, line, column, path: printable(path), message }
}

/** As they stand in the file; what has no place comes last. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const key = ({ line }: Problem): number => line ?? Infinity
  return problems.toSorted((a, b) => (key(a) === key(b) ? (a.column ?? 0) - (b.column ?? 0) : key(a) - key(b)))
}
