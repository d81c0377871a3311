/** When a cluster is known well enough to be written into files. Pure. */
import { type ClusterView, isUnasked, takesNew } from '../../watcher/view.ts'
import type { PrimaryState } from '../../config/config.ts'

/** For what members have not answered after this a file does not wait. Milliseconds. */
export const PATIENCE_MS = 3000

/**
 * Why nothing is to be written yet; null: it may be. Without a DCS that was ever read, the members that an earlier run has
 * kept do, as soon as one of them has proved to be the primary. `patient`: whether whoever has not answered yet is waited
 * for: at the start half of the answers are out, and a file of half the replicas would be loaded first and a whole one
 * right after it.
 */
export function whyNotYet(view: ClusterView, patient: boolean): string | null {
  const { dcs, leader, primary, members, standbyCluster } = view
  if (dcs.state === 'never' && !takesNew(primary.state))
    return 'the cluster is not known: its DCS has not been read yet'
  if (!patient) return null
  const isAsked = leader !== null && !standbyCluster && UNDECIDED.has(primary.state)
  if (isAsked) return `${leader} has not answered yet`
  const silent = members.find(isUnasked)
  return silent === undefined ? null : `${silent.name} has not answered yet`
}

/** States in which the leader's answer decides what comes next. */
const UNDECIDED: ReadonlySet<PrimaryState> = new Set([
  'promoting',
  'unconfirmed',
  // Its REST API may only be slow.
  'unverified',
  'none',
])

/** What makes a change urgent: whom the DCS names, and who is open for writes and where. */
export function headOf({ leader, primary }: ClusterView): string {
  const { state, member, address } = primary
  return JSON.stringify([leader, takesNew(state) ? [member, address] : null])
}
