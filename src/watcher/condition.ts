/** What can be asked of a cluster with yes or no: by track files, and by scripts. Pure. */
import type { Condition } from '../config/conditions.ts'
import { unknownMember } from './members/local-member.ts'
import { type ClusterView, isUnasked, servesReads, takesNew } from './view.ts'

export interface ConditionResult {
  /** null: it is not known (yet); treated as a no by sinks that only have yes and no. */
  readonly holds: boolean | null
  /** In words. */
  readonly reason: string
}

/** Judges whether a condition holds in a view. A member is open for writes by its proof, not by the key. */
export function judge(condition: Condition, view: ClusterView): ConditionResult {
  const verdict = condition.name === 'replicas' ? judgeReplicas(view) : judgePrimary(condition, view)
  const isUnknown = verdict.holds === false && view.dcs.state === 'never'
  return isUnknown ? { holds: null, reason: 'the cluster is not known yet: its DCS has not been read' } : verdict
}

function judgePrimary(
  condition: Extract<Condition, { name: 'local-leader' | 'primary' }>,
  { primary, members }: ClusterView,
): ConditionResult {
  const { state, member, reason } = primary
  if (condition.name === 'local-leader' && condition.member !== member) {
    const names = members.map(({ name }) => name)
    const unknown = unknownMember(condition.member, names)
    if (unknown !== null) return { holds: false, reason: unknown }
  }
  // In a switchover, an address that leaves before Postgres has ended its sessions cuts them off without a message.
  // Until it has stopped it is the primary, and new clients come soon enough to get the message as well.
  const isStill = condition.name === 'local-leader' && state === 'switching'
  if (member === null || (!takesNew(state) && !isStill)) {
    return { holds: false, reason: `no member is open for writes (${state}: ${reason})` }
  }
  if (condition.name === 'local-leader' && condition.member !== member)
    return { holds: false, reason: `the primary is ${member}, not ${condition.member}` }
  return { holds: true, reason: `${member} is the primary (${state})` }
}

function judgeReplicas({ members }: ClusterView): ConditionResult {
  const serving = members.filter(servesReads)
  if (serving.length > 0)
    return { holds: true, reason: `reads are served by ${serving.map(({ name }) => name).join(', ')}` }
  const unasked = members.find(isUnasked)
  if (unasked !== undefined) return { holds: null, reason: `${unasked.name} has not answered yet` }
  return { holds: false, reason: 'no replica serves reads' }
}
