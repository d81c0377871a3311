/** What of a route's own judgement of its members is to be logged: when it begins and when it ends. Pure. */
import type { MemberUse, Verdict } from './route.ts'

export interface Line {
  readonly level: 'info' | 'warn'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** By member: why the log said last that this route does not use it. */
export type Told = ReadonlyMap<string, NonNullable<Verdict['cause']>>

export const NOTHING_TOLD: Told = new Map()

/**
 * The lines for `uses`, given what was told before. What makes a member unfit for every route is the watcher's to tell,
 * and changes nothing of what was told here.
 */
export function narrateUses(
  listener: string,
  told: Told,
  uses: readonly MemberUse[],
): { readonly lines: readonly Line[]; readonly told: Told } {
  const lines: Line[] = []
  const after = new Map<string, NonNullable<Verdict['cause']>>()
  for (const { member, fit, reason, cause } of uses) {
    const before = told.get(member) ?? null
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
  return { lines, told: after }
}
