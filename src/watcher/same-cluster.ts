/** Whether two DCSs show the same Patroni cluster. Pure. */
import { type Cluster, namedBy } from './cluster.ts'
import type { DcsObservation } from './dcs/dcs.ts'
import type { Objection } from './dcs-succession.ts'
import type { DcsView } from './view.ts'

/**
 * Returns why what another DCS shows cannot be the cluster `scope`, which the present one shows; null: it is. Where the present
 * one has never shown a system identifier there is nothing to compare. `present`: its `optime` may be an earlier one, which the
 * other has to have reached.
 */
export function objectionTo(
  observation: DcsObservation,
  present: Cluster,
  { state }: Pick<DcsView, 'state'>,
  scope: string,
): Objection | null {
  if (observation.type === 'lost') return { reason: observation.error.message, isFinal: false }
  const { cluster, endpoint } = observation
  const { systemId } = present
  if (systemId === null) return null
  if (cluster.systemId === null)
    return { reason: `the DCS at ${endpoint} has no cluster ${scope} with a system identifier`, isFinal: false }
  if (cluster.systemId !== systemId) {
    const reason = `the DCS at ${endpoint} shows another cluster: its system identifier is ${cluster.systemId}, and that of ${scope} is ${systemId}`
    return { reason, isFinal: true }
  }
  if (state !== 'up') return null
  // A copy that Patroni no longer writes to has the same identifier and, until the lock expires, the same leader.
  if (cluster.optime !== null && present.optime !== null && cluster.optime < present.optime)
    return { reason: `the DCS at ${endpoint} is out of date: Patroni does not write to it`, isFinal: false }
  const [named, before] = [namedBy(cluster), namedBy(present)]
  // The present one names no leader once Patroni has moved to the other one.
  if (named === before || (named === null && !cluster.hasLock) || before === null) return null
  const reason = `the DCS at ${endpoint} names ${named ?? 'no member'} as the leader, and the present one ${before}`
  return { reason, isFinal: false }
}
