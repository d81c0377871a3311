/** Sessions with an etcd over API v2: whole lists, which each event changes. */
import type { RouterError } from '../../../errors.ts'
import type { Lookups } from '../../../names/lookups.ts'
import type { Log } from '../../../text/log-line.ts'
import { Certificates, type CertificateSet } from '../../tls/certificates.ts'
import type { DcsNotice } from '../dcs.ts'
import { EtcdDirectory } from '../etcd-common/directory.ts'
import { etcdServices } from '../etcd-common/services.ts'
import type { Etcd2Config as EtcdConfig } from './section.ts'
import type { Order } from '../history.ts'
import { Refusal } from '../http/diagnosis.ts'
import type { CertainListing, ListedKeys, Listing } from '../listing.ts'
import { Sessions } from '../sessions.ts'
import { EtcdConnection, type EtcdTarget } from './connection.ts'
import { SETTINGS } from './section.ts'

export interface EtcdSessionsOptions<T> {
  readonly config: EtcdConfig
  /** The key that is read with all below it: `/service/demo`; empty: everything. */
  readonly root: string
  /** How often it is read through the quorum, and how long such a read may take. Milliseconds. */
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Gets the lines about certificates that are replaced; null: no log. */
  readonly log: Log | null
  readonly lookups: Lookups
  /** How often the advertised client URLs are read; a minute by default. Milliseconds. */
  readonly discoverMs?: number
  /** Makes something of what a session has listed. */
  readonly begin: (list: Listing) => ListedKeys<T, EtcdConnection>
  /** Makes the observation of an endpoint that cannot be read. */
  readonly lost: (endpoint: string, error: RouterError, notices: readonly DcsNotice[]) => T
}

/** Often enough: etcd members are replaced while a session lasts for months. Milliseconds. */
const DISCOVER_MS = 60_000

const INDEXES: Order<Listing> = {
  isOlder: (position, seen) => position.clusterId !== seen.clusterId || position.index < seen.index,
  isNewer: (position, seen) => position.index > seen.index,
  show: ({ index }) => `index ${index}`,
}

/** Builds the target of a connection to an endpoint. */
export function targetOf(
  { config, root, timeoutMs, lookups }: Pick<EtcdSessionsOptions<unknown>, 'config' | 'root' | 'timeoutMs' | 'lookups'>,
  endpoint: string,
  certificates: CertificateSet | null,
): EtcdTarget {
  const { auth, caFile, certFile } = config
  const login = auth === null ? null : Buffer.from(`${auth.username}:${auth.password}`).toString('base64')
  return {
    ...{ endpoint, certificates, verifies: true, timeoutMs, lookups, root },
    headers: login === null ? {} : { authorization: `Basic ${login}` },
    access: { username: auth?.username ?? null, caFile, certFile, root },
  }
}

/** Builds what observes a key and all below it. Nothing is connected yet. */
export function etcdSessions<T>(
  options: EtcdSessionsOptions<T>,
): Sessions<T, EtcdConnection, Listing, CertainListing, Listing> {
  const { config, intervalMs, log, lost, lookups, timeoutMs, discoverMs = DISCOVER_MS } = options
  const files = new Certificates(config, { systemTrust: true, settings: SETTINGS })
  const certificates = (): Certificates | null => (directory.protocol === 'https' ? files : null)
  const connect = (endpoint: string, set: CertificateSet | null): EtcdConnection =>
    new EtcdConnection(targetOf(options, endpoint, set))
  const directory = new EtcdDirectory<EtcdConnection>({
    config,
    services: etcdServices(config, { lookups, timeoutMs }),
    connect: (endpoint) => connect(endpoint, certificates()?.read() ?? null),
    everyMs: discoverMs,
  })
  return new Sessions({
    ...{ name: 'etcd', endpoints: directory, order: INDEXES, certificates, intervalMs, log, lost, connect },
    isRefusal: (cause) => cause instanceof Refusal,
    async begin(connection, watcher) {
      const list = await connection.list(2)
      directory.admit(connection.endpoint, list.clusterId)
      const keys = options.begin(list)
      await connection.watch(list, watcher)
      return keys
    },
  })
}
