/** `check --online` of an etcd: every endpoint that is written down, and whose those are that etcd itself names. */
import type { ClusterConfig } from '../../../config/config.ts'
import type { Lookups } from '../../../names/lookups.ts'
import type { ClusterSource } from '../dcs.ts'
import { endpointsOf } from '../endpoints.ts'
import type { DcsContext, KeysContext } from '../kind.ts'
import { dcsAt, type OnlineFinding, type OnlineRead, readOnce } from '../online.ts'
import { prefixOf } from '../scopes.ts'
import type { Etcd3Config } from './section.ts'
import { probeGroups, probeSeeds, type SeedOptions, type SeedReport } from './seeds.ts'
import { followedGroups } from './survey.ts'

interface SeedFinding {
  readonly endpoint: string
  readonly ok: boolean
  readonly message: string
  readonly isAway: boolean
}

/**
 * Checks every endpoint: the router needs one that answers, and a dead one among the others would be noticed on the day
 * when that one fails. `sourceOf` builds what observes at one endpoint. Rejects when `signal` aborts.
 */
export async function checkEtcd(
  etcd: Etcd3Config,
  { cluster, rest: { lookups }, clusters }: DcsContext,
  sourceOf: (endpoint: string) => ClusterSource,
  signal: AbortSignal,
): Promise<OnlineRead> {
  const options = optionsFor(etcd, cluster, lookups)
  const probe = (endpoints: readonly string[]): Promise<readonly SeedReport[]> =>
    probeSeeds({ ...options, config: { ...etcd, endpoints } }, signal)
  const seeds = await probe([...new Set(etcd.endpoints)])
  // Its etcd cluster the router would take for the right one.
  const first = seeds.find(({ reason }) => reason === null) ?? null
  const advertised = etcd.useProxies ? [] : endpointsOf(first?.advertised ?? [], etcd.protocol)
  const others = advertised.length === 0 ? [] : await probe([...new Set(advertised)].filter(isNew(etcd.endpoints)))
  const found = [
    ...seeds.map((seed) => seedFinding(seed, first)),
    ...others.filter((other) => isForeign(other, first)).map((other) => advertisedFinding(other)),
  ]
  const read = first === null ? null : await readOnce(sourceOf(first.endpoint), signal)
  const findings = found.flatMap(({ endpoint, ok, message, isAway }): readonly OnlineFinding[] =>
    // What it says of the cluster is more than that it answers.
    endpoint === first?.endpoint ? (read?.findings ?? []) : [{ subject: dcsAt(endpoint), ok, message, isAway }],
  )
  if (first === null) return { findings, cluster: null }
  const { scope, namespace, citusGroup: group } = cluster
  const survey = { place: { namespace, scope, group }, followed: followedGroups(cluster, clusters) }
  const groups = await probeGroups(first.endpoint, { ...options, ...survey }, signal)
  const subject = dcsAt(first.endpoint)
  const notices = groups.map(({ message }) => ({ subject, ok: true, isDoubtful: true, message }))
  return { findings: [...findings, ...notices], cluster: read?.cluster ?? null }
}

/** Returns whether none of its endpoints answers. Rejects when `signal` aborts. */
export async function isEtcdAway(
  etcd: Etcd3Config,
  { cluster, lookups }: KeysContext,
  signal: AbortSignal,
): Promise<boolean> {
  return (await probeSeeds(optionsFor(etcd, cluster, lookups), signal)).every(({ isAway }) => isAway)
}

/** At least as long as this, as a person waits and no client does: a busy host must not make etcd look unreachable. Milliseconds. */
const PATIENCE_MS = 5000

function optionsFor(config: Etcd3Config, cluster: ClusterConfig, lookups: Lookups): SeedOptions {
  const timeoutMs = Math.max(cluster.proxy.check.timeoutMs, PATIENCE_MS)
  return { config, prefix: prefixOf(cluster), timeoutMs, lookups }
}

function isNew(known: readonly string[]): (endpoint: string) => boolean {
  return (endpoint) => !known.includes(endpoint)
}

function isForeign({ clusterId }: SeedReport, first: SeedReport | null): boolean {
  return clusterId !== null && first !== null && clusterId !== first.clusterId
}

function seedFinding(seed: SeedReport, first: SeedReport | null): SeedFinding {
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

function advertisedFinding({ endpoint, clusterId }: SeedReport): SeedFinding {
  const message = `advertised as a client URL, but of another etcd cluster (ID ${clusterId ?? ''})`
  return { endpoint, ok: false, message: `${message}: correct --advertise-client-urls`, isAway: false }
}
