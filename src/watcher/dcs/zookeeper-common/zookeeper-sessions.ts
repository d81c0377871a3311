/** Sessions with the servers of a ZooKeeper: nodes, kept up to date by watches. */
import type { RouterError } from '../../../errors.ts'
import type { Lookups } from '../../../names/lookups.ts'
import type { Log } from '../../../text/log-line.ts'
import { Certificates, type CertificateSet } from '../../tls/certificates.ts'
import type { DcsNotice } from '../dcs.ts'
import type { Order } from '../history.ts'
import { type CertainListing, type ListedKeys, type Listing, wentBack } from '../listing.ts'
import { Sessions } from '../sessions.ts'
import { ZooKeeperConnection, type ZooKeeperTarget } from './connection.ts'
import { isRefusal } from './diagnosis.ts'
import { settingsOf, shownScheme, type ZooKeeperConfig } from './section.ts'
import type { ServerList } from './servers.ts'

/** What is read of a ZooKeeper, and how. */
export interface ZooKeeperReading extends Pick<ZooKeeperTarget, 'root' | 'descends' | 'lingering' | 'timeoutMs'> {
  readonly config: ZooKeeperConfig
  readonly lookups: Lookups
}

export interface ZooKeeperSessionsOptions<T> extends ZooKeeperReading {
  readonly servers: ServerList
  /** How often all is read with certainty. Milliseconds. */
  readonly intervalMs: number
  /** Gets the lines about certificates that are replaced; null: no log. */
  readonly log: Log | null
  /** Makes something of what a session has listed. */
  readonly begin: (list: Listing) => ListedKeys<T, ZooKeeperConnection>
  /** Makes the observation of a server that cannot be read. */
  readonly lost: (endpoint: string, error: RouterError, notices: readonly DcsNotice[]) => T
}

/** An ensemble that was restored begins a new epoch, so that only a node itself shows it. */
const TRANSACTIONS: Order<Listing> = {
  isOlder: (position, seen) => position.index < seen.index || wentBack(position, seen),
  isNewer: (position, seen) => position.index > seen.index,
  show: ({ index }) => `transaction 0x${index.toString(16)}`,
}

/** Builds a connection, which connects with its first call. */
export function connectionTo(
  { config, root, descends, lingering, timeoutMs, lookups }: ZooKeeperReading,
  endpoint: string,
  certificates: CertificateSet | null,
): ZooKeeperConnection {
  const { kind: section, auth, chroot, caFile, certFile, verify: verifies } = config
  const access = { section, schemes: auth.map(({ scheme }) => shownScheme(scheme)), caFile, certFile, verifies }
  return new ZooKeeperConnection({
    ...{ endpoint, certificates, verifies, anyName: true, lookups, auth },
    ...{ access, chroot, root, descends, lingering, timeoutMs },
  })
}

/** Returns the certificates of a configuration; null: without TLS. */
export function certificatesOf(config: ZooKeeperConfig): Certificates | null {
  const { kind, tls, verify } = config
  return tls ? new Certificates(config, { systemTrust: verify, settings: settingsOf(kind) }) : null
}

/** Builds what observes the nodes below a root. Nothing is connected yet. */
export function zookeeperSessions<T>(
  options: ZooKeeperSessionsOptions<T>,
): Sessions<T, ZooKeeperConnection, Listing, CertainListing, Listing> {
  const certificates = certificatesOf(options.config)
  const { servers: endpoints, intervalMs, log, lost } = options
  return new Sessions({
    ...{ endpoints, intervalMs, log, lost, isRefusal, name: 'ZooKeeper', order: TRANSACTIONS },
    certificates: () => certificates,
    connect: (endpoint, set) => connectionTo(options, endpoint, set),
    async begin(connection, watcher) {
      const list = await connection.list(2)
      connection.watch(watcher)
      return options.begin(list)
    },
  })
}
