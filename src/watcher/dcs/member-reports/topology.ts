/** Understands what one member tells of its cluster: `GET /cluster` and `GET /patroni`. Pure. */
import { type FailoverRequest, parseScheduled, type IgnoredKey } from '../../cluster.ts'
import { asNumber, asObject, asText } from '../../../text/unknown-shape.ts'
import { type Member, parseMember } from '../../members/member.ts'
import { printable } from '../../../text/printable.ts'
import { noWord, patroniBody, type RestReply } from '../../checks/proof.ts'

/** The cluster as one member sees it. */
export interface Topology {
  readonly members: readonly Member[]
  readonly ignoredKeys: readonly IgnoredKey[]
  /** The holder of the lock; null: none at that moment, or none that is a member. */
  readonly leader: string | null
  /** Whether that one leads a standby cluster; null where there is no leader. */
  readonly standbyCluster: boolean | null
  /** In lower case. */
  readonly syncStandbys: readonly string[]
  readonly quorum: boolean
  readonly paused: boolean
  /** A switchover whose time has not come; left out: none. A switchover that is due is not reported. */
  readonly switchover?: FailoverRequest
}

/** What a member tells when it is asked about its cluster. */
export type Told =
  | {
      readonly kind: 'told'
      readonly topology: Topology
      /** Of its own database; null while it has none. */
      readonly systemId: string | null
    }
  /** It belongs elsewhere: what it says must not count. */
  | { readonly kind: 'stranger'; readonly reason: string }
  | { readonly kind: 'silent'; readonly reason: string }

/** More members than any cluster has, and few enough to be queried at an interval. */
export const MAX_MEMBERS = 100

/** Longest part of a stranger's text that is shown. */
const MAX_SHOWN = 80

/**
 * Judges the answers to both questions; an unusable answer fails with the DCS (docs/patroni.md, edge 18), also where
 * the questions could not be put. `/cluster` names the scope only since Patroni 3.2, `/patroni` always.
 */
export function understand(cluster: RestReply, patroni: RestReply, scope: string): Told {
  if (patroni.kind !== 'reply') return { kind: 'silent', reason: patroni.reason }
  const self = patroniBody(patroni)
  const about = asObject(self?.['patroni'])
  if (self === null || about === null) return { kind: 'silent', reason: `GET ${noWord('/patroni', patroni)}` }
  const body = cluster.kind === 'reply' ? asObject(cluster.body) : null
  for (const other of [about['scope'], body?.['scope'] ?? scope]) {
    if (other !== scope)
      return { kind: 'stranger', reason: `it belongs to another cluster (scope ${shown(other)}, not ${shown(scope)})` }
  }
  if (cluster.kind === 'unasked') return { kind: 'silent', reason: cluster.reason }
  if (cluster.kind === 'none')
    return { kind: 'silent', reason: 'it answers, but not to GET /cluster: its DCS may be unreachable' }
  if (cluster.status !== 200) return { kind: 'silent', reason: `GET /cluster answers ${cluster.status}` }
  const topology = parseTopology(body)
  if (topology === null) return { kind: 'silent', reason: 'GET /cluster answers without a list of members' }
  const systemId = asText(self['database_system_identifier'])
  return { kind: 'told', topology, systemId: systemId === null ? null : printable(systemId, MAX_SHOWN) }
}

/**
 * Parses the body; null: it holds no members. A fault of one member does not affect the others (reference: utils.py,
 * cluster_as_json).
 */
function parseTopology(body: Readonly<Record<string, unknown>> | null): Topology | null {
  const list = body?.['members']
  // The member that answers is one itself.
  if (!Array.isArray(list) || list.length === 0) return null
  const members = new Map<string, Member>()
  const ignoredKeys: IgnoredKey[] = []
  const roles = new Map<string, string>()
  for (const entry of list.slice(0, MAX_MEMBERS) as readonly unknown[]) {
    const fields = asObject(entry) ?? {}
    const name = asText(fields['name']) ?? ''
    const member = members.has(name) ? 'it is named twice' : parseEntry(name, fields)
    if (typeof member === 'string') {
      ignoredKeys.push({ key: `members/${printable(name, MAX_SHOWN)}`, reason: member })
      continue
    }
    members.set(name, member)
    roles.set(name, asText(fields['role']) ?? '')
  }
  if (list.length > MAX_MEMBERS) ignoredKeys.push({ key: 'members', reason: `there are more than ${MAX_MEMBERS}` })
  const named = (...wanted: string[]): string[] =>
    [...roles].flatMap(([name, role]) => (wanted.includes(role) ? name : []))
  const leaders = named('leader', 'standby_leader')
  // Patroni names at most one.
  const leader = leaders.length === 1 ? (leaders[0] ?? null) : null
  const switchover = parseScheduled(body?.['scheduled_switchover'])
  return {
    members: [...members.values()],
    ignoredKeys,
    leader,
    standbyCluster: leader === null ? null : roles.get(leader) === 'standby_leader',
    syncStandbys: named('sync_standby', 'quorum_standby').map((name) => name.toLowerCase()),
    quorum: named('quorum_standby').length > 0,
    paused: body?.['pause'] === true,
    ...(switchover === null ? {} : { switchover }),
  }
}

/**
 * Parses an entry as its key in the DCS would be, so that it is understood, and distrusted, the same way. Only plain
 * values go in: nested ones may be deeper than anything can print.
 */
function parseEntry(name: string, fields: Readonly<Record<string, unknown>>): Member | string {
  const [host, port, state] = [asText(fields['host']), asNumber(fields['port']), asText(fields['state'])]
  if (host !== null && !/^[^\s/?#@,[\]]+$/.test(host)) return 'host is invalid'
  const at = host?.includes(':') === true ? `[${host}]` : host
  // Since 4.0 `state` tells how a replica replicates, where it does.
  const replicates = state !== null && REPLICATION.has(state)
  const key = {
    ...(at === null ? {} : { conn_url: `postgres://${at}${port === null ? '' : `:${port}`}/` }),
    api_url: asText(fields['api_url']),
    role: ROLES.get(asText(fields['role']) ?? ''),
    state: replicates ? 'running' : state,
    replication_state: replicates ? state : null,
    timeline: asNumber(fields['timeline']),
    tags: Object.fromEntries(
      Object.entries(asObject(fields['tags']) ?? {}).filter(([, tag]) => typeof tag !== 'object'),
    ),
    pending_restart: Boolean(fields['pending_restart']),
  }
  return parseMember(name, JSON.stringify(key))
}

const REPLICATION: ReadonlySet<string> = new Set(['streaming', 'in archive recovery'])

/** As they are in a member's key. */
const ROLES: ReadonlyMap<string, string> = new Map([
  ['leader', 'primary'],
  ['standby_leader', 'standby_leader'],
  ['sync_standby', 'replica'],
  ['quorum_standby', 'replica'],
  ['replica', 'replica'],
])

function shown(value: unknown): string {
  return typeof value === 'string' ? printable(JSON.stringify(value), MAX_SHOWN) : 'unknown'
}
