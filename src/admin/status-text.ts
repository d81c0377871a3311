/** `status` as text: the essential in the first line, then the table of `patronictl list`, then the circumstances. */
import { LEADS } from '../watcher/members/fitness.ts'
import { setBackText, wordOf } from '../watcher/view-text.ts'
import { type MemberView, takesNew } from '../watcher/view.ts'
import { hostPort } from '../address.ts'
import { isForPrimary } from '../proxy/route.ts'
import type { ListenerStatus, ProxyStatus } from '../proxy/status.ts'
import { isPrimaryRole } from '../watcher/members/member.ts'
import { type Note, templateNotes } from './status-templates.ts'
import { planNotes, totalNotes, trackNotes } from './status-notes.ts'
import type { ClusterStatus, RouterStatus } from './status.ts'
import { renderTable, type Column } from './table.ts'
import { visible, wrapNames } from '../text/terminal.ts'
import { age, counted, instant } from '../text/wording.ts'

const LABEL_WIDTH = 12
/** Of a list whose length others decide. */
const MAX_LINES = 20

/** The status in lines of at most `width` columns; without it nothing is shortened or broken. Ends with a line end. */
export function renderStatus(status: RouterStatus, width = Infinity): string {
  const { clusters, templates, track, stopping, now, startedAt, version, node, pid } = status
  const router = `patroni-router ${version} on ${node}, pid ${pid}, up ${age(now - startedAt)}${stopping ? `; ${ENDS}` : ''}`
  const blocks = clusters.map((cluster) => renderCluster(cluster, status, width))
  const notes = templates === null ? [] : limited(templateNotes(templates, now, clusters.length > 1), width)
  const files = limited(trackNotes(track, now), width)
  return `${[...blocks, ...notes, ...files, detail('Router', router, width)].join('\n')}\n`
}

const ENDS = 'SHUTTING DOWN: no new connections are accepted'

function renderCluster(cluster: ClusterStatus, status: RouterStatus, width: number): string {
  const { view, proxy } = cluster
  const { now, stopping } = status
  const several = status.clusters.length > 1
  return [
    wrapNames('', visible(headline(cluster, status)), width, '  '),
    renderTable(titleOf(cluster), proxy === null ? COLUMNS.slice(0, -1) : COLUMNS, rowsOf(cluster, stopping), width),
    ...(view.setBack === null ? [] : [detail('TIMELINE', setBackText(view.primary, view.setBack), width)]),
    ...(view.paused ? [' Maintenance mode: on (Patroni is paused)'] : []),
    ...(view.standbyCluster ? [' Standby cluster: its leader is read-only, so it has no primary to route to'] : []),
    ...limited(planNotes(view), width),
    detail('Primary', primaryLine(cluster), width),
    detail('DCS', dcsLine(cluster, now), width),
    ...(proxy === null ? [detail('Proxy', 'off', width)] : proxyLines(proxy, width)),
    ...limited(notesOf(cluster), width),
    ...(several ? [''] : []),
  ].join('\n')
}

/** What is accepted at this moment, so that whoever reads no further is not misled. */
function headline({ view, proxy }: ClusterStatus, { clusters, stopping, now }: RouterStatus): string {
  const { member, reason, since } = view.primary
  const of = clusters.length > 1 ? ` of ${view.name}` : ''
  const held = proxy === null || proxy.held.connections === 0 ? '' : `; ${heldText(proxy, ' held')}`
  if (stopping) return `primary${of}: ${member ?? 'none'}, but this router is ${ENDS}${held}`
  const word = member === null ? 'NONE' : `${member} ${wordOf(view.primary)}`
  return `primary${of}: ${word} for ${age(now - since)} - ${reason}${held}`
}

function heldText({ held }: ProxyStatus, word = ''): string {
  const oldest = held.oldestMs === null ? '' : `, the oldest for ${age(held.oldestMs)}`
  return `${counted(held.connections, 'client')}${word}${oldest}`
}

/** Of clusters that the configuration names, scope and group too, which is what patronictl asks for. */
function titleOf({ view: { name, scope, citusGroup, systemId } }: ClusterStatus): string {
  const details = [
    name === scope ? null : `scope: ${scope}`,
    citusGroup === null ? null : `group: ${citusGroup}`,
    systemId,
  ]
  return `Cluster: ${name} (${details.filter((detail) => detail !== null).join(', ') || 'uninitialized'})`
}

