/** The table of members in `status`, as patronictl lists them. Pure. */
import { hostPort } from '../../address.ts'
import { inParentheses } from '../../text/wording.ts'
import { takesNew } from '../../watcher/view.ts'
import { overrideMark } from './override-text.ts'
import type { ClusterJson, ListenerJson, MemberJson, ProxyJson } from './schema-cluster.ts'
import { type Column, renderTable } from './table.ts'

/** All but the optional ones fit 80 columns, unless longer names are needed to distinguish members. Without a proxy there is no last one. */
const COLUMNS: readonly Column[] = [
  { title: 'Member', align: 'left', shrinkTo: 10, cut: 'distinct' },
  { title: 'Host', align: 'left', shrinkTo: 15, cut: 'middle' },
  { title: 'Role', align: 'left', shrinkTo: 8 },
  { title: 'State', align: 'left', shrinkTo: 9 },
  { title: 'TL', align: 'right', dropOrder: 1 },
  { title: 'Lag in MB', align: 'right' },
  { title: 'Used for', align: 'left', shrinkTo: 8 },
  { title: 'Sessions', align: 'left', shrinkTo: 10, dropOrder: 2 },
]

/** Renders the table. `stopping`: the router uses none of the members any more. */
export function memberTable(
  cluster: ClusterJson,
  { stopping, now }: { readonly stopping: boolean; readonly now: string },
  width: number,
): string {
  const { leader, primary, members, proxy } = cluster
  const ahead = leader ?? primary.member
  const rows = members.map((member) => [
    member.name,
    member.host === null ? '' : hostPort(member.host, member.port),
    roleOf(member, cluster),
    member.gone ? 'gone' : member.state === 'running' ? (member.replicationState ?? 'running') : member.state,
    member.timeline === null ? '' : String(member.timeline),
    member.name === ahead ? '' : member.lagBytes === null ? 'unknown' : inMegabytes(member.lagBytes),
    stopping ? 'nothing' : usedFor(member, cluster, Date.parse(now)),
    sessionsOf(member.name, proxy),
  ])
  return renderTable(titleOf(cluster), proxy === null ? COLUMNS.slice(0, -1) : COLUMNS, rows, width)
}

/** Returns the title; for a cluster with a name of its own also scope and group, which patronictl needs. */
function titleOf(cluster: ClusterJson): string {
  const { name, scope, citusGroup } = cluster
  const details = [
    ...(name === scope ? [] : [`scope: ${scope}`]),
    ...(citusGroup === null ? [] : [`group: ${citusGroup}`]),
    ...identityOf(cluster),
  ]
  return `Cluster: ${name}${inParentheses(details)}`
}

/**
 * Returns the system identifier, or that there is no database yet; nothing where that is not known. Patroni shows it by
 * `initialize`, a key that only a DCS has.
 */
export function identityOf({ systemIdentifier, dcs: { leaderFrom, readAt } }: ClusterJson): readonly string[] {
  if (systemIdentifier !== null) return [systemIdentifier]
  return leaderFrom === 'lock' && readAt !== null ? ['uninitialized'] : []
}

/** Returns the role as patronictl names it. */
export function roleOf(member: MemberJson, { leader, standbyCluster, quorumCommit, primary }: ClusterJson): string {
  // It has no leader key, and it is not a replica.
  if (member.name !== leader && member.name === primary.member && takesNew(primary.state)) return 'Primary'
  if (member.name !== leader) return !member.isSync ? 'Replica' : quorumCommit ? 'Quorum Standby' : 'Sync Standby'
  return standbyCluster ? 'Standby Leader' : 'Leader'
}

function inMegabytes(bytes: number): string {
  return String(Math.round(bytes / 1024 ** 2))
}

/** Returns the routes that send it new sessions, or that a person has decided that none does. */
export function usedFor(member: MemberJson, { primary, proxy }: ClusterJson, now: number): string {
  const override = member.override ?? null
  if (override !== null) return overrideMark(override, now)
  if (member.name === primary.member && !takesNew(primary.state)) return primary.label.toLowerCase()
  const own = member.name === primary.member ? ['primary'] : isReplica(member) ? ['replica'] : []
  const routes = proxy?.listeners.filter((listener) => isUsedBy(listener, member)).map(({ route }) => route) ?? own
  if (routes.length > 0) return [...new Set(routes)].join(', ')
  return member.replica.down ? 'nothing: down' : 'nothing'
}

/** Returns whether templates count it as a replica, as Patroni's /replica does, where there is no proxy. */
export function isReplica({ replica, tags, override }: MemberJson): boolean {
  return replica.usable && !tags['noloadbalance'] && (override ?? null) === null
}

function isUsedBy({ members }: ListenerJson, { name }: MemberJson): boolean {
  return members.some(({ member, usable }) => usable && member === name)
}

function sessionsOf(member: string, proxy: ProxyJson | null): string {
  const own = proxy?.sessions.filter((each) => each.member === member && each.sessions > 0) ?? []
  return own.map(({ listener, sessions }) => `${sessions} ${listener}`).join(', ')
}
