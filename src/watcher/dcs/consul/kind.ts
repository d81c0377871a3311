/** Consul, over its HTTP API (Patroni's section `consul`). */
import { addresses, boolean, list, port } from '../../../config/env-values.ts'
import { COPIED_KEYS, TLS_KEYS } from '../../../config/patroni-keys.ts'
import { RouterError } from '../../../errors.ts'
import type { DcsKind } from '../kind.ts'
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
  create() {
    throw notBuilt()
  },
  createKeys() {
    throw notBuilt()
  },
  checkOnline() {
    throw notBuilt()
  },
  isAway() {
    throw notBuilt()
  },
}

function notBuilt(): RouterError {
  return new RouterError('INTERNAL', 'not built yet')
}
