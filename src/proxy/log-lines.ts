/** What of a route's own judgement of its members is to be logged: when it begins and when it ends. Pure. */
import type { LogLine } from '../text/log-line.ts'
import type { MemberUse, Eligibility } from './route.ts'

/** By member: why the log said last that this route does not use it. */
export type Logged = ReadonlyMap<string, NonNullable<Eligibility['cause']>>

export const NOTHING_LOGGED: Logged = new Map()

/**
 * The lines for `uses`, given what was logged before. What makes a member unfit for every route is logged by the watcher,
 * and changes nothing of what was logged here.
 */
export function useLines(
  listener: string,
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
    if (now === null) lines.push({ level: 'info', message: `${listener}: uses ${member} again`, fields })
    else {
      const level = now === 'lag' ? 'warn' : 'info'
      lines.push({ level, message: `${listener}: does not use ${member}: ${reason}`, fields: { ...fields, reason } })
    }
  }
  return { lines, logged: after }
}
