/** The proxy's log lines: each names its listener and the route of that. Pure. */
import type { ListenerConfig } from '../config/config.ts'
import type { LogLine } from '../text/log-line.ts'
import { printable } from '../text/printable.ts'
import { type PrimaryView, takesNew } from '../watcher/view.ts'
import type { Eligibility, MemberUse } from './route.ts'

/** The log of one listener. */
export type ListenerLog = (level: LogLine['level'], fields: LogLine['fields'], message: string) => void

/** Returns a log whose lines begin with the listener's name, and have it and the kind of its route as fields. */
export function listenerLog(
  { name: listener, route }: Pick<ListenerConfig, 'name' | 'route'>,
  write: (line: LogLine) => void,
): ListenerLog {
  return (level, fields, message) =>
    write({ level, fields: { ...fields, listener, route }, message: `${listener}: ${message}` })
}

/** Returns the line for the moment from which new connections to the primary are held. */
export function heldLine({ member, state, override }: PrimaryView, reason: string): LogLine {
  // Where the primary is not open, that is what has them held.
  const isOverridden = override !== undefined && takesNew(state)
  return {
    level: 'note',
    fields: { event: 'held', member, reason, ...(isOverridden ? { override: override.state } : {}) },
    message: 'new connections to the primary are held',
  }
}

/** Returns the line for the moment from which new connections go to the primary. `fencedMs`: how long its fence took. */
export function openedLine(member: string, epoch: number | null, fencedMs: number | null): LogLine {
  const message = printable(`new connections go to ${member}`, MAX_MESSAGE)
  return {
    level: 'note',
    fields: { event: 'opened', member, epoch, ...(fencedMs === null ? {} : { fencedMs }) },
    message,
  }
}

const MAX_MESSAGE = 1000

/** By member: why the log said last that this route does not use it. */
export type Logged = ReadonlyMap<string, NonNullable<Eligibility['cause']>>

export const NOTHING_LOGGED: Logged = new Map()

/**
 * Returns the lines for `uses`, given what was logged before: one when a member is not used any more, and one when it is
 * again. The watcher logs what makes a member unfit for every route; that changes nothing of what was logged here.
 */
export function useLines(
  logged: Logged,
  uses: readonly MemberUse[],
): { readonly lines: readonly LogLine[]; readonly logged: Logged } {
  const lines: LogLine[] = []
  const after = new Map<string, NonNullable<Eligibility['cause']>>()
  for (const { member, fit, reason, cause } of uses) {
    const before = logged.get(member) ?? null
    const now = fit ? null : (cause ?? before)
    if (now !== null) after.set(member, now)
    if (now === before) continue
    const fields = { event: now === null ? 'member-used' : 'member-unused', member }
    if (now === null) lines.push({ level: 'info', message: `uses ${member} again`, fields })
    else {
      const level = now === 'lag' ? 'warn' : 'info'
      lines.push({ level, message: `does not use ${member}: ${reason}`, fields: { ...fields, reason } })
    }
  }
  return { lines, logged: after }
}
