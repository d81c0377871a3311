/** The health checks of members, in the words that HAProxy has for its own. Pure. */
import type { LastCheck } from '../../watcher/counts.ts'
import { isBackup, type Server, stateOf } from './sections.ts'

/** Results that end a check, in HAProxy's order (management guide, 9.1, check_status). */
export const CHECK_STATUSES = [
  ...['HANA', 'SOCKERR', 'L4OK', 'L4TOUT', 'L4CON', 'L6OK', 'L6TOUT', 'L6RSP', 'L7TOUT', 'L7RSP', 'L7OK', 'L7OKC'],
  ...['L7STS', 'PROCERR', 'PROCTOUT', 'PROCOK'],
] as const

/** Name, HAProxy's number, what it says of the server, and HAProxy's description. */
const RESULTS = {
  INI: { number: 1, result: 0, description: 'Initializing' },
  L4TOUT: { number: 7, result: 2, description: 'Layer4 timeout' },
  L4CON: { number: 8, result: 2, description: 'Layer4 connection problem' },
  L7RSP: { number: 13, result: 2, description: 'Layer7 invalid response' },
  L7OK: { number: 15, result: 3, description: 'Layer7 check passed' },
  L7STS: { number: 17, result: 2, description: 'Layer7 wrong status' },
} as const

/** The statuses that the check of a member can have. */
export type CheckStatus = keyof typeof RESULTS

export interface CheckResult {
  readonly status: CheckStatus
  readonly number: number
  readonly result: number
  readonly description: string
  /** Of the answer; null: there was none. */
  readonly httpStatus: number | null
  readonly tookMs: number | null
  /** Why it is not used; empty where it is. */
  readonly reason: string
}

/**
 * Returns what HAProxy's own check of this server would have found: a member that answers, and that the route is not for, has another
 * status than 200 there. null: it is in maintenance, where HAProxy has none.
 */
export function checkOf(server: Server): CheckResult | null {
  const state = stateOf(server)
  if (state === 'MAINT') return null
  const { section, status } = server
  const last = section.checks.get(status.member)?.last ?? null
  const isUsed = status.fit || isBackup(server)
  // A server that is drained passes its checks in HAProxy too.
  const found = statusOf(last, isUsed || state === 'DRAIN')
  return {
    status: found,
    ...RESULTS[found],
    httpStatus: found === 'L7STS' && last?.outcome === 'passed' ? 503 : (last?.httpStatus ?? null),
    tookMs: last?.tookMs ?? null,
    reason: isUsed ? (last?.reason ?? '') : status.reason,
  }
}

function statusOf(last: LastCheck | null, isUsed: boolean): CheckStatus {
  if (last === null) return 'INI'
  switch (last.outcome) {
    case 'passed':
      return isUsed ? 'L7OK' : 'L7STS'
    case 'no':
      return last.httpStatus === null ? 'L7RSP' : 'L7STS'
    case 'none':
      return 'L4TOUT'
    case 'refused':
      return 'L4CON'
  }
}
