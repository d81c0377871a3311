/** The log's lines about the members that serve reads. Pure. */
import type { LogLine } from '../../text/log-line.ts'
import { isNews, isRequested, type Logged, withReason } from './line.ts'
import type { ClusterView, MemberView } from '../view.ts'

/**
 * Returns the lines for the step from `before` to `after`, and the logged reasons of the members that are not
 * available.
 */
export function memberLines(
  before: ClusterView,
  after: ClusterView,
  logged: Logged,
): { readonly lines: readonly LogLine[]; readonly logged: Logged } {
  const old = new Map(before.members.map((member) => [member.name, member]))
  const lines: LogLine[] = []
  const known = new Map<string, ReadonlySet<string>>()
  for (const member of after.members) {
    const { name, replica } = member
    const leads = name === after.leader && !after.standbyCluster
    if (leads || replica.fit) {
      if (!leads && old.get(name)?.replica.fit !== true) lines.push(availableLine(member, after))
      continue
    }
    const line = unavailableLine(old.get(name), member, before, after, logged.get(name))
    if (line !== null) lines.push(line)
    known.set(
      name,
      replica.checked ? withReason(logged.get(name), stemOf(replica.reason)) : (logged.get(name) ?? new Set()),
    )
  }
  return { lines, logged: known }
}

function availableLine({ name, replica }: MemberView, after: ClusterView): LogLine {
  const fields = { event: 'replica-up', member: name, reason: replica.reason }
  return { level: 'info', message: `${whatIs(name, after)} is available for reads`, fields }
}

/**
 * Returns the line about a member that is not available. If it was available it is a loss; another reason, or a member
 * that was never available, is only logged.
 */
function unavailableLine(
  old: MemberView | undefined,
  { name, isLeader, replica }: MemberView,
  before: ClusterView,
  after: ClusterView,
  logged: ReadonlySet<string> | undefined,
): LogLine | null {
  const { reason, cause } = replica
  const isSecond = cause === 'second-primary'
  const who = isSecond || cause === 'runs-as-primary' ? name : whatIs(name, after)
  const message = `${who} is not available for reads: ${reason}`
  const isPlanned = isRequested(before, after) || cause === 'restarting'
  // A leader that becomes a replica was none before.
  const isLoss = old?.replica.fit === true && old.isLeader === isLeader
  if (isLoss) {
    return { level: isPlanned ? 'info' : 'warn', message, fields: { event: 'replica-down', member: name, reason } }
  }
  if (!replica.checked || isLeader || old?.replica.reason === reason || !isNews(logged, stemOf(reason))) return null
  const level = isSecond && !isPlanned ? 'warn' : 'info'
  return { level, message, fields: { event: 'replica-reason', member: name, reason } }
}

function whatIs(name: string, { leader }: ClusterView): string {
  return `${name === leader ? 'standby leader' : 'replica'} ${name}`
}

/** Returns a reason without the states that a member passes through on its way back. */
function stemOf(reason: string): string {
  return reason.replace(/ \(role .*\)$/, '')
}
