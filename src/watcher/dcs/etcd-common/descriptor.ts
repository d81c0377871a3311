/** What the descriptors of both etcds have in common: all about their sections. */
import { addresses, boolean, port } from '../../../config/env-values.ts'
import { COPIED_KEYS, TLS_KEYS } from '../../../config/patroni-keys.ts'
import type { DcsKind } from '../kind.ts'
import { etcdForm } from './form.ts'
import { type EtcdConfig, resolveEtcd, settingsOf } from './section.ts'

const KEYS: readonly string[] = [
  ...['host', 'hosts', 'port', 'url', 'proxy', 'srv', 'srv_suffix', 'discovery_srv', 'srv_domain', 'use_proxies'],
  ...['protocol', 'username', 'password', ...TLS_KEYS, ...COPIED_KEYS],
]
const WORDS: Readonly<Record<string, string>> = {
  ...{ cafile: 'cacert', ca: 'cacert', ca_file: 'cacert', certfile: 'cert', cert_file: 'cert', keyfile: 'key' },
  ...{ key_file: 'key', user: 'username', endpoints: 'hosts', scheme: 'protocol', proto: 'protocol' },
  ...{ tls: 'protocol: https', ssl: 'protocol: https', use_ssl: 'protocol: https' },
  ...{ pass: 'password', passwd: 'password' },
}

type EtcdSection<N extends string> = Pick<
  DcsKind<EtcdConfig<N>>,
  ('name' | 'patroni' | 'needed' | 'addresses' | 'passwords' | 'form') | ('resolve' | 'identify' | 'describe' | 'files')
>

/** Returns this part of a descriptor. `description`: of the section; `how`: how to set it. */
export function etcdSection<N extends string>(
  name: N,
  { description, how }: { readonly description: string; readonly how: string },
): EtcdSection<N> {
  return {
    name,
    patroni: {
      keys: KEYS,
      words: WORDS,
      library: 'python-etcd',
      variables: { PORT: port, HOSTS: addresses, USE_PROXIES: boolean },
      login: ['username', 'password'],
    },
    needed: { key: 'hosts', how },
    addresses: ['hosts', 'host', 'url', 'proxy'],
    passwords: ['password'],
    form: etcdForm(description),
    resolve: (section) => resolveEtcd(name, section),
    identify({ endpoints, srv }, { namespace, scope, citusGroup }) {
      return [endpoints.toSorted(), srv, namespace, scope, citusGroup]
    },
    describe: (config) => describeEtcd(config),
    files: (config) => ({ certificates: { peer: 'etcd', files: config, settings: settingsOf(name) } }),
  }
}

function describeEtcd({ kind, endpoints, srv, protocol, useProxies, auth, caFile, certFile }: EtcdConfig): string {
  const records = srv === null ? '' : ` at the SRV records of ${srv.domain}`
  const suffix = (srv?.suffix ?? null) === null ? '' : ` with the suffix ${srv?.suffix ?? ''}`
  const addresses = endpoints.length === 0 ? '' : ` over ${protocol} at ${endpoints.join(', ')}`
  const places = [records + suffix, addresses].filter((place) => place !== '').join(', else')
  const seeds = useProxies ? 'only these' : 'seeds, the others are discovered'
  const access = [
    protocol === 'https' || srv !== null ? `CA ${caFile ?? 'of the system'}` : '',
    certFile === null ? '' : 'client certificate',
    auth === null ? '' : 'user and password',
  ]
  return [`${kind}${places} (${seeds})`, ...access].filter((part) => part !== '').join(', ')
}
