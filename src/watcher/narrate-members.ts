/** The log's lines about the members that serve reads. Pure. */
import { isRequested, type Line } from './narration.ts'
import type { ClusterView, MemberView } from './view.ts'

/** The lines for the step from `before` to `after`. */
export function narrateMembers(before: ClusterView, after: ClusterView): readonly Line[] {
  const old = new Map(before.members.map((member) => [member.name, member]))
  return after.members.flatMap((member) => replicaLines(old.get(member.name), member, before, after))
}

function replicaLines(
  old: MemberView | undefined,
  { name, isLeader, replica }: MemberView,
  before: ClusterView,
  after: ClusterView,
): readonly Line[] {
  const { leader, standbyCluster } = after
  if (old?.replica.fit === replica.fit || (name === leader && !standbyCluster)) return []
  const what = `${name === leader ? 'standby leader' : 'replica'} ${name}`
  const fields = { event: replica.fit ? 'replica-up' : 'replica-down', member: name, reason: replica.reason }
  if (replica.fit) return [{ level: 'info', message: `${what} is available for reads`, fields }]
  // Before the first check there is nothing to tell, and a leader that becomes a replica was none before.
  if (old?.replica.fit !== true || old.isLeader !== isLeader) return []
  const level = isRequested(before, after) ? 'info' : 'warn'
  return [{ level, message: `${what} is not available for reads: ${replica.reason}`, fields }]
}
