/** etcd v3, over its gRPC API (Patroni's section `etcd3`). */
import { addresses, boolean, port } from '../../../config/env-values.ts'
import { ETCD_KEYS, ETCD_WORDS } from '../../../config/patroni-keys.ts'
import { isSameEtcd } from '../etcd-common/same.ts'
import { type DcsKind, deferred, type KeysContext } from '../kind.ts'
import { prefixOf } from '../scopes.ts'
import { followedGroups } from '../survey.ts'
import { ETCD3_FORM } from './form.ts'
import { type Etcd3Config, NAME, NEEDED, resolveEtcd3, SETTINGS } from './section.ts'

/** With both, Patroni takes etcd: the two have the same client library. */
const BOTH_ETCD =
  'Patroni uses etcd (v2) here, so etcd3 is not this cluster: remove the section that is left over, ' +
  'or add rest: {urls: [...]}, which reads the REST API of the members'

export const etcd3: DcsKind<Etcd3Config> = {
  name: NAME,
  patroni: {
    keys: ETCD_KEYS,
    words: ETCD_WORDS,
    variables: { PORT: port, HOSTS: addresses, USE_PROXIES: boolean },
    login: ['username', 'password'],
    hiddenBy: { section: 'etcd', message: BOTH_ETCD },
  },
  needed: { key: 'hosts', how: NEEDED },
  addresses: ['hosts', 'host', 'url', 'proxy'],
  passwords: ['password'],
  form: ETCD3_FORM,
  hasKeys: true,
  resolve: resolveEtcd3,
  identify({ endpoints }, { namespace, scope, citusGroup }) {
    return [endpoints.toSorted(), namespace, scope, citusGroup]
  },
  describe({ endpoints, protocol, useProxies, auth, caFile, certFile }) {
    const seeds = useProxies ? 'only these' : 'seeds, the others are discovered'
    const access = [
      protocol === 'https' ? `CA ${caFile ?? 'of the system'}` : '',
      certFile === null ? '' : 'client certificate',
      auth === null ? '' : 'user and password',
    ]
    return [`etcd3 over ${protocol} at ${endpoints.join(', ')} (${seeds})`, ...access]
      .filter((part) => part !== '')
      .join(', ')
  },
  files: (config) => ({ certificates: { peer: 'etcd', files: config, settings: SETTINGS } }),
  create(config, { cluster, rest: { lookups }, log, clusters }) {
    const prefix = prefixOf(cluster)
    const traits = { kind: NAME, leaderFrom: 'lock', absence: `the DCS has no cluster below ${prefix}` } as const
    const { scope, namespace, citusGroup: group } = cluster
    const { intervalMs, timeoutMs } = cluster.proxy.check
    return deferred(traits, async () => {
      const { Etcd3Dcs } = await import('./etcd3-dcs.ts')
      const survey = { place: { namespace, scope, group }, followed: followedGroups(cluster, clusters, isSameEtcd) }
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
    const { cluster, clusters } = context
    const [{ checkEtcd }, { SURVEY }, check] = await Promise.all([
      import('../etcd-common/online.ts'),
      import('./places.ts'),
      checkOf(config, { ...context, lookups: context.rest.lookups }),
    ])
    const { namespace, scope, citusGroup: group } = cluster
    const survey = { place: { namespace, scope, group }, followed: followedGroups(cluster, clusters, isSameEtcd) }
    const sourceOf = (endpoint: string, protocol: 'http' | 'https'): ReturnType<typeof this.create> =>
      this.create({ ...config, endpoints: [endpoint], protocol, srv: null }, context)
    return checkEtcd({ ...check, sourceOf, survey: { ...SURVEY, ...survey, prefix: prefixOf(cluster) } }, signal)
  },
  async isAway(config, context, signal) {
    const { isEtcdAway } = await import('../etcd-common/online.ts')
    return isEtcdAway(await checkOf(config, context), signal)
  },
}

/** Returns how its endpoints are found and asked. */
async function checkOf(config: Etcd3Config, { cluster, lookups }: KeysContext) {
  const [{ etcdServices }, { askingOf }, { PATIENCE_MS }] = await Promise.all([
    import('../etcd-common/services.ts'),
    import('./online.ts'),
    import('../etcd-common/online.ts'),
  ])
  const timeoutMs = Math.max(cluster.proxy.check.timeoutMs, PATIENCE_MS)
  const options = { config, prefix: prefixOf(cluster), timeoutMs, lookups }
  return {
    config,
    services: etcdServices(config, { lookups, timeoutMs }),
    asking: (protocol: 'http' | 'https') => askingOf(options, protocol),
  }
}
