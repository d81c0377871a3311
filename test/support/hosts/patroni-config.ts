import { stringify } from 'yaml'
import type { Host } from './host.ts'
import type { Lan } from './lan.ts'
import { POSTGRES_BIN } from '../patroni/config.ts'

export type PatroniHostsOptions = {
  /** Seconds, as in Patroni. */
  readonly ttl?: number
  readonly loopWait?: number
  /** etcd on the hosts without it. */
  readonly dcs?: HostsDcs
}

/** The DCS of a cluster on hosts. */
export interface HostsDcs {
  /** The members, in whose order 10.0.0.1 and so on are their addresses; the first is the first leader. */
  readonly members: readonly string[]
  /** Patroni's section, under its name. */
  section(host: Host): Readonly<Record<string, unknown>>
  /** Gives a host what it needs of it. */
  install(host: Host): Promise<void>
  /** The value of a key of the cluster, such as `leader`; null: there is none. */
  key(lan: Lan, hosts: readonly Host[], name: string): Promise<string | null>
}

/** Of the hosts of etcd, and the end of their addresses. */
const NUMBERS = [1, 2, 3]

/** etcd on the same hosts. */
export const ETCD: HostsDcs = {
  members: NUMBERS.map((n) => `pg${n}`),
  section: () => ({ etcd3: { hosts: NUMBERS.map((n) => `10.0.0.${n}:2379`) } }),
  async install(host) {
    await host.write('/etc/default/etcd', etcdEnvironment(host))
    // It waits for the others.
    await host.ok('rm -rf /var/lib/etcd; install -d -o etcd -g etcd -m 700 /var/lib/etcd; systemctl start etcd')
  },
  async key(lan, hosts, name) {
    const body = { key: Buffer.from(`/service/demo/${name}`).toString('base64') }
    const ask = async ({ address }: Host): Promise<string | null> => {
      const request = { method: 'POST', body, timeoutMs: 6_000 }
      const { status, text } = await lan.fetch(`http://${address}:2379/v3/kv/range`, request)
      if (status !== 200) throw new Error(text)
      const { kvs } = JSON.parse(text) as { readonly kvs?: readonly [{ readonly value: string }] }
      return kvs === undefined ? null : Buffer.from(kvs[0].value, 'base64').toString()
    }
    return Promise.any(hosts.map(ask))
  },
}
const DATA = '/var/lib/postgresql/15/demo'
/** What a crash is must be the test's choice, not systemd's. */
const DROP_IN = '[Service]\nRestart=no\n'

/** Configures Patroni on a host, and gives it what it needs of the DCS. */
export async function install(host: Host, options: PatroniHostsOptions): Promise<void> {
  await host.write('/etc/patroni/config.yml', stringify(patroniConfig(host, options)))
  await host.write('/etc/systemd/system/patroni.service.d/test.conf', DROP_IN)
  await host.ok(`
    rm -rf ${DATA}
    install -d -o postgres -g postgres -m 700 ${DATA}
    systemctl daemon-reload
  `)
  await (options.dcs ?? ETCD).install(host)
}

/** /etc/default/etcd */
function etcdEnvironment({ name, address }: Host): string {
  const members = NUMBERS.map((n) => `pg${n}=http://10.0.0.${n}:2380`)
  return [
    `ETCD_NAME=${name}`,
    `ETCD_INITIAL_CLUSTER=${members.join(',')}`,
    `ETCD_INITIAL_ADVERTISE_PEER_URLS=http://${address}:2380`,
    `ETCD_LISTEN_PEER_URLS=http://${address}:2380`,
    `ETCD_LISTEN_CLIENT_URLS=http://${address}:2379,http://127.0.0.1:2379`,
    `ETCD_ADVERTISE_CLIENT_URLS=http://${address}:2379`,
    'ETCD_LOG_LEVEL=warn\n',
  ].join('\n')
}

/** /etc/patroni/config.yml. Durability is given up for speed; everything else is what a DBA would have. */
function patroniConfig(host: Host, { ttl = 20, loopWait = 2, dcs = ETCD }: PatroniHostsOptions): object {
  const { name, address } = host
  return {
    scope: 'demo',
    name,
    restapi: { listen: `${address}:8008`, connect_address: `${address}:8008` },
    ...dcs.section(host),
    bootstrap: {
      dcs: {
        ...{ ttl, loop_wait: loopWait, retry_timeout: 5 },
        postgresql: { use_pg_rewind: true, use_slots: true, parameters: { wal_keep_size: '256MB' } },
      },
      initdb: [{ encoding: 'UTF8' }, { locale: 'C' }, 'no-sync', 'no-instructions', { auth: 'trust' }],
    },
    postgresql: {
      listen: '*:5432',
      connect_address: `${address}:5432`,
      data_dir: DATA,
      bin_dir: POSTGRES_BIN,
      authentication: { superuser: { username: 'postgres' }, replication: { username: 'replicator' } },
      pg_hba: ['local all all trust', 'host all all 0.0.0.0/0 trust', 'host replication all 0.0.0.0/0 trust'],
      basebackup: [{ checkpoint: 'fast' }, 'no-sync'],
      remove_data_directory_on_rewind_failure: true,
      remove_data_directory_on_diverged_timelines: true,
      parameters: {
        // Whoever is connected can ask with whom.
        'demo.member': name,
        unix_socket_directories: '/var/run/postgresql',
        fsync: 'off',
        shared_buffers: '32MB',
        min_wal_size: '32MB',
        max_wal_size: '256MB',
        wal_retrieve_retry_interval: '500ms',
        autovacuum_naptime: '5min',
      },
    },
  }
}
