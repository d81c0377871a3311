/** `check --online`: asks the DCS and the members once, and says what the router would find. */
import type { ClusterConfig } from '../config/config.ts'
import { type Cluster, namedBy } from './cluster.ts'
import { createDcs } from './dcs/create.ts'
import type { DcsObservation } from './dcs/dcs.ts'
import type { Member } from './member.ts'
import { addressOf } from './memory.ts'
import { judgePrimary, judgeReplica } from './proof.ts'
import { RestClient } from './rest.ts'
import { probeStartup } from './startup.ts'

export interface OnlineFinding {
  /** What was asked: `etcd at 10.0.0.1:2379`, `pg1: REST API`. */
  readonly subject: string
  readonly ok: boolean
  readonly message: string
}

/** Asks everything that the router would ask. Rejects when `signal` aborts, or with what `RestClient` throws. */
export async function checkOnline(config: ClusterConfig, signal: AbortSignal): Promise<readonly OnlineFinding[]> {
  const rest = new RestClient(config.restApi, config.proxy.check.timeoutMs)
  try {
    const { findings, cluster } = await readDcs(config, rest, signal)
    if (cluster === null) return findings
    const members = cluster.members.map((member) => checkMember(config, cluster, member, rest, signal))
    const strange = cluster.setAside.map(({ key, reason }) => ({
      subject: key,
      ok: false,
      message: `set aside: ${reason}`,
    }))
    const asked = (await Promise.all(members)).flat()
    signal.throwIfAborted()
    return [...findings, ...strange, ...asked]
  } finally {
    await rest.close()
  }
}

/** One round over the endpoints. */
async function readDcs(
  config: ClusterConfig,
  rest: RestClient,
  signal: AbortSignal,
): Promise<{ findings: OnlineFinding[]; cluster: Cluster | null }> {
  const findings: OnlineFinding[] = []
  for await (const observation of createDcs(config, rest).observe(signal)) {
    const finding = dcsFinding(observation)
    findings.push(finding)
    if (observation.type === 'snapshot') return { findings, cluster: observation.cluster }
    // Those that have one endpoint, or several in one, say all there is to say in one observation.
    if (config.dcs.kind !== 'etcd3' || findings.length >= config.dcs.endpoints.length) break
  }
  signal.throwIfAborted()
  return { findings, cluster: null }
}

function dcsFinding(observation: DcsObservation): OnlineFinding {
  const subject = `DCS at ${observation.endpoint}`
  if (observation.type === 'lost') return { subject, ok: false, message: observation.error.message }
  const { members, systemId } = observation.cluster
  const leader = namedBy(observation.cluster)
  if (members.length === 0 && leader === null && systemId === null) {
    return { subject, ok: false, message: 'it answers, but has no cluster under this namespace and scope' }
  }
  return { subject, ok: true, message: `${members.length} members, leader ${leader ?? 'none'}` }
}

async function checkMember(
  config: ClusterConfig,
  cluster: Cluster,
  member: Member,
  rest: RestClient,
  signal: AbortSignal,
): Promise<readonly OnlineFinding[]> {
  const findings: OnlineFinding[] = []
  // Where the DCS is trusted nobody asks the REST API.
  if (config.proxy.trust === 'proof') findings.push(await checkRest(config, cluster, member, rest, signal))
  const address = addressOf(member, config.proxy.address)
  if (address !== null) {
    const { host, port } = address
    const answer = await probeStartup(address, config.proxy.check.timeoutMs, signal)
    const message = answer.kind === 'down' ? answer.reason : 'answers'
    findings.push({ subject: `${member.name}: Postgres at ${host}:${port}`, ok: answer.kind === 'up', message })
  }
  return findings
}

async function checkRest(
  config: ClusterConfig,
  cluster: Cluster,
  { name, restUrl }: Member,
  rest: RestClient,
  signal: AbortSignal,
): Promise<OnlineFinding> {
  if (restUrl === null) return { subject: `${name}: REST API`, ok: false, message: 'it has published none' }
  const subject = `${name}: REST API at ${restUrl}`
  const expected = { member: name, scope: config.scope, systemId: cluster.systemId }
  const isLeader = name === namedBy(cluster)
  if (isLeader && !cluster.standbyCluster) {
    const answer = judgePrimary(await rest.get(restUrl, '/primary', signal), expected)
    if (answer.kind === 'proof') return { subject, ok: true, message: `primary on timeline ${answer.timeline}` }
    return { subject, ok: false, message: 'reason' in answer ? answer.reason : answer.kind }
  }
  const path = isLeader ? '/standby-leader' : '/replica'
  const answer = judgeReplica(await rest.get(restUrl, path, signal), expected, path)
  if (answer.kind === 'fit') return { subject, ok: true, message: 'serves connections that only read' }
  return { subject, ok: answer.kind === 'unfit' && !answer.stranger, message: answer.reason }
}
