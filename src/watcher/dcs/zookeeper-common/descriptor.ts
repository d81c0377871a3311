/** What the sections of ZooKeeper are as kinds of DCS, wherever the servers are found. */
import { list, text } from '../../../config/env-values.ts'
import type { DcsConfig } from '../../../config/config.ts'
import { COPIED_KEYS } from '../../../config/patroni-keys.ts'
import type { PatroniDcs } from '../../../config/dcs/kind.ts'
import type { Lookups } from '../../../names/lookups.ts'
import { type DcsKind, deferred, deferredKeys, type KeysContext } from '../kind.ts'
import { patienceOf } from '../online.ts'
import { prefixOf } from '../scopes.ts'
import { surroundingsOf } from '../survey.ts'
import { settingsOf, shownScheme, type ZooKeeperConfig } from './section.ts'
import type { ServerList } from './servers.ts'

/** The keys that both sections have. */
const ACCESS_KEYS: readonly string[] = [
  ...['use_ssl', 'verify', 'cacert', 'cert', 'key', 'key_password', 'set_acls', 'auth_data', ...COPIED_KEYS],
]

const WORDS: Readonly<Record<string, string>> = {
  ...{
    cafile: 'cacert',
    ca: 'cacert',
    ca_cert: 'cacert',
    ca_file: 'cacert',
    certfile: 'cert',
    cert_file: 'cert',
    keyfile: 'key',
  },
  ...{ key_file: 'key', keyfile_password: 'key_password', host: 'hosts', servers: 'hosts', endpoints: 'hosts' },
  ...{ tls: 'use_ssl', ssl: 'use_ssl', verify_certs: 'verify', auth: 'auth_data', username: 'auth_data' },
  ...{ password: 'auth_data', chroot: 'hosts, at the end of which it stands' },
}

/** What a section has for itself: where the servers are. */
export interface ServerSection<C extends ZooKeeperConfig> extends Pick<
  DcsKind<C>,
  'name' | 'needed' | 'form' | 'resolve'
> {
  /** Keys besides those of the access. */
  readonly keys: readonly string[]
  readonly variables: PatroniDcs['variables']
  /** Returns what two configurations of one ensemble have in common. */
  readonly placesOf: (config: C) => readonly string[]
  /** Describes where the servers are. */
  readonly describePlaces: (config: C) => string
  /** Builds the list of servers. */
  readonly servers: (config: C, lookups: Lookups) => Promise<ServerList>
}

/** Returns the descriptor of a section. */
export function zookeeperKind<C extends ZooKeeperConfig>({
  name,
  needed,
  form,
  resolve,
  keys,
  variables,
  placesOf,
  describePlaces,
  servers,
}: ServerSection<C>): DcsKind<C> {
  const isMine = (dcs: DcsConfig): dcs is C => dcs.kind === name
  const isSame = (one: DcsConfig, other: DcsConfig): boolean =>
    isMine(one) &&
    isMine(other) &&
    one.chroot === other.chroot &&
    placesOf(one).some((place) => placesOf(other).includes(place))
  const optionsOf = async (config: C, { cluster, lookups }: Pick<KeysContext, 'cluster' | 'lookups'>) => ({
    ...{ config, lookups, prefix: prefixOf(cluster), timeoutMs: patienceOf(cluster) },
    servers: await servers(config, lookups),
  })
  return {
    ...{ name, needed, form, resolve },
    patroni: {
      keys: [...keys, ...ACCESS_KEYS],
      words: WORDS,
      library: 'kazoo',
      variables: { HOSTS: list, USE_SSL: text, ...variables },
      login: [],
    },
    addresses: ['hosts'],
    passwords: ['key_password', 'auth_data'],
    hasKeys: true,
    identify: (config, { namespace, scope, citusGroup }) => {
      return [placesOf(config).toSorted(), config.chroot, namespace, scope, citusGroup]
    },
    describe(config) {
      const { chroot, tls, verify, caFile, certFile, auth } = config
      const access = [
        chroot === '' ? '' : `chroot ${chroot}`,
        tls ? (verify ? `CA ${caFile ?? 'of the system'}` : 'certificate not verified') : '',
        certFile === null ? '' : 'client certificate',
        ...auth.map(({ scheme }) => `auth ${shownScheme(scheme)}`),
      ]
      const place = `${name} over ${tls ? 'TLS' : 'TCP'} at ${describePlaces(config)}`
      return [place, ...access].filter((part) => part !== '').join(', ')
    },
    files: (config) => ({ certificates: { peer: 'ZooKeeper', files: config, settings: settingsOf(name) } }),
    create(config, { cluster, rest: { lookups }, log, clusters }) {
      const prefix = prefixOf(cluster)
      const traits = { kind: name, leaderFrom: 'lock', absence: `the DCS has no cluster below ${prefix}` } as const
      const { intervalMs, timeoutMs } = cluster.proxy.check
      return deferred(traits, async () => {
        const { zookeeperDcs } = await import('./zookeeper-dcs.ts')
        const survey = surroundingsOf(cluster, clusters, isSame)
        const options = { config, servers: await servers(config, lookups), intervalMs, timeoutMs, log, lookups }
        return zookeeperDcs({ ...options, prefix, survey })
      })
    },
    createKeys(config, { cluster, lookups, log }) {
      const { intervalMs, timeoutMs } = cluster.proxy.check
      return deferredKeys(async () => {
        const { zookeeperKeyValues } = await import('./zookeeper-dcs.ts')
        const options = { config, servers: await servers(config, lookups), intervalMs, timeoutMs, log, lookups }
        return zookeeperKeyValues(options)
      })
    },
    async checkOnline(config, { cluster, clusters, rest }, signal) {
      const { checkZooKeeper } = await import('./online.ts')
      const options = await optionsOf(config, { cluster, lookups: rest.lookups })
      return checkZooKeeper(options, surroundingsOf(cluster, clusters, isSame), signal)
    },
    async isAway(config, context, signal) {
      const { isZooKeeperAway } = await import('./online.ts')
      return isZooKeeperAway(await optionsOf(config, context), signal)
    },
  }
}
