/** `check --online`: asks the DCS and the members once, and says what the router would find. */
import type { ClusterConfig } from '../config/config.ts'
import { Lookups } from '../names/lookups.ts'
import { counted } from '../text/wording.ts'
import { type Cluster, isEmpty, namedBy } from './cluster.ts'
import { createDcs } from './dcs/create.ts'
import type { DcsObservation } from './dcs/dcs.ts'
import { understand } from './dcs/rest/topology.ts'
import type { Member } from './members/member.ts'
import { addressOf } from './members/known-members.ts'
import { checkEtcd } from './dcs/etcd3/online.ts'
import { type LocalMember, localNotice } from './members/local-member.ts'
import { ownAddresses } from './members/local-host.ts'
import { judgePrimary, judgeReplica } from './checks/proof.ts'
import { printable } from '../text/printable.ts'
import { RestClient } from './checks/rest-client.ts'
import { probeStartup } from './checks/startup-probe.ts'

export interface OnlineFinding {
  /** What was asked: `etcd at 10.0.0.1:2379`, `pg1: REST API`. */
  readonly subject: string
  readonly ok: boolean
  readonly message: string
  /** The DCS does not answer at all: nothing can be said of the configuration. */
  readonly isAway?: boolean
  /** It may be as it is meant to be. */
  readonly isDoubtful?: boolean
}

/**
 * Asks everything that the router would ask, and compares `locals`, the members that the configuration puts on this host, with
 * those of the cluster, and `clusters`, all that are observed, with the Citus groups that there are. Rejects when `signal`
 * aborts.
 */
export async function checkOnline(
  config: ClusterConfig,
  signal: AbortSignal,
  locals: readonly LocalMember[] = [],
  clusters: readonly ClusterConfig[] = [],
): Promise<readonly OnlineFinding[]> {
  const lookups = new Lookups()
  const rest = new RestClient(config.restApi, config.proxy.check.timeoutMs, lookups)
  try {
    const { findings, cluster } = await readDcs(config, clusters, rest, signal)
    if (cluster === null) return findings.map(withAddressOnce)
    const members = cluster.members.map((member) => checkMember(config, cluster, member, rest, signal))
    const local = locals.map((each) => checkLocal(each, cluster, lookups))
    const told = new Set(findings.filter(({ ok }) => !ok).map(({ subject }) => subject))
    const strange = cluster.ignoredKeys
      .filter(({ key }) => !told.has(dcsAt(key)))
      .map(({ key, reason }) => ({ subject: key, ok: false, message: `ignored: ${reason}` }))
    const asked = [...(await Promise.all(local)).flat(), ...(await Promise.all(members)).flat()]
    signal.throwIfAborted()
    return [...findings, ...strange, ...asked].map(withAddressOnce)
  } finally {
    lookups.close()
    await rest.close()
  }
}

/** The subject has it already, and a place in a file is more than its address. */
export function withAddressOnce(finding: OnlineFinding): OnlineFinding {
  const [, url, address] = / at ((?:https?:\/\/)?(\S+))$/.exec(finding.subject) ?? []
  if (url === undefined || address === undefined) return finding
  const host = address.replace(/:\d+$/, '')
  const [atUrl, atAddress, bare, name] = [` at ${url}`, ` at ${address}`, ` ${address}`, ` ${host}`].map((part) =>
    part.replace(/[^\w ]/g, '\\$&'),
  )
  // A host may be called like a member, or like what is said of it.
  const looked = `(?<=\\bgetaddrinfo \\w+)${name ?? ''}`
  const parts = [atUrl, atAddress, bare, looked].join('|')
  const message = finding.message.replace(new RegExp(`(?:${parts})(?!:?[\\w.-])`, 'g'), '')
  return { ...finding, message: message.replace(/^Postgres: /, '') }
}

interface Read {
  readonly findings: readonly OnlineFinding[]
  readonly cluster: Cluster | null
}

