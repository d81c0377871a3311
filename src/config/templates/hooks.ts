/** The section `hooks`. Pure. */
import { isAbsolute, normalize } from 'node:path'
import { z } from 'zod'
import { nearest } from '../../text/suggestion.ts'
import { isMapping, listOf } from '../../text/unknown-shape.ts'
import { type HookConfig, PRIMARY_STATES, type PrimaryState, type TemplateConfig } from '../config.ts'
import type { Fault } from '../file/problem.ts'
import { oneOf, optional, parts, plainName } from '../values/fields.ts'
import { good, type Parsed, type ParsedParts } from '../values/parsed.ts'
import { hookCommand } from './command.ts'
import { commandConfig, type Draft, RUN } from './templates.ts'

/** What Patroni's callbacks, HAProxy and habit call them. */
const STATE_SYNONYMS: Readonly<Record<string, PrimaryState | 'any'>> = {
  ...{ primary: 'open', leader: 'open', master: 'open', up: 'open', ready: 'open' },
  ...{ switchover: 'switching', failover: 'switching', stopping: 'switching', promotion: 'promoting' },
  ...{ down: 'none', lost: 'none', absent: 'none', 'no-primary': 'none' },
  ...{ all: 'any', change: 'any', 'on-role-change': 'any', '*': 'any' },
}

const state = oneOf([...PRIMARY_STATES, 'any'], [], STATE_SYNONYMS)

/** One state of the primary, several, or `any`. */
function states(value: unknown): ParsedParts<readonly PrimaryState[]> {
  const names: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (names.length === 0)
    return { value: null, faults: [{ path: [], message: 'names no state: without one it is never run' }] }
  const parsed = names.map((name) => state(name))
  const faults = parsed.flatMap((each, index): Fault[] =>
    each.ok ? [] : [{ path: Array.isArray(value) ? [String(index)] : [], message: each.message }],
  )
  const found = parsed.flatMap((each) => (each.ok ? [each.value] : []))
  return { value: PRIMARY_STATES.filter((name) => found.includes(name) || found.includes('any')), faults }
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
export const HOOKS = z.array(z.strictObject(HOOK)).nullish()

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

function groupOrDestination(value: unknown): Parsed<string> {
  if (typeof value === 'string' && isAbsolute(value)) return good(normalize(value))
  return plainName('reload group')(value)
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
