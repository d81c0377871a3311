/** A cluster in Kubernetes: sessions with its API server. */
import type { Lookups } from '../../../names/lookups.ts'
import type { Log } from '../../../text/log-line.ts'
import type { CertificateSet } from '../../tls/certificates.ts'
import type { ClusterSource } from '../dcs.ts'
import type { Order } from '../history.ts'
import { Refusal } from '../http/diagnosis.ts'
import { clusterSessions } from '../listed.ts'
import { type Listing, wentBack } from '../listing.ts'
import type { ScopePlace } from '../scopes.ts'
import { Sessions } from '../sessions.ts'
import type { Surroundings } from '../survey.ts'
import { type Access, AccessSource } from './access.ts'
import { ApiConnection, type ApiTarget } from './api-connection.ts'
import { ApiServers } from './api-servers.ts'
import { ClusterConnection, type LeaseKeeper } from './connection.ts'
import { NO_LEASE } from './lease.ts'
import { clusterLabels, objectNames, selectorOf } from './names.ts'
import { surveyOf } from './places.ts'
import type { KubernetesConfig } from './section.ts'

export interface KubernetesDcsOptions {
  readonly config: KubernetesConfig
  /** What people know the cluster by, and what its keys are listed below: `/default/demo/`. */
  readonly prefix: string
  readonly place: ScopePlace
  /** How often it is read with certainty, and how long such a read may take. Milliseconds. */
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly log: Log | null
  readonly lookups: Lookups
  readonly followed: Surroundings['followed']
  /** Where the service account is; that of Kubernetes by default. */
  readonly serviceAccount?: string
  /** How often the addresses of the API servers are read; a minute by default. Milliseconds. */
  readonly refreshMs?: number
}

/** Often enough: API servers are replaced while a session lasts for months. Milliseconds. */
const REFRESH_MS = 60_000

const VERSIONS: Order<Listing> = {
  // With a higher version too, as after a restore with `--bump-revision`: its objects are older.
  isOlder: (position, seen) =>
    position.index < (seen.latest ?? seen.index) || wentBack(withoutPods(position), withoutPods(seen)),
  isNewer: (position, seen) => position.index >= seen.index,
  show: ({ index }) => `version ${index}`,
}

/** Returns a listing without the members, of which lists may be of the past. */
function withoutPods(listing: Listing): Listing {
  return { ...listing, keys: new Map([...listing.keys].filter(([name]) => !name.includes('/members/'))) }
}

/** Returns how an API server is reached. `endpoint`: another address of it than the access has. */
export function apiTarget(
  { config, place, timeoutMs, lookups }: Pick<KubernetesDcsOptions, 'config' | 'place' | 'timeoutMs' | 'lookups'>,
  access: Access,
  endpoint = access.endpoint,
  certificates: CertificateSet | null = access.certificates?.read() ?? null,
): ApiTarget {
  const { credentials, origin, verifies } = access
  const isAnother = endpoint !== access.endpoint
  const { objects, scopeLabel, retriable } = config
  return {
    ...{ endpoint, certificates, verifies, credentials, origin, objects, scopeLabel, retriable },
    ...{ namespace: place.namespace, timeoutMs, lookups },
    // The addresses behind the Service are not in its certificate, and no path of a proxy in front of it is there.
    ...{ anyName: isAnother, base: isAnother ? '' : access.base },
  }
}

/** Builds a connection for one cluster, which connects with its first call. */
export function clusterConnection(
  options: KubernetesDcsOptions,
  target: ApiTarget,
  keeper: LeaseKeeper,
): ClusterConnection {
  const { config, place, prefix, intervalMs } = options
  const { scope, group } = place
  const selector = selectorOf(clusterLabels(config.labels, config.scopeLabel, place))
  const names = objectNames({ scope, group }, config.objects)
  return new ClusterConnection({ ...target, prefix, names, group, selector, intervalMs }, keeper)
}

/** Builds what observes a cluster. Nothing is read or connected yet. */
export function kubernetesDcs(options: KubernetesDcsOptions): ClusterSource {
  const { config, place, prefix, intervalMs, log, followed, refreshMs = REFRESH_MS } = options
  const source = AccessSource.shared(config, options.serviceAccount)
  // The next session continues with it, at any of the servers.
  const keeper: LeaseKeeper = { lease: NO_LEASE }
  const { begin, lost } = clusterSessions<ClusterConnection>(
    {
      ...{ ...surveyOf<ClusterConnection>(config, place), place, followed, prefix },
      // Pods are there before Patroni has written anything, and those of another kind are the same.
      isAbsent: ({ leader, systemId }) => leader === null && systemId === null,
    },
    intervalMs,
  )
  const servers = new ApiServers({
    ...{ config, access: source, everyMs: refreshMs, log },
    connect: () => new ApiConnection(apiTarget(options, source.load())),
  })
  return new Sessions({
    ...{ name: 'Kubernetes', endpoints: servers, order: VERSIONS, intervalMs, log, lost },
    certificates: () => source.current?.certificates ?? null,
    isRefusal: (cause) => cause instanceof Refusal,
    connect: (endpoint, certificates) =>
      clusterConnection(options, apiTarget(options, servers.accessOfCurrent(), endpoint, certificates), keeper),
    begin: async (connection, watcher) => begin(await connection.begin(watcher)),
  })
}
