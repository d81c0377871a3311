/** What both APIs of etcd are as kinds of DCS. */
import type { Lookups } from '../../../names/lookups.ts'
import type { Log } from '../../../text/log-line.ts'
import type { ClusterSource, Dcs } from '../dcs.ts'
import type { KeyValueSource } from '../key-values.ts'
import { type DcsContext, type DcsKind, deferred, deferredKeys, type KeysContext } from '../kind.ts'
import { patienceOf } from '../online.ts'
import { prefixOf } from '../scopes.ts'
import { type Surroundings, surroundingsOf, type SurveyKind } from '../survey.ts'
import { etcdSection } from './descriptor.ts'
import { isSameEtcd } from './same.ts'
import type { EtcdConfig } from './section.ts'
import type { Asking, EtcdClient } from './seeds.ts'

export interface EtcdOptions<N extends string = string> {
  readonly config: EtcdConfig<N>
  /** How often it is read with certainty, and how long such a read may take. Milliseconds. */
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly lookups: Lookups
  readonly log: Log | null
}

/** How an API is used. */
export interface EtcdApi<N extends string, C extends EtcdClient> {
  /** Builds what observes the cluster below `prefix` (`/service/demo/`). */
  dcs(options: EtcdOptions<N> & { readonly prefix: string; readonly survey: Surroundings }): ClusterSource
  /** Builds what reads arbitrary keys. */
  keys(options: EtcdOptions<N>): KeyValueSource
  /** Returns how endpoints with this protocol are asked, for `check --online`. */
  asking(options: EtcdOptions<N> & { readonly prefix: string }, protocol: 'http' | 'https'): Asking<C>
  readonly survey: SurveyKind<C>
}

/** Returns the descriptor of a section; `load` gives the API with the first use. */
export function etcdKind<N extends string, C extends EtcdClient>(
  name: N,
  texts: { readonly description: string; readonly how: string },
  load: () => Promise<EtcdApi<N, C>>,
): DcsKind<EtcdConfig<N>> {
  const create = (config: EtcdConfig<N>, { cluster, rest: { lookups }, log, clusters }: DcsContext): Dcs => {
    const prefix = prefixOf(cluster)
    const traits = { kind: name, leaderFrom: 'lock', absence: `the DCS has no cluster below ${prefix}` } as const
    const { intervalMs, timeoutMs } = cluster.proxy.check
    return deferred(traits, async () => {
      const survey = surroundingsOf(cluster, clusters, isSameEtcd)
      return (await load()).dcs({ config, prefix, intervalMs, timeoutMs, log, lookups, survey })
    })
  }
  /** Returns how the endpoints are found and asked. */
  const checkOf = async (
    config: EtcdConfig<N>,
    { cluster, lookups }: Pick<KeysContext, 'cluster' | 'lookups'>,
    api: EtcdApi<N, C>,
  ) => {
    const { etcdServices } = await import('./services.ts')
    const timeoutMs = patienceOf(cluster)
    const { intervalMs } = cluster.proxy.check
    const options = { config, prefix: prefixOf(cluster), intervalMs, timeoutMs, lookups, log: null }
    return {
      config,
      services: etcdServices(config, options),
      asking: (protocol: 'http' | 'https') => api.asking(options, protocol),
    }
  }
  return {
    ...etcdSection(name, texts),
    hasKeys: true,
    create,
    createKeys(config, { cluster, lookups, log }) {
      const { intervalMs, timeoutMs } = cluster.proxy.check
      return deferredKeys(async () => (await load()).keys({ config, intervalMs, timeoutMs, log, lookups }))
    },
    async checkOnline(config, context, signal) {
      const { cluster, clusters, rest } = context
      const [{ checkEtcd }, api] = await Promise.all([import('./online.ts'), load()])
      const sourceOf = (endpoint: string, protocol: 'http' | 'https'): Dcs =>
        create({ ...config, endpoints: [endpoint], protocol, srv: null }, context)
      const survey = { ...api.survey, ...surroundingsOf(cluster, clusters, isSameEtcd), prefix: prefixOf(cluster) }
      const check = await checkOf(config, { cluster, lookups: rest.lookups }, api)
      return checkEtcd({ ...check, sourceOf, survey }, signal)
    },
    async isAway(config, context, signal) {
      const [{ isEtcdAway }, api] = await Promise.all([import('./online.ts'), load()])
      return isEtcdAway(await checkOf(config, context, api), signal)
    },
  }
}
