/** `check --online`: asks the DCS and the members once, and says what the router would find. */
import type { ClusterConfig } from '../config/config.ts'
import { kindOf } from '../config/dcs/kind.ts'
import { Lookups, type LookupsOptions } from '../names/lookups.ts'
import { type Cluster, namedBy } from './cluster.ts'
import type { DcsKind } from './dcs/kind.ts'
import { DCS_KINDS } from './dcs/kinds.ts'
import { dcsAt, type OnlineFinding, type OnlineRead, readOnce } from './dcs/online.ts'
import type { Member } from './members/member.ts'
import { addressOf } from './members/known-members.ts'
import { type LocalMember, localNotice } from './members/local-member.ts'
import { ownAddresses } from './members/local-host.ts'
import { judgePrimary, judgeReplica } from './checks/proof.ts'
import { printable } from '../text/printable.ts'
import { RestClient } from './checks/rest-client.ts'
import { probeStartup } from './checks/startup-probe.ts'

export interface OnlineOptions {
  /** The members that the configuration puts on this host. */
  readonly locals?: readonly LocalMember[]
  /** All clusters that are observed: Citus groups besides these are reported. */
  readonly clusters?: readonly ClusterConfig[]
  /** The kinds of DCS that there are. */
  readonly kinds?: readonly DcsKind[]
  /** How names are looked up; as the system does by default. */
  readonly names?: LookupsOptions
}

/**
 * Asks everything that the router would ask, and compares it with what the configuration says of this host and of Citus
 * groups.
 * Rejects when `signal` aborts.
 */
export async function checkOnline(
  config: ClusterConfig,
  signal: AbortSignal,
  { locals = [], clusters = [], kinds = DCS_KINDS, names }: OnlineOptions = {},
): Promise<readonly OnlineFinding[]> {
  const lookups = new Lookups(names)
  const rest = new RestClient(config.restApi, config.proxy.check.timeoutMs, lookups)
  try {
    const { findings, cluster } = await readDcs(config, rest, { clusters, kinds }, signal)
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

/**
 * Removes an address from the message that is in the subject already; a place in a file is more than its address.
 */
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

async function readDcs(
  cluster: ClusterConfig,
  rest: RestClient,
  { clusters, kinds }: Required<Pick<OnlineOptions, 'clusters' | 'kinds'>>,
  signal: AbortSignal,
): Promise<OnlineRead> {
  const kind = kindOf(cluster.dcs, kinds)
  const context = { cluster, rest, log: null, clusters }
  const read = kind.checkOnline?.(cluster.dcs, context, signal)
  return read ?? readOnce(kind.create(cluster.dcs, context), signal)
}

/** Returns what `check --online` says of the local member; a cluster without members is reported elsewhere. */
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
  // With `trust: dcs` the REST API is not used.
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
