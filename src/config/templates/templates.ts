import { isAbsolute, normalize, resolve } from 'node:path'
import { z } from 'zod'
import type { CommandConfig, HookConfig, TemplateConfig, TemplateSubject } from '../config.ts'
import {
  absolutePath,
  boolean,
  field,
  oneOf,
  optional,
  optionalParts,
  parts,
  plainName,
  positive,
  section,
} from '../values/fields.ts'
import { good, type Parsed, type ParsedParts } from '../values/parsed.ts'
import {
  account,
  destinationPath,
  hookCommand,
  keyNames,
  keyPrefix,
  permissions,
  sourcePath,
  states,
  templateCommand,
  variables,
} from './fields.ts'
import { parseDuration } from '../values/units.ts'

export const DEFAULT_DEBOUNCE = { minMs: 200, maxMs: 2000 } as const
const DEFAULT_INTERVAL_MS = 60_000

/** How a command is run. */
const RUN = {
  timeout: optional(positive(parseDuration), 30_000),
  env: optionalParts(variables, {}),
  working_dir: optional(absolutePath, null),
}

export const DEBOUNCE = {
  min: optional(positive(parseDuration), null),
  max: optional(positive(parseDuration), null),
}

export const TEMPLATE = {
  source: field(sourcePath),
  destination: field(destinationPath),
  owner: optional(account('user'), null),
  group: optional(account('group'), null),
  mode: optional(permissions, null),
  check: optionalParts(templateCommand, null),
  reload: optionalParts(templateCommand, null),
  ...RUN,
  debounce: section(DEBOUNCE),
  interval: optional(parseDuration, null),
  on_empty: optional(oneOf(['keep', 'render']), 'keep'),
  backup: optional(boolean, false),
  reload_group: optional(plainName('reload group'), null),
  prefix: optional(keyPrefix, ''),
  keys: optionalParts(keyNames, []),
  cluster: optional(plainName('cluster'), null),
  clusters: optionalParts(clusterNames, null),
}

export const HOOK = {
  name: optional(plainName('hook'), null),
  on: parts(states),
  command: parts(hookCommand),
  ...RUN,
  after: optional(groupOrDestination, null),
  cluster: optional(plainName('cluster'), null),
}

/** `null`: the section is empty, or not there. */
export const TEMPLATES = z.array(z.strictObject(TEMPLATE)).nullish()
export const HOOKS = z.array(z.strictObject(HOOK)).nullish()

type TemplateSection = NonNullable<z.infer<typeof TEMPLATES>>[number]
type HookSection = NonNullable<z.infer<typeof HOOKS>>[number]

/** `directory`: absolute; where relative paths start and commands run. `clusters`: the names of all. */
export function templateConfigs(
  templates: readonly TemplateSection[],
  directory: string,
  clusters: readonly string[],
): TemplateConfig[] {
  return templates.map((template) => {
    const { source, destination, owner, group, mode, check, on_empty: onEmpty, backup, prefix, keys } = template
    const { reload_group: reloadGroup } = template
    const together = reloadGroup === null ? [template] : templates.filter((other) => other.reload_group === reloadGroup)
    const reloading = together.find(({ reload }) => reload !== null)
    return {
      subject: subjectOf(template, clusters),
      source: resolve(directory, source),
      destination,
      owner,
      group,
      mode,
      check: check === null ? null : commandConfig(check, template, directory),
      reload: reloading === undefined ? null : commandConfig(reloading.reload ?? [], reloading, directory),
      debounce: {
        minMs: firstOf(together.map(({ debounce }) => debounce.min)) ?? DEFAULT_DEBOUNCE.minMs,
        maxMs: firstOf(together.map(({ debounce }) => debounce.max)) ?? DEFAULT_DEBOUNCE.maxMs,
      },
      intervalMs: firstOf(together.map(({ interval }) => interval)) ?? DEFAULT_INTERVAL_MS,
      onEmpty,
      backup,
      reloadGroup,
      prefix,
      keys,
    }
  })
}

/** Without any cluster it is about none. */
function subjectOf({ cluster, clusters }: TemplateSection, all: readonly string[]): TemplateSubject {
  if (all.length === 0) return { kind: 'clusters', clusters: [] }
  if (clusters === null) return { kind: 'cluster', cluster: cluster ?? all[0] ?? '' }
  return { kind: 'clusters', clusters: clusters === 'all' ? all : clusters }
}

/** `templates`: theirs, for what `after` means: whoever names a destination means all that changes with it. */
export function hookConfigs(
  hooks: readonly HookSection[],
  templates: readonly TemplateConfig[],
  directory: string,
  clusters: readonly string[],
): HookConfig[] {
  return hooks.flatMap((hook, index) => {
    const name = hook.name ?? `hooks[${index}]`
    const after = templates.find(({ destination }) => destination === hook.after)?.reloadGroup ?? hook.after
    const run = commandConfig(hook.command, hook, directory)
    const whose = hook.cluster === null ? clusters : [hook.cluster]
    return whose.map((cluster) => ({ name, cluster, on: hook.on, after, run }))
  })
}

function commandConfig(
  command: CommandConfig['command'],
  { timeout, env, working_dir }: Pick<HookSection, 'timeout' | 'env' | 'working_dir'>,
  directory: string,
): CommandConfig {
  return { command, timeoutMs: timeout, env, workingDir: working_dir === null ? directory : normalize(working_dir) }
}

function firstOf<T>(values: readonly (T | null)[]): T | undefined {
  return values.find((value) => value !== null) ?? undefined
}

/** `all`, or a list; which names there are is checked elsewhere (clusters/references.ts). */
function clusterNames(value: unknown): ParsedParts<'all' | readonly string[]> {
  const names: readonly unknown[] = Array.isArray(value) ? value : []
  return { value: value === 'all' ? value : names.filter((name) => typeof name === 'string'), faults: [] }
}

function groupOrDestination(value: unknown): Parsed<string> {
  if (typeof value === 'string' && isAbsolute(value)) return good(normalize(value))
  return plainName('reload group')(value)
}
