/** `check --online`: asks the DCS and the members once, and says what the router would find. */
import type { ClusterConfig } from '../config/config.ts'
import type { Cluster } from './cluster.ts'
import { createDcs } from './dcs/create.ts'
import type { DcsObservation } from './dcs/dcs.ts'
import type { Member } from './member.ts'
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
  const { findings, cluster } = await readDcs(config, signal)
  if (cluster === null) return findings
  const rest = new RestClient(config.restApi, config.proxy.check.timeoutMs)
  try {
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
  signal: AbortSignal,
): Promise<{ findings: OnlineFinding[]; cluster: Cluster | null }> {
  const findings: OnlineFinding[] = []
  for await (const observation of createDcs(config).observe(signal)) {
    const finding = dcsFinding(observation)
    findings.push(finding)
    if (observation.type === 'snapshot') return { findings, cluster: observation.cluster }
    if (findings.length >= config.dcs.endpoints.length) break
  }
  signal.throwIfAborted()
  return { findings, cluster: null }
}

function dcsFinding(observation: DcsObservation): OnlineFinding {
  const subject = `DCS at ${observation.endpoint}`
  if (observation.type === 'lost') return { subject, ok: false, message: observation.error.message }
  const { members, leader, systemId } = observation.cluster
  if (members.length === 0 && leader === null && systemId === null) {
    return { subject, ok: false, message: 'it answers, but has no cluster under this namespace and scope' }
  }
  return { subject, ok: true, message: `${members.length} members, leader ${leader?.name ?? 'none'}` }
}

async function checkMember(
  config: ClusterConfig,
  cluster: Cluster,
  { name, host, port, restUrl }: Member,
  rest: RestClient,
  signal: AbortSignal,
): Promise<readonly OnlineFinding[]> {
  const expected = { member: name, scope: config.scope, systemId: cluster.systemId }
  const isLeader = name === cluster.leader?.name
  const path = isLeader && !cluster.standbyCluster ? '/primary' : '/replica'
  const reply = restUrl === null ? null : await rest.get(restUrl, path, signal)
  const subject = `${name}: REST API${restUrl === null ? '' : ` at ${restUrl}`}`
  const findings: OnlineFinding[] = []
  if (reply === null) findings.push({ subject, ok: false, message: 'it has published none' })
  else if (path === '/primary') {
    const answer = judgePrimary(reply, expected)
    const ok = answer.kind === 'proof'
    findings.push({
      subject,
      ok,
      message: ok ? `primary on timeline ${answer.timeline}` : 'reason' in answer ? answer.reason : answer.kind,
    })
  } else {
    const answer = judgeReplica(reply, expected)
    findings.push({
      subject,
      ok: answer.kind === 'fit' || (answer.kind === 'unfit' && !answer.stranger),
      message: answer.kind === 'fit' ? 'takes replica connections' : answer.reason,
    })
  }
  if (host !== null) {
    const answer = await probeStartup({ host, port }, config.proxy.check.timeoutMs, signal)
    const message = answer.kind === 'down' ? answer.reason : 'answers'
    findings.push({ subject: `${name}: Postgres at ${host}:${port}`, ok: answer.kind === 'up', message })
  }
  return findings
}
