/** Discovery through the members' own REST API: for any DCS, and for none. */
import { type DcsKind, deferred } from '../kind.ts'
import { checkProxy, NAME, REST_FORM, resolveRest, type RestConfig } from './section.ts'

export const rest: DcsKind<RestConfig> = {
  name: NAME,
  patroni: null,
  needed: { key: 'urls', how: 'rest.urls' },
  addresses: ['urls'],
  passwords: [],
  form: REST_FORM,
  hasKeys: false,
  substitute: 'add rest: {urls: [...]}, which reads the REST API of the members',
  resolve: resolveRest,
  // A member shows one cluster, whatever the namespace.
  identify: ({ urls }, { scope }) => [urls.toSorted(), scope],
  checkProxy,
  describe: ({ urls }) => `none: the members are queried, beginning with ${urls.join(', ')}`,
  create(config, { cluster, rest: restClient }) {
    const { scope } = cluster
    const { intervalMs, fastIntervalMs } = cluster.proxy.check
    return deferred({ kind: NAME, leaderFrom: 'members', absence: null }, async () => {
      const { RestDcs } = await import('./rest-dcs.ts')
      return new RestDcs({ config, restClient, scope, intervalMs, fastIntervalMs })
    })
  },
  async checkOnline(config, context, signal) {
    const { checkSources } = await import('./online.ts')
    return checkSources(config.urls, context, this.create(config, context), signal)
  },
}
