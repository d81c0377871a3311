/** Sessions with Consul: whole lists, by blocking queries. */
import type { RouterError } from '../../../errors.ts'
import type { Lookups } from '../../../names/lookups.ts'
import type { Log } from '../../../text/log-line.ts'
import { Certificates, type CertificateSet } from '../../tls/certificates.ts'
import type { Order } from '../history.ts'
import { Refusal } from '../http/diagnosis.ts'
import { type CertainListing, type ListedKeys, type Listing, wentBack } from '../listing.ts'
import { Sessions } from '../sessions.ts'
import { ConsulConnection } from './connection.ts'
import { type ConsulConfig, SETTINGS } from './section.ts'

export interface ConsulSessionsOptions<T> {
  readonly config: ConsulConfig
  /** What the names of the keys begin with that are read: `service/demo/`; empty: everything. */
  readonly prefix: string
  /** How often it is read consistently, and how long such a read may take. Milliseconds. */
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Gets the lines about certificates that are replaced; null: no log. */
  readonly log: Log | null
  readonly lookups: Lookups
  /** Makes something of what a session has listed. */
  readonly begin: (list: Listing) => ListedKeys<T, ConsulConnection>
  /** Makes the observation of an endpoint that cannot be read. */
  readonly lost: (endpoint: string, error: RouterError) => T
}

/** The index of a prefix can fall by itself, when Consul forgets a deletion: what went back shows in a key. */
const INDEXES: Order<Listing> = {
  isOlder: wentBack,
  isNewer: (position, seen) => position.index > seen.index,
  show: ({ index }) => `index ${index}`,
}

/** Builds what observes the keys below a prefix. Nothing is connected yet. */
export function consulSessions<T>({
  config,
  prefix,
  timeoutMs,
  lookups,
  begin,
  ...options
}: ConsulSessionsOptions<T>): Sessions<T, ConsulConnection, Listing, CertainListing, Listing> {
  const { endpoint, protocol, token, verify, caFile, certFile, dc, consistency } = config
  const certificates =
    protocol === 'https' ? new Certificates(config, { systemTrust: verify, settings: SETTINGS }) : null
  const access = { hasToken: token !== null, verifies: verify, caFile, certFile, prefix, dc }
  return new Sessions({
    ...options,
    name: 'Consul',
    endpoints: { name: endpoint, size: 1, next: () => endpoint, notices: [] },
    order: INDEXES,
    certificates: () => certificates,
    isRefusal: (cause) => cause instanceof Refusal,
    connect: (endpoint: string, set: CertificateSet | null) =>
      new ConsulConnection({
        ...{ endpoint, certificates: set, verifies: verify, timeoutMs, lookups, access, prefix, dc, consistency },
        headers: token === null ? {} : { 'x-consul-token': token },
      }),
    async begin(connection, watcher) {
      const list = await connection.list(2)
      connection.watch(list, watcher)
      return begin(list)
    },
  })
}
