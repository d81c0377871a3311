/** The lines of the log about a reload group: when a fault begins, changes, ends. Pure. */
import type { LogLine } from '../../text/log-line.ts'
import { printable } from '../../text/printable.ts'
import { reasonLineOf } from '../commands/output.ts'
import type { CommandResult } from '../commands/run-command.ts'
import type { LeftOut } from '../engine/template.ts'

/** What came of a pass. */
export type Result =
  | { readonly kind: 'in-sync' }
  | { readonly kind: 'waiting'; readonly reason: string }
  | { readonly kind: 'kept'; readonly reason: string }
  | Failure

export interface Failure {
  readonly kind: 'failed'
  readonly event: 'template-failed' | 'file-failed' | 'check-failed' | 'reload-failed'
  /** null: of all of them. */
  readonly destination: string | null
  readonly reason: string
  /** Of the command that has failed, if it was one. */
  readonly output: string
  readonly durationMs?: number
}

const MAX_MESSAGE = 1000

function line(level: LogLine['level'], message: string, fields: LogLine['fields']): LogLine {
  // Reasons quote files and the DCS.
  return { level, message: printable(message, MAX_MESSAGE), fields }
}

/** Returns the lines for the step from the result of one pass to that of the next, which the former has lasted for `sinceMs`. */
export function resultLines(group: string, before: Result, after: Result, sinceMs: number): readonly LogLine[] {
  const isSame = before.kind === after.kind && lastingReasonOf(before) === lastingReasonOf(after)
  if (isSame || after.kind === 'waiting') return []
  const over = { event: 'templates-recovered', group, forMs: sinceMs }
  const wasBad = before.kind === 'failed' || before.kind === 'kept'
  switch (after.kind) {
    case 'in-sync':
      return wasBad ? [line('info', `${group}: recovered after ${sinceMs / 1000} s`, over)] : []
    case 'kept': {
      const fields = { event: 'template-kept', group, reason: after.reason }
      return [line('info', `${group}: the file stays as it is: ${after.reason}`, fields)]
    }
    case 'failed': {
      const { event, destination, reason, output, durationMs } = after
      const known = { destination: destination ?? undefined, output: output || undefined, durationMs }
      const fields = { event, group, reason, ...known }
      return [line('error', `${group}: ${reason}${output === '' ? '' : `: ${reasonLineOf(output)}`}`, fields)]
    }
  }
}

/** Of a temporary file the name is another one with each attempt, and the trouble the same. */
const RANDOM = /[0-9a-f]{8}[0-9a-f-]{4,}(?=\.tmp)/g

function lastingReasonOf(result: Result): string | null {
  return 'reason' in result ? result.reason.replaceAll(RANDOM, '') : null
}

/** Returns the line for a file that was written. `changedByOthers`: with the text of the last time, so another program has changed or removed it. */
export function writtenLine(group: string, destination: string, changedByOthers: boolean): LogLine {
  const fields = { event: changedByOthers ? 'template-restored' : 'template-written', group, destination }
  return changedByOthers
    ? line('warn', `${destination} was changed or removed by another program: restored`, fields)
    : line('info', `wrote ${destination}`, fields)
}

/** Returns the line for a check that accepts the new file. */
export function checkedLine(group: string, destination: string, { durationMs }: CommandResult): LogLine {
  const message = `the check of ${destination} accepted it in ${durationMs} ms`
  return line('note', message, { event: 'check-passed', group, destination, durationMs })
}

/** Returns the line for a reload that has succeeded. */
export function reloadedLine(group: string, { durationMs, output }: CommandResult): LogLine {
  const fields = { event: 'reloaded', group, durationMs, output: output || undefined }
  return line('info', `${group}: reloaded in ${durationMs} ms`, fields)
}

/** Returns the line for a reload that was not done in the time that was left when the router ended. */
export function reloadOwedLine(group: string, { outcome, output }: CommandResult): LogLine {
  const fields = { event: 'reload-owed', group, outcome, output: output || undefined }
  return line(
    'warn',
    `${group}: the reload ${outcome} while the router was shutting down: it stays pending until the next start`,
    fields,
  )
}

/** Returns the lines for members that are left out from now on, and for those that no longer are. */
export function leftOutLines(
  source: string,
  before: readonly LeftOut[],
  after: readonly LeftOut[],
): readonly LogLine[] {
  const [old, present] = [before, after].map((all) => new Map(all.map(({ member, reason }) => [member, reason])))
  const begun = after.filter(({ member, reason }) => old?.get(member) !== reason)
  const ended = before.filter(({ member }) => present?.has(member) !== true)
  return [
    ...begun.map(({ member, reason }) =>
      line('warn', `${source}: ${member} is left out: ${reason}`, { event: 'member-left-out', source, member, reason }),
    ),
    ...ended.map(({ member }) =>
      line('info', `${source}: ${member} is no longer left out`, { event: 'member-left-out-over', source, member }),
    ),
  ]
}
