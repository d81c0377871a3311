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

/** The longest pause between answers in which nothing has changed. Milliseconds. */
const PAUSE_MS = 1000

/** The index of a prefix can fall by itself, when Consul forgets a deletion: what went back shows in a key. */
const INDEXES: Order<Listing> = {
  isOlder: wentBack,
  isNewer: (position, seen) => position.index > seen.index,
  show: ({ index }) => `index ${index}`,
}

/** Builds a connection, which connects with its first call. */
export function connectionTo(
  {
    config,
    prefix,
    intervalMs = PAUSE_MS,
    timeoutMs,
    lookups,
  }: Pick<ConsulSessionsOptions<unknown>, 'config' | 'prefix' | 'timeoutMs' | 'lookups'> & {
    readonly intervalMs?: number
  },
  certificates: CertificateSet | null,
): ConsulConnection {
  const { endpoint, token, verify: verifies, caFile, certFile, dc, consistency, variables } = config
  return new ConsulConnection({
    ...{ endpoint, certificates, verifies, timeoutMs, lookups, prefix, dc, consistency },
    pauseMs: Math.min(intervalMs / 4, PAUSE_MS),
    headers: token === null ? {} : { 'x-consul-token': token },
    access: { hasToken: token !== null, verifies, caFile, certFile, prefix, dc, variables },
  })
}

/** Builds what observes the keys below a prefix. Nothing is connected yet. */
export function consulSessions<T>(
  options: ConsulSessionsOptions<T>,
): Sessions<T, ConsulConnection, Listing, CertainListing, Listing> {
  const { endpoint, protocol, verify } = options.config
  const certificates =
    protocol === 'https' ? new Certificates(options.config, { systemTrust: verify, settings: SETTINGS }) : null
  const { intervalMs, log, lost } = options
  return new Sessions({
    ...{ intervalMs, log, lost, name: 'Consul', order: INDEXES },
    endpoints: { name: endpoint, size: 1, next: () => endpoint, notices: [] },
    certificates: () => certificates,
    isRefusal: (cause) => cause instanceof Refusal,
    connect: (_endpoint, set) => connectionTo(options, set),
    async begin(connection, watcher) {
      const list = await connection.list(2)
      connection.watch(list, watcher)
      return options.begin(list)
    },
  })
}
