/** Sessions with an etcd over API v3: lists and events by revision. */
import type { RouterError } from '../../../errors.ts'
import type { Lookups } from '../../../names/lookups.ts'
import type { Log } from '../../../text/log-line.ts'
import { Certificates, type CertificateSet } from '../../tls/certificates.ts'
import type { DcsNotice } from '../dcs.ts'
import { EtcdDirectory } from '../etcd-common/directory.ts'
import { etcdServices } from '../etcd-common/services.ts'
import type { Order } from '../history.ts'
import { type SessionKeys, Sessions } from '../sessions.ts'
import { EtcdConnection, type EtcdReading } from './connection.ts'
import { isRefusal } from './diagnosis.ts'
import type { KeyRange } from './key-range.ts'
import type { KeyEvent } from './keyspace.ts'
import { type Etcd3Config, SETTINGS } from './section.ts'

/** What the watch tells: all up to `revision`. */
export interface EtcdEvents {
  readonly events: readonly KeyEvent[]
  readonly revision: bigint
}

export type EtcdPosition = Pick<EtcdReading, 'clusterId' | 'revision'>

export type EtcdKeys<T> = SessionKeys<T, EtcdConnection, EtcdPosition, EtcdReading, EtcdEvents>

export interface EtcdSessionsOptions<T> {
  readonly config: Etcd3Config
  readonly range: KeyRange
  /** How often it is read linearizably, and how long such a read may take. Milliseconds. */
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Gets the lines about certificates that are replaced; null: no log. */
  readonly log: Log | null
  /** Makes something of what a session has listed. */
  readonly begin: (list: EtcdReading) => EtcdKeys<T>
  /** Makes the observation of an endpoint that cannot be read. */
  readonly lost: (endpoint: string, error: RouterError, notices: readonly DcsNotice[]) => T
  /** How often the advertised client URLs are read. Milliseconds. */
  readonly discoverMs: number
  /** See `EtcdTarget`. */
  readonly lookups: Lookups
}

/** Often enough: etcd members are replaced while a session lasts for months. Milliseconds. */
export const DISCOVER_MS = 60_000

const REVISIONS: Order<EtcdPosition> = {
  isOlder: (position, seen) => position.clusterId !== seen.clusterId || position.revision < seen.revision,
  isNewer: (position, seen) => position.revision > seen.revision,
  show: ({ revision }) => `revision ${revision}`,
}

/** Builds what observes the keys of a range. Nothing is connected yet. */
export function etcdSessions<T>(
  options: EtcdSessionsOptions<T>,
): Sessions<T, EtcdConnection, EtcdPosition, EtcdReading, EtcdEvents> {
  const { config, range, intervalMs, timeoutMs, log, lookups, discoverMs, lost } = options
  const files = new Certificates(config, { systemTrust: true, settings: SETTINGS })
  const certificates = (): Certificates | null => (directory.protocol === 'https' ? files : null)
  let connections = 0
  const connect = (endpoint: string, set: CertificateSet | null): EtcdConnection => {
    const target = { endpoint, config, certificates: set, prefix: range.name, grant: range.grant, timeoutMs, lookups }
    return new EtcdConnection(target, ++connections, range)
  }
  const directory = new EtcdDirectory<EtcdConnection>({
    config,
    services: etcdServices(config, { lookups, timeoutMs }),
    connect: (endpoint) => connect(endpoint, certificates()?.read() ?? null),
    everyMs: discoverMs,
  })
  return new Sessions({
    ...{
      name: 'etcd',
      endpoints: directory,
      order: REVISIONS,
      certificates,
      intervalMs,
      log,
      lost,
    },
    ...{ connect, isRefusal },
    async begin(connection, { onEvents, onEnd }) {
      const list = await connection.list()
      directory.admit(connection.endpoint, list.clusterId)
      const keys = options.begin(list)
      await connection.watch(list.revision + 1n, {
        onEvents: (events, revision) => onEvents({ events, revision }),
        onEnd,
      })
      return keys
    },
  })
}
