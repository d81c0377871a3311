import { join } from 'node:path'
import type { CertificatePair } from '../files/certificates.ts'
import type { ClientTls, Login } from '../etcd/client.ts'
import type { PatroniDcs } from './dcs.ts'

export const POSTGRES_BIN = '/usr/lib/postgresql/15/bin'
/** The system user that runs PostgreSQL, which refuses to run as root. */
export const POSTGRES_USER = 'postgres'

/** What the tests choose; times in seconds, as in Patroni. */
export type PatroniSettings = {
  readonly scope: string
  readonly namespace: string
  readonly ttl: number
  readonly loopWait: number
  readonly retryTimeout: number
  /** More of `bootstrap.dcs`, such as `failsafe_mode`. */
  readonly dynamic: Readonly<Record<string, unknown>>
  /** More PostgreSQL parameters. */
  readonly parameters: Readonly<Record<string, unknown>>
  /** The tags of members, by their name. */
  readonly tags: Readonly<Record<string, Tags>>
  /** As whom Patroni reads the DCS; null: as nobody. */
  readonly dcsLogin: Login | null
  readonly restTls: RestTls | null
  /** What the REST API asks for when something is to be changed. */
  readonly restLogin: Login | null
}

/** A tag of a member, such as `{noloadbalance: true, replicatefrom: 'pg1', dc: 'a'}`. */
export type Tags = Readonly<Record<string, string | number | boolean>>

/** HTTPS for the REST API; with a `client` pair, `verify_client` is `required` and the harness shows that one. */
export interface RestTls extends ClientTls {
  readonly server: CertificatePair
}

export type MemberAddress = {
  readonly name: string
  readonly dir: string
  readonly pgPort: number
  /** Where the REST API listens. */
  readonly restListenPort: number
  /** What it tells others. */
  readonly restPort: number
  readonly dcs: DcsSection
  /** What it gets of the DCS by its environment. */
  readonly env: Readonly<Record<string, string>>
}

/** The section by which the DCS is reached, under its name. */
export type DcsSection = Readonly<Partial<Record<PatroniDcs['name'], Readonly<Record<string, unknown>>>>>

/** The dynamic configuration, as it is in the DCS. */
export function dynamicConfig(settings: PatroniSettings): object {
  return {
    ttl: settings.ttl,
    loop_wait: settings.loopWait,
    retry_timeout: settings.retryTimeout,
    maximum_lag_on_failover: 64 * 1024 ** 2,
    postgresql: {
      use_pg_rewind: true,
      use_slots: true,
      parameters: { max_connections: 1_500, max_wal_senders: 12, wal_keep_size: '256MB', ...settings.parameters },
    },
    ...settings.dynamic,
  }
}

/** The `ctl` section for who talks to the REST API: patronictl, the members among themselves, the router. */
export function ctlConfig({ restTls }: PatroniSettings): Record<string, string> {
  if (restTls === null) return {}
  const { ca, client } = restTls
  return { cacert: ca, ...(client === undefined ? {} : { certfile: client.cert, keyfile: client.key }) }
}

function restApiConfig({ restTls, restLogin }: PatroniSettings, member: MemberAddress): object {
  const clients = restTls?.client === undefined ? {} : { cafile: restTls.ca, verify_client: 'required' }
  return {
    listen: `127.0.0.1:${member.restListenPort}`,
    connect_address: `127.0.0.1:${member.restPort}`,
    ...(restTls === null ? {} : { certfile: restTls.server.cert, keyfile: restTls.server.key, ...clients }),
    ...(restLogin === null ? {} : { authentication: { ...restLogin } }),
  }
}

/** The `patroni.yml` of a member. Durability is given up for speed; everything else is what a DBA would have. */
export function memberConfig(settings: PatroniSettings, member: MemberAddress, tags: Tags): object {
  return {
    scope: settings.scope,
    namespace: settings.namespace,
    name: member.name,
    restapi: restApiConfig(settings, member),
    ctl: ctlConfig(settings),
    ...member.dcs,
    tags: { ...tags },
    bootstrap: {
      dcs: dynamicConfig(settings),
      initdb: [{ encoding: 'UTF8' }, { locale: 'C' }, 'no-sync', 'no-instructions', { auth: 'trust' }],
    },
    postgresql: {
      listen: `127.0.0.1:${member.pgPort}`,
      connect_address: `127.0.0.1:${member.pgPort}`,
      data_dir: join(member.dir, 'data'),
      bin_dir: POSTGRES_BIN,
      pgpass: join(member.dir, 'pgpass'),
      authentication: { superuser: { username: 'postgres' }, replication: { username: 'replicator' } },
      pg_hba: ['local all all trust', 'host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust'],
      basebackup: [{ checkpoint: 'fast' }, 'no-sync'],
      remove_data_directory_on_rewind_failure: true,
      remove_data_directory_on_diverged_timelines: true,
      parameters: {
        unix_socket_directories: member.dir,
        fsync: 'off',
        shared_buffers: '32MB',
        min_wal_size: '32MB',
        max_wal_size: '256MB',
        // So that what a killed PostgreSQL leaves behind lies in its own directory.
        dynamic_shared_memory_type: 'mmap',
        wal_retrieve_retry_interval: '500ms',
        autovacuum_naptime: '5min',
        log_line_prefix: '%m [%p] %q%u@%d ',
      },
    },
    watchdog: { mode: 'off' },
  }
}
