import type { PatroniCluster } from '../../support/patroni/cluster.ts'
import type { PatroniMember } from '../../support/patroni/member.ts'
import type { RouterProcess } from '../../support/router/process.ts'
import { until } from '../../support/until.ts'

/**
 * Starts the members that the test before has stopped, and waits until the cluster is healthy and the router serves its
 * leader and its replicas. Returns the leader.
 */
export async function settled(cluster: PatroniCluster, router: RouterProcess): Promise<PatroniMember> {
  await Promise.all(cluster.members.map((member) => member.start()))
  return until(
    'the router serves a healthy cluster',
    async () => {
      const leader = await cluster.waitHealthy()
      const { clusters } = await router.status()
      const view = clusters[0]
      if (view?.primary.state !== 'open' || view.primary.member !== leader.name)
        throw new Error(JSON.stringify(view?.primary))
      const replicas = view.members.filter(({ name }) => name !== leader.name)
      if (!replicas.every(({ replica }) => replica.usable)) throw new Error(JSON.stringify(replicas))
      return leader
    },
    { timeoutMs: 90_000, everyMs: 200 },
  )
}
