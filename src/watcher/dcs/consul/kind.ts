/** Consul, over its HTTP API (Patroni's section `consul`). */
import { addresses, boolean, list, port } from '../../../config/env-values.ts'
import { COPIED_KEYS, TLS_KEYS } from '../../../config/patroni-keys.ts'
import type { DcsConfig } from '../../../config/config.ts'
import { mappingOf } from '../../../text/unknown-shape.ts'
import { type DcsKind, deferred, deferredKeys } from '../kind.ts'
import { patienceOf } from '../online.ts'
import { prefixOf } from '../scopes.ts'
import { surroundingsOf } from '../survey.ts'
import { VARIABLES } from './environment.ts'
import { CONSUL_FORM } from './form.ts'
import { type ConsulConfig, NAME, resolveConsul, SETTINGS } from './section.ts'

const KEYS: readonly string[] = [
  ...['host', 'port', 'url', 'scheme', 'token', 'verify', 'dc', 'consistency', ...TLS_KEYS, ...COPIED_KEYS],
  ...['checks', 'register_service', 'service_tags', 'service_check_interval', 'service_check_tls_server_name'],
]
const WORDS: Readonly<Record<string, string>> = {
  ...{ cafile: 'cacert', ca: 'cacert', ca_file: 'cacert', certfile: 'cert', cert_file: 'cert', keyfile: 'key' },
  ...{ key_file: 'key', hosts: 'host', address: 'host', endpoint: 'host', datacenter: 'dc', acl_token: 'token' },
  ...{ protocol: 'scheme', proto: 'scheme', tls: 'scheme: https', ssl: 'scheme: https', use_ssl: 'scheme: https' },
  ...{ insecure: 'verify, its opposite', password: 'token' },
}

export const consul: DcsKind<ConsulConfig> = {
  name: NAME,
  patroni: {
    keys: KEYS,
    words: WORDS,
    library: 'python-consul or py-consul',
    variables: { PORT: port, VERIFY: boolean, CHECKS: list, SERVICE_TAGS: addresses },
    login: [],
    foreign: VARIABLES,
  },
  needed: { key: 'host', how: 'consul.host' },
  addresses: ['host', 'url'],
  passwords: ['token'],
  form: CONSUL_FORM,
  hasKeys: true,
  resolve: resolveConsul,
  identify({ endpoint, dc }, { namespace, scope, citusGroup }) {
    return [endpoint, dc, namespace, scope, citusGroup]
  },
  describe({ endpoint, protocol, token, verify, caFile, certFile, dc }) {
    const access = [
      dc === null ? '' : `datacenter ${dc}`,
      protocol === 'https' ? (verify ? `CA ${caFile ?? 'of the system'}` : 'certificate not verified') : '',
      certFile === null ? '' : 'client certificate',
      token === null ? '' : 'token',
    ]
    return [`${NAME} over ${protocol} at ${endpoint}`, ...access].filter((part) => part !== '').join(', ')
  },
  files: (config) => ({ certificates: { peer: 'Consul', files: config, settings: SETTINGS } }),
  create(config, { cluster, rest: { lookups }, log, clusters }) {
    const prefix = prefixOf(cluster)
    const traits = { kind: NAME, leaderFrom: 'lock', absence: `the DCS has no cluster below ${prefix}` } as const
    const { intervalMs, timeoutMs } = cluster.proxy.check
    return deferred(traits, async () => {
      const { consulDcs } = await import('./consul-dcs.ts')
      const survey = surroundingsOf(cluster, clusters, isSameConsul)
      return consulDcs({ config, prefix, intervalMs, timeoutMs, log, lookups, survey })
    })
  },
  createKeys(config, { cluster, lookups, log }) {
    const { intervalMs, timeoutMs } = cluster.proxy.check
    return deferredKeys(async () => {
      const { consulKeyValues } = await import('./consul-dcs.ts')
      return consulKeyValues({ config, intervalMs, timeoutMs, log, lookups })
    })
  },
  async checkOnline(config, context, signal) {
    const { cluster, clusters, rest } = context
    const { checkConsul } = await import('./online.ts')
    const timeoutMs = patienceOf(cluster)
    const check = { ...cluster.proxy.check, timeoutMs }
    const source = this.create(config, { ...context, cluster: { ...cluster, proxy: { ...cluster.proxy, check } } })
    const options = { config, prefix: prefixOf(cluster).slice(1), timeoutMs, lookups: rest.lookups }
    return checkConsul(options, surroundingsOf(cluster, clusters, isSameConsul), source, signal)
  },
  async isAway(config, { cluster, lookups }, signal) {
    const { isConsulAway } = await import('./online.ts')
    const options = { config, prefix: prefixOf(cluster).slice(1), timeoutMs: patienceOf(cluster), lookups }
    return isConsulAway(options, signal)
  },
}

function isSameConsul(one: DcsConfig, other: DcsConfig): boolean {
  const [a, b] = [mappingOf(one), mappingOf(other)]
  return one.kind === other.kind && a['endpoint'] === b['endpoint'] && a['dc'] === b['dc']
}
