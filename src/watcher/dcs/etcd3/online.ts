/** `check --online` of an etcd: every endpoint that is written down, and whose those are that etcd itself names. */
import type { ClusterConfig, Etcd3Config } from '../../../config/config.ts'
import type { Lookups } from '../../../names/lookups.ts'
import { followedGroups } from '../create.ts'
import type { DcsNotice } from '../dcs.ts'
import { endpointsOf } from '../endpoints.ts'
import { probeGroups, probeSeeds, type SeedOptions, type SeedReport } from './seeds.ts'
import { prefixOf } from './key-range.ts'

export interface EtcdFinding {
  readonly endpoint: string
  readonly ok: boolean
  readonly message: string
  readonly isAway: boolean
}

export interface EtcdCheck {
  /** Of every configured endpoint, in their order, and of advertised ones that lead elsewhere. */
  readonly findings: readonly EtcdFinding[]
  /** The first one that can be read, whose etcd cluster the router would take for the right one; null: none. */
  readonly first: string | null
  /** Groups of Citus that none of the configured clusters follows. */
  readonly groups: readonly DcsNotice[]
}

/**
 * The router needs one that answers: which of the others are of no use would be seen on the day when that one is. `clusters`:
 * all that are observed.
 */
export async function checkEtcd(
  config: ClusterConfig,
  etcd: Etcd3Config,
  clusters: readonly ClusterConfig[],
  lookups: Lookups,
  signal: AbortSignal,
): Promise<EtcdCheck> {
  const { scope, namespace, citusGroup: group } = config
  const options = optionsFor(config, etcd, lookups)
  const probe = (endpoints: readonly string[]): Promise<readonly SeedReport[]> =>
    probeSeeds({ ...options, config: { ...etcd, endpoints } }, signal)
  const seeds = await probe([...new Set(etcd.endpoints)])
  const first = seeds.find(({ reason }) => reason === null) ?? null
  const advertised = etcd.useProxies ? [] : endpointsOf(first?.advertised ?? [], etcd.protocol)
  const others = advertised.length === 0 ? [] : await probe([...new Set(advertised)].filter(isNew(etcd.endpoints)))
  const followed = followedGroups(config, clusters)
  const place = { namespace, scope, group }
  return {
    findings: [
      ...seeds.map((seed) => seedFinding(seed, first)),
      ...others.filter((other) => isForeign(other, first)).map((other) => advertisedFinding(other)),
    ],
    first: first?.endpoint ?? null,
    groups: first === null ? [] : await probeGroups(first.endpoint, { ...options, place, followed }, signal),
  }
}

/** Whether none of its endpoints answers. Rejects when `signal` aborts. */
export async function isEtcdAway(config: ClusterConfig, lookups: Lookups, signal: AbortSignal): Promise<boolean> {
  const { dcs } = config
  if (dcs.kind !== 'etcd3') return false
  return (await probeSeeds(optionsFor(config, dcs, lookups), signal)).every(({ isAway }) => isAway)
}

function optionsFor(config: ClusterConfig, etcd: Etcd3Config, lookups: Lookups): SeedOptions {
  return { config: etcd, prefix: prefixOf(config), timeoutMs: config.proxy.check.timeoutMs, lookups }
}

function isNew(known: readonly string[]): (endpoint: string) => boolean {
  return (endpoint) => !known.includes(endpoint)
}

function isForeign({ clusterId }: SeedReport, first: SeedReport | null): boolean {
  return clusterId !== null && first !== null && clusterId !== first.clusterId
}

function seedFinding(seed: SeedReport, first: SeedReport | null): EtcdFinding {
  const { endpoint, reason, clusterId } = seed
  if (isForeign(seed, first)) {
    const than = `${first?.endpoint ?? ''} (ID ${first?.clusterId ?? ''})`
    const message = `it belongs to another etcd cluster (ID ${clusterId ?? ''}) than ${than}`
    return { endpoint, ok: false, message, isAway: false }
  }
  // Where another one answers it is this one that is wrong.
  const isAway = first === null && seed.isAway
  return { endpoint, ok: reason === null, message: reason ?? 'answers, and belongs to the same etcd cluster', isAway }
}

function advertisedFinding({ endpoint, clusterId }: SeedReport): EtcdFinding {
  const message = `advertised as a client URL, but of another etcd cluster (ID ${clusterId ?? ''})`
  return { endpoint, ok: false, message: `${message}: correct --advertise-client-urls`, isAway: false }
}
