/** `check --online` where the members are asked: each of those that are written down. */
import { understand } from './topology.ts'
import type { RestClient } from '../../checks/rest-client.ts'
import type { DcsContext } from '../kind.ts'
import type { ClusterSource } from '../dcs.ts'
import { clusterFinding, dcsAt, type OnlineFinding, type OnlineRead, readOnce } from '../online.ts'

/** Asks each source by itself, then reads what they say together with `source`. Rejects when `signal` aborts. */
export async function checkSources(
  urls: readonly string[],
  { cluster: { scope }, rest }: DcsContext,
  source: ClusterSource,
  signal: AbortSignal,
): Promise<OnlineRead> {
  const findings = await readSources(urls, scope, rest, signal)
  if (findings.every(({ ok }) => !ok)) return { findings, cluster: null }
  const answering = findings.map((finding) => ({ ...finding, isAway: false }))
  const { findings: together, cluster } = await readOnce(source, signal)
  // What each source tells is there already, and says more than what they tell together.
  return { findings: cluster === null ? [...answering, ...together] : answering, cluster }
}

/**
 * Checks every source: the router needs one that answers, and a dead one among the others would be noticed on the day
 * when that one fails.
 */
async function readSources(
  urls: readonly string[],
  scope: string,
  rest: RestClient,
  signal: AbortSignal,
): Promise<readonly OnlineFinding[]> {
  const ask = async (url: string): Promise<OnlineFinding> => {
    const [cluster, patroni] = await Promise.all([rest.get(url, '/cluster', signal), rest.get(url, '/patroni', signal)])
    const told = understand(cluster, patroni, scope)
    const isAway = cluster.kind !== 'reply' && patroni.kind !== 'reply'
    if (told.kind !== 'told') return { subject: dcsAt(url), ok: false, message: told.reason, isAway }
    return clusterFinding(url, told.topology, told.topology.leader, told.systemId)
  }
  const findings = await Promise.all(urls.map(ask))
  signal.throwIfAborted()
  return findings
}
