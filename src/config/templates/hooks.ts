/** The section `hooks`. Pure. */
import { isAbsolute, normalize } from 'node:path'
import { z } from 'zod'
import { nearest } from '../../text/suggestion.ts'
import { isMapping, listOf } from '../../text/unknown-shape.ts'
import { type HookConfig, PRIMARY_STATES, type PrimaryState, type TemplateConfig } from '../config.ts'
import type { Fault } from '../file/problem.ts'
import { entry, optional, required } from '../values/fields.ts'
import { oneOrList, type ValueType } from '../values/form.ts'
import { good, type Parsed, type ParsedParts } from '../values/parsed.ts'
import { ABSOLUTE_PATH, oneOf, plainName } from '../values/types.ts'
import { HOOK_COMMAND } from './command.ts'
import { commandConfig, type Draft, RUN } from './templates.ts'

/** What Patroni's callbacks, HAProxy and habit call them. */
const STATE_SYNONYMS: Readonly<Record<string, PrimaryState | 'any'>> = {
  ...{ primary: 'open', leader: 'open', master: 'open', up: 'open', ready: 'open' },
  ...{ switchover: 'switching', failover: 'switching', stopping: 'switching', promotion: 'promoting' },
  ...{ down: 'none', lost: 'none', absent: 'none', 'no-primary': 'none' },
  ...{ all: 'any', change: 'any', 'on-role-change': 'any', '*': 'any' },
}

const STATE = oneOf([...PRIMARY_STATES, 'any'], [], STATE_SYNONYMS)

/** One state of the primary, several, or `any`. */
const STATES: ValueType<ParsedParts<readonly PrimaryState[]>> = { parse: states, form: oneOrList(STATE.form, 1) }

function states(value: unknown): ParsedParts<readonly PrimaryState[]> {
  const names: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (names.length === 0) return { value: null, faults: [{ path: [], message: 'is empty: name at least one state' }] }
  const parsed = names.map((name) => STATE.parse(name))
  const faults = parsed.flatMap((each, index): Fault[] =>
    each.ok ? [] : [{ path: Array.isArray(value) ? [String(index)] : [], message: each.message }],
  )
  const found = parsed.flatMap((each) => (each.ok ? [each.value] : []))
  return { value: PRIMARY_STATES.filter((name) => found.includes(name) || found.includes('any')), faults }
}

const GROUP = plainName('reload group')
/** A reload group, or the destination of a template. */
const AFTER: ValueType<Parsed<string>> = {
  parse: (value) => (typeof value === 'string' && isAbsolute(value) ? good(normalize(value)) : GROUP.parse(value)),
  form: { anyOf: [GROUP.form, ABSOLUTE_PATH.form] },
}

export const HOOK = {
  name: optional(plainName('hook'), 'Name in `status` and the log. Default: `hooks[0]`, `hooks[1]` and so on.'),
  on: required(STATES, 'State of the primary at whose beginning the hook is run, several of them in a list, or `any`.'),
  command: required(
    HOOK_COMMAND,
    'Command to run. Text goes to the shell, a list is run without one. Its environment says what has happened.',
  ),
  ...RUN,
  after: optional(
    AFTER,
    'Reload group, or destination of a template, that is written and reloaded before the hook is run.',
  ),
  cluster: optional(plainName('cluster'), 'Cluster that the hook follows. Default: each of them.'),
}

/** `null`: the section is empty, or not there. */
export const HOOKS = z
  .array(entry(HOOK, 'One command.'))
  .nullish()
  .meta({ description: "Commands that are run when the primary's state changes." })

type HookSection = NonNullable<z.infer<typeof HOOKS>>[number]

/** Builds the hooks. `templates`: theirs, for what `after` means: a destination stands for all that changes with it. */
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

/** Returns what is wrong between hooks, and between them and the templates. `names`: of all clusters. */
export function checkHooks(hooks: unknown, drafts: readonly Draft[], names: readonly string[]): Fault[] {
  const sections = listOf(hooks)
  const known = drafts.flatMap(({ group, destination }) => [group, destination].filter((name) => name !== null))
  const called = sections.map((hook) => (isMapping(hook) ? hook['name'] : null))
  return sections.flatMap((hook, index): Fault[] => {
    if (!isMapping(hook)) return []
    const { name = null, after = null, cluster = null } = hook
    const fault = (key: string, message: string): Fault => ({ path: ['hooks', String(index), key], message })
    const faults =
      name !== null && called.indexOf(name) < index
        ? [fault('name', `is the name of hooks.${called.indexOf(name)} already`)]
        : []
    if (typeof after !== 'string') return faults
    const awaited = isAbsolute(after) ? normalize(after) : after
    if (!known.includes(awaited)) {
      const near = nearest(after, known)
      const hint = near === null ? '' : `; did you mean "${near}"?`
      return [...faults, fault('after', `is neither a reload group nor the destination of a template${hint}`)]
    }
    const own = drafts.filter(({ group, destination }) => group === awaited || destination === awaited)
    const about = own.flatMap((draft) => clustersOf(draft, names))
    const stranger = (typeof cluster === 'string' ? [cluster] : names).find((one) => !about.includes(one))
    if (stranger === undefined || names.length < 2) return faults
    return [
      ...faults,
      fault('after', `is about ${about.join(' and ')}: a hook of ${stranger} would wait for another cluster`),
    ]
  })
}

function clustersOf({ section: { cluster, clusters } }: Draft, names: readonly string[]): readonly unknown[] {
  if (clusters === 'all') return names
  return Array.isArray(clusters) ? clusters : typeof cluster === 'string' ? [cluster] : names
}