/** All but the optional ones fit 80 columns, unless names need more to be told apart. Without a proxy there is no last one. */
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

function rowsOf({ view, proxy }: ClusterStatus, stopping: boolean): string[][] {
  const ahead = view.leader ?? view.primary.member
  const leader = view.members.find(({ name }) => name === ahead)
  return view.members.map((member) => [
    member.name,
    member.host === null ? '' : hostPort(member.host, member.port),
    roleOf(member, view),
    member.gone ? 'gone' : member.state === 'running' ? (member.replicationState ?? 'running') : member.state,
    member.timeline === null ? '' : String(member.timeline),
    lagOf(member, leader),
    stopping ? 'nothing' : usedFor(member, { view, proxy }),
    sessionsOf(member.name, proxy),
  ])
}

/** As patronictl names them. */
function roleOf(member: MemberView, { leader, standbyCluster, quorum, primary }: ClusterStatus['view']): string {
  // Nobody calls it the leader, and it is no replica.
  if (member.name !== leader && member.name === primary.member && takesNew(primary.state)) return 'Primary'
  if (member.name !== leader) return !member.isSync ? 'Replica' : quorum ? 'Quorum Standby' : 'Sync Standby'
  return standbyCluster ? 'Standby Leader' : 'Leader'
}

function lagOf(member: MemberView, leader: MemberView | undefined): string {
  if (member === leader) return ''
  // What was known last says nothing of a member whose Postgres is not running.
  if (member.gone || member.replica.down || member.state !== 'running') return 'unknown'
  // One that is in no recovery, whatever the lock says, replays nothing.
  if (isPrimaryRole(member.role)) return 'unknown'
  if (member.lagBytes !== null) return inMegabytes(member.lagBytes)
  if (member.position === null || (leader?.position ?? null) === null) return 'unknown'
  return inMegabytes(Math.max(0, (leader?.position ?? 0) - member.position))
}

function inMegabytes(bytes: number): string {
  return String(Math.round(bytes / 1024 ** 2))
}

/** The routes that send it new sessions. */
function usedFor(member: MemberView, { view: { primary }, proxy }: Omit<ClusterStatus, 'localMember'>): string {
  if (member.name === primary.member && !takesNew(primary.state)) return wordOf(primary).toLowerCase()
  const own = member.name === primary.member ? ['primary'] : isReplica(member) ? ['replica'] : []
  const routes = proxy?.listeners.filter((listener) => isUsedBy(listener, member)).map(({ route }) => route) ?? own
  if (routes.length > 0) return [...new Set(routes)].join(', ')
  return member.replica.down ? 'nothing: down' : 'nothing'
}

/** Where there is no proxy: for templates, as Patroni's /replica. */
function isReplica({ replica, tags }: MemberView): boolean {
  return replica.fit && !tags['noloadbalance']
}

function isUsedBy({ members }: ListenerStatus, { name }: MemberView): boolean {
  return members.some(({ member, fit }) => fit && member === name)
}

function sessionsOf(member: string, proxy: ProxyStatus | null): string {
  const own = proxy?.sessions.filter((each) => each.member === member && each.sessions > 0) ?? []
  return own.map(({ listener, sessions }) => `${sessions} ${listener}`).join(', ')
}

function primaryLine({ view }: ClusterStatus): string {
  const { member, address, since, epoch } = view.primary
  if (member === null) {
    return `none since ${instant(since)}${view.leader === null ? '' : namedText(view)}`
  }
  const where = address === null ? '' : ` at ${hostPort(address.host, address.port)}`
  const leader = view.leader === member ? '' : namedText(view)
  return `${member}${where}, ${wordOf(view.primary).toLowerCase()} since ${instant(since)}, epoch ${epoch}${leader}`
}

/** Whom who names: where there is no lock to read it is the members, and where nothing was read it is nobody. */
function namedText({ leader, dcs: { kind, state } }: ClusterStatus['view']): string {
  if (state === 'never') return ''
  const who = kind === 'rest' ? 'the members' : 'the DCS'
  const verb = kind === 'rest' ? 'name' : 'names'
  return `; ${who} ${state === 'up' ? verb : 'last named'} ${leader ?? 'no leader'}`
}

