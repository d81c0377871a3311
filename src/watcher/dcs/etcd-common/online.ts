/** `check --online` of an etcd: every endpoint that is written down, and whose those are that etcd itself names. */
import { MAX_TIMER_MS, within } from '../../../clock.ts'
import { explain } from '../../../errors.ts'
import type { ClusterSource } from '../dcs.ts'
import { endpointsOf } from '../endpoints.ts'
import { dcsAt, groupFindings, type OnlineFinding, type OnlineRead, readOnce } from '../online.ts'
import type { SurveyOptions } from '../survey.ts'
import { type Asking, type EtcdClient, probeSeeds, type SeedReport } from './seeds.ts'
import type { EtcdConfig } from './section.ts'
import type { Found, Services } from './srv-records.ts'

interface SeedFinding {
  readonly endpoint: string
  readonly ok: boolean
  readonly message: string
  readonly isAway: boolean
}

export interface EtcdCheck<C extends EtcdClient> {
  readonly config: Pick<EtcdConfig, 'endpoints' | 'protocol' | 'useProxies'>
  /** Finds the endpoints in the DNS; null: those of `config` are all. */
  readonly services: Services | null
  /** How endpoints with this protocol are asked. */
  readonly asking: (protocol: 'http' | 'https') => Asking<C>
  /** Builds what observes at one endpoint. */
  readonly sourceOf: (endpoint: string, protocol: 'http' | 'https') => ClusterSource
  readonly survey: Omit<SurveyOptions<C>, 'everyMs'>
}

/**
 * Checks every endpoint: the router needs one that answers, and a dead one among the others would be noticed on the day
 * when that one fails. Rejects when `signal` aborts.
 */
export async function checkEtcd<C extends EtcdClient>(check: EtcdCheck<C>, signal: AbortSignal): Promise<OnlineRead> {
  const found = await endpointsFor(check, signal)
  if (typeof found === 'string') {
    const subject = dcsAt(check.services?.name ?? '')
    return { findings: [{ subject, ok: false, message: found }], cluster: null }
  }
  const { endpoints, protocol } = found
  const asking = check.asking(protocol)
  const seeds = await probeSeeds([...new Set(endpoints)], asking, signal)
  // Its etcd cluster the router would take for the right one.
  const first = seeds.find(({ reason }) => reason === null) ?? null
  const advertised = check.config.useProxies ? [] : endpointsOf(first?.advertised ?? [], protocol)
  const others = await probeSeeds([...new Set(advertised)].filter(isNew(endpoints)), asking, signal)
  const all = [
    ...seeds.map((seed) => seedFinding(seed, first)),
    ...others.filter((other) => isForeign(other, first)).map((other) => advertisedFinding(other)),
  ]
  const read = first === null ? null : await readOnce(check.sourceOf(first.endpoint, protocol), signal)
  const findings = all.flatMap(({ endpoint, ok, message, isAway }): readonly OnlineFinding[] =>
    // What it says of the cluster is more than that it answers.
    endpoint === first?.endpoint ? (read?.findings ?? []) : [{ subject: dcsAt(endpoint), ok, message, isAway }],
  )
  if (first === null) return { findings, cluster: null }
  const connect = (): C => asking.connect(first.endpoint, endpoints.length)
  const groups = await groupFindings(first.endpoint, connect, check.survey, signal)
  return { findings: [...findings, ...groups], cluster: read?.cluster ?? null }
}

/** Returns whether none of its endpoints answers. Rejects when `signal` aborts. */
export async function isEtcdAway<C extends EtcdClient>(
  check: Pick<EtcdCheck<C>, 'config' | 'services' | 'asking'>,
  signal: AbortSignal,
): Promise<boolean> {
  const found = await endpointsFor(check, signal)
  if (typeof found === 'string') return true
  const reports = await probeSeeds(found.endpoints, check.asking(found.protocol), signal)
  return reports.every(({ isAway }) => isAway)
}

/** Returns the endpoints as the router would take them, or why there are none. */
async function endpointsFor(
  { config, services }: Pick<EtcdCheck<never>, 'config' | 'services'>,
  signal: AbortSignal,
): Promise<Found | string> {
  if (services === null) return config
  try {
    const found = await within(services.find(), MAX_TIMER_MS, signal)
    signal.throwIfAborted()
    return found ?? config
  } catch (error) {
    signal.throwIfAborted()
    return config.endpoints.length > 0 ? config : explain(error)
  }
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
