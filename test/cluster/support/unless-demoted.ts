import type { PatroniCluster } from '../../support/patroni/cluster.ts'
import type { PatroniMember } from '../../support/patroni/member.ts'
import type { RouterProcess } from '../../support/router/process.ts'
import { settled } from './settled.ts'

const MOST_TRIES = 5

/**
 * Does to the leader what Patroni survives, and again where it has demoted itself all the same. It does so when its lock
 * goes between its reading and its renewal of it, and in failsafe mode when a member does not answer in time: on a busy machine.
 */
export async function unlessDemoted(
  cluster: PatroniCluster,
  router: RouterProcess,
  work: (leader: PatroniMember) => Promise<void>,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    const leader = await settled(cluster, router)
    const from = leader.patroni.log().length
    try {
      await work(leader)
      return
    } catch (error) {
      if (tries === MOST_TRIES || !leader.patroni.log().slice(from).includes('demot')) throw error
    }
  }
}
