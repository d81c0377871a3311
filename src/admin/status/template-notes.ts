/** The lines of `status` about templates, keys and hooks: first those that need a person. Pure. */
import { reasonLineOf } from '../../templates/status.ts'
import { age, counted } from '../../text/wording.ts'
import type { GroupJson, HookJson, KeysJson, TemplatesJson } from './schema.ts'

export type Note = readonly [label: string, text: string]

interface Ranked {
  /** Lower ones stand further above. */
  readonly rank: number
  readonly note: Note
}

const RANKS: Readonly<Record<GroupJson['state'], number>> = { failed: 0, pending: 2, waiting: 3, kept: 4, 'in-sync': 7 }
const RANK = { keysLost: 1, hookFailed: 1, leftOut: 5, hookRunning: 6, keys: 8 } as const

/**
 * Returns notes about templates, keys and hooks. `now`: in milliseconds since the epoch, by the clock of the router;
 * `several`: there are several clusters, so their names are shown. The texts are not escaped for a terminal.
 */
export function templateNotes({ groups, hooks, keys }: TemplatesJson, now: number, several = false): readonly Note[] {
  const of = ({ cluster }: { readonly cluster: string }): string => (several ? `${cluster}: ` : '')
  return [
    ...groups.flatMap((group) => groupNotes(group, now)),
    ...keys.map((each) => keysNote({ ...each, root: of(each) + each.root }, now)),
    ...hooks.flatMap((hook) => hookNotes({ ...hook, name: of(hook) + hook.name }, now)),
    ...leftOutNotes(groups),
  ]
    .toSorted((one, other) => one.rank - other.rank)
    .map(({ note }) => note)
}

/** Returns one line for a group, and one for each of its templates where there are several. */
function groupNotes(group: GroupJson, now: number): Ranked[] {
  const { name, state, templates } = group
  const rank = RANKS[state]
  const own: Ranked = { rank, note: ['Template', `${name}: ${groupText(group, now)}`] }
  if (templates.length <= 1) return [own]
  const each = templates.map(({ destination, writtenAt, error }): Ranked => {
    const wrong = error === null ? '' : `: ${error}`
    return { rank, note: ['', `${destination}: ${writtenText(writtenAt, now)}${wrong}`] }
  })
  return [own, ...each]
}

function groupText(group: GroupJson, now: number): string {
  const { state, since, retryAt, reload, templates } = group
  const [only, ...others] = templates
  const written = only === undefined || others.length > 0 ? '' : writtenText(only.writtenAt, now)
  const reloads = reloadText(group)
  if (state === 'in-sync' && reload?.pending !== true) return joined(['in sync', written, reloads], ', ')
  const duration = `${WORDS[state]} for ${age(now - Date.parse(since))}`
  const why = reasonOf(group)
  const due = reload?.pending === true ? 'RELOAD PENDING' : ''
  const again = retryAt === null ? '' : `next attempt in ${age(Date.parse(retryAt) - now)}`
  const done = only?.writtenAt === null ? '' : written
  return joined([why === '' ? duration : `${duration}: ${why}`, due, again, done], '; ')
}

const WORDS: Readonly<Record<GroupJson['state'], string>> = {
  'in-sync': 'in sync',
  pending: 'pending',
  waiting: 'waiting',
  kept: 'kept',
  failed: 'FAILED',
}

function joined(parts: readonly string[], separator: string): string {
  return parts.filter((part) => part !== '').join(separator)
}

/** Returns the reason, with the line of the failed command's output that explains it, unless the reason has it. */
function reasonOf({ state, reason, templates, reload }: GroupJson): string {
  if (state === 'in-sync') return ''
  const failed = templates.find(({ check }) => check?.ok === false)?.check ?? reload?.last ?? null
  const line = state !== 'failed' || failed?.ok !== false ? '' : reasonLineOf(failed.output)
  return line === '' || reason.includes(line) ? reason : `${reason}: ${line}`
}

function reloadText({ reload }: GroupJson): string {
  if (reload === null || reload.runs === 0) return ''
  const failures = reload.failures === 0 ? '' : ` (${reload.failures} failed)`
  return `reloaded ${reload.runs === 1 ? 'once' : counted(reload.runs, 'time')}${failures}`
}

function writtenText(writtenAt: string | null, now: number): string {
  return writtenAt === null ? 'not written since the start' : `written ${age(now - Date.parse(writtenAt))} ago`
}

function keysNote({ root, state, count: keys, readAt, error }: KeysJson, now: number): Ranked {
  const read = readAt === null ? '' : `, last read ${age(now - Date.parse(readAt))} ago`
  if (state === 'up') return { rank: RANK.keys, note: ['Keys', `${root}: ${counted(keys, 'key')}${read}`] }
  const word = state === 'lost' ? 'LOST' : 'NOT READ YET'
  const why = error === null ? '' : ` - ${error}`
  return { rank: RANK.keysLost, note: ['Keys', `${root}: ${word}${read}${why}`] }
}

/** Returns notes while a hook runs, and after its last run failed. */
function hookNotes({ name, primaryState, primaryMember, running, last }: HookJson, now: number): Ranked[] {
  const about = [primaryState, primaryMember].filter((part) => part !== null).join(', ')
  const notes: Ranked[] = []
  if (running) notes.push({ rank: RANK.hookRunning, note: ['Hook', `${name}: running (${about})`] })
  if (last?.ok !== false) return notes
  const line = reasonLineOf(last.output)
  const output = line === '' || last.outcome.includes(line) ? '' : `: ${line}`
  const ended = age(now - Date.parse(last.startedAt) - last.durationMs)
  const text = `${name}: FAILED ${ended} ago: ${last.outcome}${output}`
  // While it runs, state and member belong to the present run.
  notes.push({ rank: RANK.hookFailed, note: ['Hook', running || about === '' ? text : `${text} (${about})`] })
  return notes
}

/** Returns one line for a member and a reason, however many templates leave it out. */
function leftOutNotes(groups: readonly GroupJson[]): Ranked[] {
  const destinations = new Map<string, string[]>()
  for (const { destination, leftOut } of groups.flatMap(({ templates }) => templates))
    for (const { member, reason } of leftOut) {
      const what = `${member}: ${reason}`
      destinations.set(what, [...(destinations.get(what) ?? []), destination])
    }
  return Array.from(destinations, ([what, of]) => {
    const where = of.length === 1 ? of[0] : counted(of.length, 'template')
    return { rank: RANK.leftOut, note: ['Left out', `${what} (from ${where})`] }
  })
}
