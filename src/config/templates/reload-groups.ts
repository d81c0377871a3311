import { placeholdersIn } from './command.ts'
import { isMapping } from '../../text/unknown-shape.ts'
import type { Fault } from '../file/problem.ts'
import { at, type Draft, DEFAULT_DEBOUNCE } from './templates.ts'
import { formatDuration, parseDuration } from '../values/units.ts'

/** Of a group there is one reload and one pace; each can be written at one of its templates, or alike at several. */
const SHARED = ['reload', 'debounce.min', 'debounce.max', 'interval'] as const

/** Returns what is wrong between templates that reload together. `hasState`: whether there is a state_dir. */
export function checkGroups(drafts: readonly Draft[], hasState: boolean): Fault[] {
  const groups = Map.groupBy(drafts, ({ group, index }) => group ?? index)
  return [...groups.values()].flatMap((members) => [...checkGroup(members, hasState), ...checkDebounce(members)])
}

function checkGroup(members: readonly Draft[], hasState: boolean): Fault[] {
  const [first] = members
  if (first === undefined || members.length === 1) return []
  const group = first.group ?? ''
  const faults = SHARED.flatMap((key): Fault[] => {
    const given = members.flatMap((draft) => {
      const value = shared(draft, key)
      return value === null ? [] : [{ draft, value }]
    })
    return given
      .filter(({ value }) => value !== given[0]?.value)
      .map(({ draft }) =>
        at(
          draft,
          key,
          `differs from that of templates.${given[0]?.draft.index ?? 0}, which is in the same reload group (${group})`,
        ),
      )
  })
  const named = members.filter(({ reload }) => reload !== null && placeholdersIn(reload).length > 0)
  for (const draft of named)
    faults.push(at(draft, 'reload', `runs once for all files of ${group}: it cannot name one of them`))
  if (!hasState)
    faults.push(
      at(
        first,
        'reload_group',
        `needs state_dir: without it a change of ${group} that is interrupted stays incomplete`,
      ),
    )
  return faults
}

/** Returns a setting that must be equal, as text; null: it is not set. The environment is part of a reload. */
function shared({ section, reload }: Draft, key: (typeof SHARED)[number]): string | null {
  if (key === 'reload') {
    const { timeout, env, working_dir: directory } = section
    return reload === null ? null : JSON.stringify([reload, timeout ?? null, env ?? null, directory ?? null])
  }
  const [name, inner] = key.split('.')
  const outer = section[name ?? '']
  const value = inner === undefined ? outer : isMapping(outer) ? outer[inner] : null
  if (value === undefined || value === null) return null
  const parsed = parseDuration(value)
  return parsed.ok ? String(parsed.value) : null
}

/** Compares minimum and maximum, which can be set at different templates. */
function checkDebounce(members: readonly Draft[]): Fault[] {
  const [minimum, maximum] = (['debounce.min', 'debounce.max'] as const).map((key) => {
    const draft = members.find((member) => shared(member, key) !== null)
    return draft === undefined ? null : { draft, ms: Number(shared(draft, key)) }
  })
  const { minMs, maxMs } = {
    minMs: minimum?.ms ?? DEFAULT_DEBOUNCE.minMs,
    maxMs: maximum?.ms ?? DEFAULT_DEBOUNCE.maxMs,
  }
  const given = minimum ?? maximum
  if (given === null || given === undefined || maxMs === 0 || minMs <= maxMs) return []
  const message = `the minimum of ${formatDuration(minMs)} is longer than the maximum of ${formatDuration(maxMs)}`
  return [at(given.draft, given === minimum ? 'debounce.min' : 'debounce.max', message)]
}