function dcsLine({ view }: ClusterStatus, now: number): string {
  const { kind, state, endpoint, readAt, since, error } = view.dcs
  const word = { up: 'up', lost: 'LOST', never: 'NOT REACHED YET' }[state]
  const at = endpoint === null ? '' : ` at ${endpoint}`
  const read = readAt === null ? 'never read' : `last read ${age(now - readAt)} ago`
  return `${kind} ${word} for ${age(now - since)}${at}, ${read}${error === null ? '' : ` - ${error}`}`
}

function proxyLines(proxy: ProxyStatus, width: number): string[] {
  return [
    detail('Held', proxy.held.connections === 0 ? 'no clients' : heldText(proxy), width),
    ...proxy.listeners.map((listener) => detail('Listener', listenerLine(listener), width)),
    ...totalNotes(proxy).map(([label, text]) => detail(label, text, width)),
  ]
}

/** The addresses, which may be many, stand last. */
function listenerLine(listener: ListenerStatus): string {
  const { name, route, address, sessions, held } = listener
  return `${name}: ${counted(sessions, 'session')}, ${held} held${alertOf(listener)}; route ${route} on ${address}`
}

/** Of the primary route the first line of all speaks. */
function alertOf({ route, members, fallback }: ListenerStatus): string {
  if (fallback) return '; FALLBACK: new connections go to the primary'
  if (route === 'primary' || members.some(({ fit }) => fit)) return ''
  return '; NO USABLE MEMBER: new connections are held'
}

/** Why a member is not used, keys that make no sense, and sessions on members that are not in the table. */
function notesOf({ view, proxy }: ClusterStatus): readonly Note[] {
  const unused = view.members.filter(({ replica }) => !replica.fit && replica.reason !== LEADS)
  const known = new Set(view.members.map(({ name }) => name))
  const strangers = proxy?.sessions.filter(({ member, sessions }) => !known.has(member) && sessions > 0) ?? []
  const tagged = proxy === null ? view.members.filter((each) => each.replica.fit && !isReplica(each)) : []
  return [
    ...unused.map(({ name, replica }): Note => ['Not used', `${name}: ${replica.reason}`]),
    ...tagged.map(({ name }): Note => ['Not used', `${name}: tagged noloadbalance`]),
    ...(proxy?.listeners.flatMap((listener) => routeNotes(listener, view)) ?? []),
    ...strangers.map(({ member, listener, sessions }): Note => [
      'Sessions',
      `${counted(sessions, 'session')} of ${listener} on ${member}, which is no longer a member`,
    ]),
    ...view.dcs.notices.map(({ message }): Note => ['DCS', message]),
    ...view.ignoredKeys.map(({ key, reason }): Note => ['Ignored', `${key}: ${reason}`]),
  ]
}

/** Why a listener does not use a member that others may use: lag, tags and the like. */
function routeNotes({ name, route, members }: ListenerStatus, view: ClusterStatus['view']): Note[] {
  if (route === 'primary' || route === 'standby-leader') return []
  const takesLeaders = isForPrimary(route)
  const usable = view.members.filter(({ name: member, replica, isLeader }) => {
    if (member === view.primary.member) return takesLeaders && takesNew(view.primary.state)
    return replica.fit && (takesLeaders || !isLeader)
  })
  const names = new Set(usable.map((member) => member.name))
  return members
    .filter((member) => !member.fit && names.has(member.member))
    .map(({ member, reason }) => ['Not used', `${member} by ${name}: ${reason}`])
}

function limited(notes: readonly Note[], width: number): string[] {
  const shown = notes.slice(0, MAX_LINES).map(([label, text]) => detail(label, text, width))
  const more = notes.length - shown.length
  return more > 0 ? [...shown, detail('', `... and ${more} more: see status --json`, width)] : shown
}

function detail(label: string, text: string, width: number): string {
  return wrapNames(` ${label.padEnd(LABEL_WIDTH)}`, visible(text), width, ' '.repeat(LABEL_WIDTH + 1))
}
