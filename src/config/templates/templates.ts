/** The section `templates`. Pure. */
import { isAbsolute, normalize, resolve } from 'node:path'
import { z } from 'zod'
import { isMapping, listOf, type Mapping } from '../../text/unknown-shape.ts'
import type { CommandConfig, TemplateConfig, TemplateSubject } from '../config.ts'
import type { Fault } from '../file/problem.ts'
import {
  absolutePath,
  boolean,
  destinationPath,
  field,
  oneOf,
  optional,
  optionalParts,
  plainName,
  positive,
  section,
} from '../values/fields.ts'
import type { ParsedParts } from '../values/parsed.ts'
import { parseDuration } from '../values/units.ts'
import { templateCommand, variables } from './command.ts'
import { account, keyNames, keyPrefix, permissions, sourcePath } from './fields.ts'

export const DEFAULT_DEBOUNCE = { minMs: 200, maxMs: 2000 } as const
const DEFAULT_INTERVAL_MS = 60_000

/** How a command is run. */
export const RUN = {
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

/** `null`: the section is empty, or not there. */
export const TEMPLATES = z.array(z.strictObject(TEMPLATE)).nullish()

type TemplateSection = NonNullable<z.infer<typeof TEMPLATES>>[number]

/**
 * Builds the templates. `directory`: absolute; where relative paths start and commands run. `clusters`: the names of
 * all.
 */
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

/** Builds a command. `directory`: where it runs without a `working_dir`. */
export function commandConfig(
  command: CommandConfig['command'],
  { timeout, env, working_dir }: Pick<TemplateSection, 'timeout' | 'env' | 'working_dir'>,
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

/** A template as far as it can be understood, whatever is wrong with it. */
export interface Draft {
  readonly index: number
  readonly section: Mapping
  readonly source: string | null
  readonly destination: string | null
  readonly check: string | readonly string[] | null
  readonly reload: string | readonly string[] | null
  readonly group: string | null
}

/** Returns the templates as far as they can be understood. `directory`: absolute; where relative paths start. */
export function draftsOf(templates: unknown, directory: string): Draft[] {
  return listOf(templates).flatMap((section, index): Draft[] => {
    if (!isMapping(section)) return []
    const { source, destination, check, reload, reload_group: group } = section
    return [
      {
        index,
        section,
        source: typeof source === 'string' && source !== '' ? resolve(directory, source) : null,
        destination: typeof destination === 'string' && isAbsolute(destination) ? normalize(destination) : null,
        check: isCommand(check) ? check : null,
        reload: isCommand(reload) ? reload : null,
        group: typeof group === 'string' ? group : null,
      },
    ]
  })
}

function isCommand(value: unknown): value is string | readonly string[] {
  return typeof value === 'string' || (Array.isArray(value) && value.every((word) => typeof word === 'string'))
}

/** Makes a fault of one key of a template; `debounce.min` for one below another. */
export function at({ index }: Draft, key: string, message: string): Fault {
  return { path: ['templates', String(index), ...key.split('.')], message }
}