async function readDcs(
  config: ClusterConfig,
  clusters: readonly ClusterConfig[],
  rest: RestClient,
  signal: AbortSignal,
): Promise<Read> {
  const { dcs, scope } = config
  if (dcs.kind === 'etcd3') {
    const { findings, first, groups } = await checkEtcd(config, dcs, clusters, rest.lookups, signal)
    const read =
      first === null ? null : await readOnce({ ...config, dcs: { ...dcs, endpoints: [first] } }, rest, signal)
    const all = findings.flatMap(({ endpoint, ok, message, isAway }) =>
      // What it says of the cluster is more than that it answers.
      endpoint === first ? (read?.findings ?? []) : [{ subject: dcsAt(endpoint), ok, message, isAway }],
    )
    const subject = dcsAt(first ?? '')
    const others = groups.map(({ message }) => ({ subject, ok: true, isDoubtful: true, message }))
    return { findings: [...all, ...others], cluster: read?.cluster ?? null }
  }
  if (dcs.kind !== 'rest') return readOnce(config, rest, signal)
  const findings = await readSources(dcs.urls, scope, rest, signal)
  if (findings.every(({ ok }) => !ok)) return { findings, cluster: null }
  const answering = findings.map((finding) => ({ ...finding, isAway: false }))
  const { findings: together, cluster } = await readOnce(config, rest, signal)
  // What each source tells is there already, and says more than what they tell together.
  return { findings: cluster === null ? [...answering, ...together] : answering, cluster }
}

/** What the first observation says: an endpoint, or several in one. */
async function readOnce(config: ClusterConfig, rest: RestClient, signal: AbortSignal): Promise<Read> {
  for await (const observation of createDcs(config, rest).observe(signal)) {
    const cluster = observation.type === 'snapshot' ? observation.cluster : null
    return { findings: [dcsFinding(observation)], cluster }
  }
  signal.throwIfAborted()
  return { findings: [], cluster: null }
}

/** The router needs one that answers: which of the others are dead would be seen on the day when that one is. */
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

function dcsFinding(observation: DcsObservation): OnlineFinding {
  const { endpoint } = observation
  if (observation.type === 'lost') return { subject: dcsAt(endpoint), ok: false, message: observation.error.message }
  const [notice] = observation.notices ?? []
  if (isEmpty(observation.cluster) && notice !== undefined)
    return { subject: dcsAt(endpoint), ok: false, message: notice.message }
  const { cluster } = observation
  return clusterFinding(endpoint, cluster, namedBy(cluster), cluster.systemId)
}

function clusterFinding(
  endpoint: string,
  { members, ignoredKeys }: Pick<Cluster, 'members' | 'ignoredKeys'>,
  leader: string | null,
  systemId: string | null,
): OnlineFinding {
  const subject = dcsAt(endpoint)
  if (members.length === 0 && leader === null && systemId === null)
    return { subject, ok: false, message: 'it answers, but has no cluster under this namespace and scope' }
  if (members.length === 0)
    return { subject, ok: false, message: `the cluster has no members (leader ${leader ?? 'none'})` }
  const message = `${counted(members.length, 'member')}, leader ${leader ?? 'none'}`
  // Of a key that is there and cannot be read something else is said.
  const isThere =
    leader === null ||
    members.some(({ name }) => name === leader) ||
    ignoredKeys.some(({ key }) => key === `members/${leader}`)
  return isThere ? { subject, ok: true, message } : { subject, ok: true, isDoubtful: true, message: message + KEYLESS }
}

const KEYLESS =
  ', which has no member key: so it is for a moment in a failover or while Patroni starts; if it stays so, look after ' +
  'Patroni there, or whether the leader key was written by hand'

function dcsAt(endpoint: string): string {
  return `DCS at ${endpoint}`
}

/** Of a cluster without members others speak. */
async function checkLocal(
  { name, isTracked }: LocalMember,
  { members }: Cluster,
  lookups: Lookups,
): Promise<readonly OnlineFinding[]> {
  const subject = `local member ${printable(name, MAX_NAME)}`
  if (members.length === 0) return []
  const host = members.find((member) => member.name === name)?.host ?? null
  // Of a name that cannot be resolved nothing is known.
  const at = host === null ? [] : await lookups.addresses(host).catch(() => [])
  const notice = localNotice(name, members, at, ownAddresses())
  if (notice === null)
    return [{ subject, ok: true, message: at.length === 0 ? 'is a member' : 'is a member, and on this host' }]
  // An address that follows a member of another host would lead to a replica; whatever else its name is for may be behind NAT.
  const isDoubtful = notice.event === 'local-member-elsewhere' && !isTracked
  return [{ subject, ok: isDoubtful, isDoubtful, message: notice.message }]
}

/** Longest name that is shown. */
const MAX_NAME = 80

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
  if (answer.kind === 'fit') return { subject, ok: true, message: 'replica, accepts read-only connections' }
  return { subject, ok: answer.kind === 'unfit' && !answer.stranger, message: answer.reason }
}
