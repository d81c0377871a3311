import { stringify } from 'yaml'
import type { Host } from './host.ts'
import { POSTGRES_BIN } from '../patroni/config.ts'

export type PatroniHostsOptions = {
  /** Seconds, as in Patroni. */
  readonly ttl?: number
  readonly loopWait?: number
}

/** Of the hosts, and the end of their addresses. */
export const NUMBERS = [1, 2, 3]
const DATA = '/var/lib/postgresql/15/demo'
/** What a crash is must be the test's choice, not systemd's. */
const DROP_IN = '[Service]\nRestart=no\n'

/** Configures etcd and Patroni on a host, and starts etcd, which waits for the others. */
export async function install(host: Host, options: PatroniHostsOptions): Promise<void> {
  await host.write('/etc/default/etcd', etcdEnvironment(host))
  await host.write('/etc/patroni/config.yml', stringify(patroniConfig(host, options)))
  await host.write('/etc/systemd/system/patroni.service.d/test.conf', DROP_IN)
  await host.ok(`
    rm -rf /var/lib/etcd ${DATA}
    install -d -o etcd -g etcd -m 700 /var/lib/etcd
    install -d -o postgres -g postgres -m 700 ${DATA}
    systemctl daemon-reload
    systemctl start etcd
  `)
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
function patroniConfig({ name, address }: Host, { ttl = 20, loopWait = 2 }: PatroniHostsOptions): object {
  return {
    scope: 'demo',
    name,
    restapi: { listen: `${address}:8008`, connect_address: `${address}:8008` },
    etcd3: { hosts: NUMBERS.map((n) => `10.0.0.${n}:2379`) },
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
