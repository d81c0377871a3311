/** The section `templates`. Pure. */
import { isAbsolute, normalize, resolve } from 'node:path'
import { z } from 'zod'
import { isMapping, listOf, type Mapping } from '../../text/unknown-shape.ts'
import type { CommandConfig, TemplateConfig, TemplateSubject } from '../config.ts'
import type { Fault } from '../file/problem.ts'
import { defaulting, entry, optional, required, section } from '../values/fields.ts'
import type { ValueType } from '../values/form.ts'
import type { ParsedParts } from '../values/parsed.ts'
import { ABSOLUTE_PATH, BOOLEAN, DESTINATION, oneOf, plainName } from '../values/types.ts'
import { DURATION, POSITIVE_DURATION } from '../values/units.ts'
import { TEMPLATE_COMMAND, VARIABLES } from './command.ts'
import { account, KEY_PREFIX, KEYS, PERMISSIONS, SOURCE } from './fields.ts'

export const DEFAULT_DEBOUNCE = { minMs: 200, maxMs: 2000 } as const
const DEFAULT_INTERVAL_MS = 60_000

/** How a command is run. */
export const RUN = {
  timeout: defaulting(
    POSITIVE_DURATION,
    30_000,
    'Time that each command may take; then its whole process group is ended.',
    '30s',
  ),
  env: defaulting(
    VARIABLES,
    {},
    'Variables for the commands, `{NAME: text}`, besides the few that they always get. Values are never shown.',
  ),
  working_dir: optional(
    ABSOLUTE_PATH,
    'Absolute path of the directory where the commands run. Default: the directory of the configuration file.',
  ),
}

export const DEBOUNCE = {
  min: optional(
    POSITIVE_DURATION,
    'Time without a further change after which the files are written. A change of the leader or the primary does not wait. Default: `200ms`.',
  ),
  max: optional(POSITIVE_DURATION, 'Time after the first change at which they are written in any case. Default: `2s`.'),
}

const CLUSTERS: ValueType<ParsedParts<'all' | readonly string[]>> = {
  parse: clusterNames,
  form: {
    anyOf: [
      { type: 'string', enum: ['all'] },
      { type: 'array', items: { type: 'string' }, minItems: 1, uniqueItems: true },
    ],
  },
}

export const TEMPLATE = {
  source: required(SOURCE, 'Path of the template, relative to the configuration file, or absolute.'),
  destination: required(
    DESTINATION,
    'Absolute path of the file to write. It may not be a template, the configuration, a socket, in `state_dir`, or the destination of another template.',
  ),
  owner: optional(
    account('user'),
    "Owner of the file, by name or number. Default: as the file that is there, else the router's own user.",
  ),
  group: optional(
    account('group'),
    "Group of the file, by name or number. Default: as the file that is there, else the router's own group.",
  ),
  mode: optional(
    PERMISSIONS,
    "Permissions of the file, octal and quoted: `'0640'`. Default: as the file that is there, else `'0644'`.",
  ),
  check: optional(
    TEMPLATE_COMMAND,
    'Command that is run before the file is put in place; if it fails, the old file stays. `{{staged}}` is the new file. Text goes to the shell, a list is run without one.',
  ),
  reload: optional(
    TEMPLATE_COMMAND,
    'Command that is run after the file was put in place. Text goes to the shell, a list is run without one.',
  ),
  ...RUN,
  debounce: section(DEBOUNCE, 'How changes are collected before the files are written.'),
  interval: optional(
    DURATION,
    'How often template and file are compared again besides every change. `0`: never. Default: `60s`.',
  ),
  on_empty: defaulting(
    oneOf(['keep', 'render']),
    'keep',
    'Effect of a list that the template writes and that is empty, or of a primary that is missing. `keep`: the file stays as it is. `render`: it is written.',
  ),
  backup: defaulting(BOOLEAN, false, 'Keep the file before the last change as `DESTINATION.bak`.'),
  reload_group: optional(
    plainName('reload group'),
    'Templates with the same name here are checked and written together or not at all, and reloaded once. Two or more of them need `state_dir`. Default: each template by itself.',
  ),
  prefix: defaulting(KEY_PREFIX, '', 'Key of the DCS that `keys` are below.'),
  keys: defaulting(
    KEYS,
    [],
    'Keys of the DCS that the template reads, below `prefix`; `/` is everything below it. Not with `rest`, `raft` and `file`.',
  ),
  cluster: optional(
    plainName('cluster'),
    'Cluster that the template is about. With several clusters this or `clusters` is required. Default: the only one.',
  ),
  clusters: optional(CLUSTERS, 'Clusters that the template is about instead of one: a list of names, or `all`.'),
}

/** `null`: the section is empty, or not there. */
export const TEMPLATES = z.array(entry(TEMPLATE, 'One file that is rendered.')).nullish().meta({
  description: 'Files that are rendered from templates. With `templates` and no `proxy` section the proxy is off.',
})

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

/** Returns the clusters that a template is about; without any cluster it is about none. */
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

/** Parses `all`, or a list; the names are checked elsewhere (clusters/references.ts). */
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
