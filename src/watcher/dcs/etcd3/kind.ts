/** etcd v3, over its gRPC API (Patroni's section `etcd3`). */
import { etcdSection } from '../etcd-common/descriptor.ts'
import { neededIn } from '../etcd-common/section.ts'
import { type DcsKind, deferred } from '../kind.ts'
import { prefixOf } from '../scopes.ts'
import { type Etcd3Config, NAME } from './section.ts'

export const etcd3: DcsKind<Etcd3Config> = {
  ...etcdSection(NAME, { description: 'etcd v3, as in Patroni.', how: neededIn(NAME) }),
  hasKeys: true,
  create(config, { cluster, rest: { lookups }, log, clusters }) {
    const prefix = prefixOf(cluster)
    const traits = { kind: NAME, leaderFrom: 'lock', absence: `the DCS has no cluster below ${prefix}` } as const
    const { scope, namespace, citusGroup: group } = cluster
    const { intervalMs, timeoutMs } = cluster.proxy.check
    return deferred(traits, async () => {
      const [{ Etcd3Dcs }, { followedGroups }] = await Promise.all([import('./etcd3-dcs.ts'), import('./survey.ts')])
      const survey = { place: { namespace, scope, group }, followed: followedGroups(cluster, clusters) }
      return new Etcd3Dcs({ config, prefix, intervalMs, timeoutMs, log, lookups, survey })
    })
  },
  createKeys(config, { cluster, lookups, log }) {
    const { intervalMs, timeoutMs } = cluster.proxy.check
    return {
      async *observe(root, signal) {
        const { Etcd3KeyValues } = await import('./key-values.ts')
        yield* new Etcd3KeyValues({ config, intervalMs, timeoutMs, log, lookups }).observe(root, signal)
      },
    }
  },
  async checkOnline(config, context, signal) {
    const { checkEtcd } = await import('./online.ts')
    const at = (endpoint: string): ReturnType<typeof this.create> =>
      this.create({ ...config, endpoints: [endpoint] }, context)
    return checkEtcd(config, context, at, signal)
  },
  async isAway(config, context, signal) {
    const { isEtcdAway } = await import('./online.ts')
    return isEtcdAway(config, context, signal)
  },
}
