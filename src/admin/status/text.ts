/** `status` as text: the essential in the first line, then the table of `patronictl list`, then the details. Pure. */
import { hostPort } from '../../address.ts'
import { isForPrimary } from '../../proxy/status.ts'
import { visible, wrapNames } from '../../text/terminal.ts'
import { age, counted, instant } from '../../text/wording.ts'
import { setBackText } from '../../watcher/view-text.ts'
import { takesNew } from '../../watcher/view.ts'
import { isReplica, memberTable } from './members.ts'
import { configurationNotes, httpNotes, planNotes, totalNotes, trackNotes } from './notes.ts'
import { faultOfPrimary, heldListener } from './json.ts'
import { heldMark, heldReason, overrideNotes, overrideReason } from './override-text.ts'
import type { ClusterJson, ListenerJson, ProxyJson } from './schema-cluster.ts'
import type { StatusJson } from './schema.ts'
import { type Note, templateNotes } from './template-notes.ts'

const LABEL_WIDTH = 12
/** Of a list whose length the cluster decides. */
const MAX_LINES = 20

/** Renders the status in lines of at most `width` columns; without `width` nothing is shortened or wrapped. Ends with a line end. */
export function renderStatus(status: StatusJson, width = Infinity): string {
  const { clusters, templates, track, configuration, log, stopping, startedAt, version, node, pid } = status
  const now = Date.parse(status.now)
  const router = `patroni-router ${version} on ${node}, pid ${pid}, up ${age(now - Date.parse(startedAt))}${stopping ? `; ${ENDS}` : ''}`
  const blocks = clusters.map((cluster) => renderCluster(cluster, status, width))
  const notes = templates === null ? [] : limited(templateNotes(templates, now, clusters.length > 1), width)
  const files = limited(trackNotes(track, now), width)
  const config = limited(configurationNotes(configuration ?? null, now), width)
  const { dropped } = log
  const reader = `${counted(dropped, 'line')} dropped since the start: its reader did not keep up`
  const loss = dropped === 0 ? [] : [detail('Log', reader, width)]
  const http = httpNotes(status.http ?? null).map(([label, text]) => detail(label, text, width))
  return `${[...blocks, ...notes, ...files, ...config, ...loss, ...http, detail('Router', router, width)].join('\n')}\n`
}

/**
 * Returns the first line of the status in a form that changes only with what it reports: it has moments instead of
 * durations. Of several clusters the ones without an open primary come first, as it may be cut off at the end.
 */
export function statusLine(status: StatusJson): string {
  const isOpen = ({ primary }: ClusterJson): number => Number(takesNew(primary.state) && primary.override === null)
  const byNeed = status.clusters.toSorted((a, b) => isOpen(a) - isOpen(b))
  return byNeed.map((cluster) => visible(headline(cluster, status, true))).join('; ')
}

const ENDS = 'SHUTTING DOWN: no new connections are accepted'

function renderCluster(cluster: ClusterJson, status: StatusJson, width: number): string {
  const { primary, timelineSetBack: setBack, paused, standbyCluster, proxy } = cluster
  const several = status.clusters.length > 1
  return [
    wrapNames('', visible(headline(cluster, status)), width, '  '),
    memberTable(cluster, status, width),
    ...(setBack === null
      ? []
      : [
          detail('TIMELINE', setBackText(primary, { timeline: setBack.timeline, served: setBack.servedBefore }), width),
        ]),
    ...(paused ? [' Maintenance mode: on (Patroni is paused)'] : []),
    ...(standbyCluster ? [' Standby cluster: its leader is read-only, so it has no primary to route to'] : []),
    ...limited(planNotes(cluster), width),
    detail('Primary', primaryLine(cluster), width),
    detail('DCS', dcsLine(cluster, Date.parse(status.now)), width),
    ...(proxy === null ? [detail('Proxy', 'off', width)] : proxyLines(proxy, Date.parse(status.now), width)),
    ...limited([...overrideNotes(cluster, status.clusters.length), ...notesOf(cluster)], width),
    ...(several ? [''] : []),
  ].join('\n')
}

/** Returns the first line: whether new connections are accepted at the moment, for a reader who reads no further. */
function headline(
  { name, primary, proxy }: ClusterJson,
  { clusters, stopping, now }: StatusJson,
  hasMoments = false,
): string {
  const { member, label, reason, since } = primary
  const of = clusters.length > 1 ? ` of ${name}` : ''
  const held = proxy === null || proxy.held.connections === 0 ? '' : `; ${heldText(proxy, ' held', !hasMoments)}`
  if (stopping) return `primary${of}: ${member ?? 'none'}, but this router is ${ENDS}${held}`
  const faulty = member === null ? null : faultOfPrimary(proxy)
  if (faulty?.fault) return `primary${of}: ${member} HELD - listener ${faulty.name}: ${faulty.fault.reason}${held}`
  const override = takesNew(primary.state) ? (primary.override ?? null) : null
  const timed = (at: number): string => (hasMoments ? `since ${instant(at)}` : `for ${age(Date.parse(now) - at)}`)
  if (override !== null) {
    const effect = proxy === null ? '' : ': new connections are held'
    return `primary${of}: ${member ?? ''} ${label} ${timed(Date.parse(override.since))} - ${overrideReason(override)}${effect}${held}`
  }
  const paused = member === null ? null : heldListener(proxy)
  if (paused?.heldByRequest)
    return `primary${of}: ${member ?? ''} HELD - listener ${paused.name}: ${heldReason(paused.heldByRequest)}${held}`
  const word = member === null ? 'NONE' : `${member} ${label}`
  return `primary${of}: ${word} ${timed(Date.parse(since))} - ${reason}${held}`
}

function heldText({ held }: ProxyJson, word = '', hasOldest = true): string {
  const oldest = held.oldestMs === null || !hasOldest ? '' : `, the oldest for ${age(held.oldestMs)}`
  return `${counted(held.connections, 'client')}${word}${oldest}`
}

function primaryLine(cluster: ClusterJson): string {
  const { member, label, state, address, epoch, override } = cluster.primary
  const since = instant(Date.parse(cluster.primary.since))
  if (member === null) return `none since ${since}${cluster.leader === null ? '' : namedText(cluster)}`
  const where = address === null ? '' : ` at ${hostPort(address.host, address.port)}`
  const leader = cluster.leader === member ? '' : namedText(cluster)
  const word = (override ?? null) === null ? label : state
  return `${member}${where}, ${word.toLowerCase()} since ${since}, epoch ${epoch}${leader}`
}

/** Returns the leader that the DCS or, where there is no lock to read, the members name; empty while nothing has been read. */
function namedText({ leader, dcs: { leaderFrom, state } }: ClusterJson): string {
  if (state === 'unread') return ''
  const who = leaderFrom === 'members' ? 'the members' : 'the DCS'
  const verb = leaderFrom === 'members' ? 'name' : 'names'
  return `; ${who} ${state === 'up' ? verb : 'last named'} ${leader ?? 'no leader'}`
}

function dcsLine({ dcs }: ClusterJson, now: number): string {
  const { kind, state, endpoint, readAt, since, error } = dcs
  const word = { up: 'up', lost: 'LOST', unread: 'NOT REACHED YET' }[state]
  const at = endpoint === null ? '' : ` at ${endpoint}`
  const read = readAt === null ? '' : `, last read ${age(now - Date.parse(readAt))} ago`
  return `${kind} ${word} for ${age(now - Date.parse(since))}${at}${read}${error === null ? '' : ` - ${error}`}`
}

function proxyLines(proxy: ProxyJson, now: number, width: number): string[] {
  return [
    detail('Held', proxy.held.connections === 0 ? 'no clients' : heldText(proxy), width),
    ...proxy.listeners.map((listener) => detail('Listener', listenerLine(listener, now), width)),
    ...totalNotes(proxy).map(([label, text]) => detail(label, text, width)),
  ]
}

/** Returns a line for a listener. The addresses, which may be many, come last. */
function listenerLine(listener: ListenerJson, now: number): string {
  const { name, route, address, sessions, held } = listener
  return `${name}: ${counted(sessions, 'session')}, ${held} held${alertOf(listener, now)}; route ${route} on ${address}`
}

/** Returns what is wrong with a listener. The first line of all says it for the route `primary`. */
function alertOf({ route, members, fallback, fault, heldByRequest }: ListenerJson, now: number): string {
  if (fault !== null) return `; FAULT: ${fault.reason}`
  const paused = heldByRequest ?? null
  if (paused !== null) return `; ${heldMark(paused, now)}`
  if (fallback) return '; FALLBACK: new connections go to the primary'
  if (route === 'primary' || members.some(({ usable }) => usable)) return ''
  return '; NO USABLE MEMBER: new connections are held'
}

/** Returns why members are not used, which keys are invalid, and sessions on members that are not in the table. */
export function notesOf(cluster: ClusterJson): readonly Note[] {
  const { members, proxy, dcs, ignoredKeys, faults } = cluster
  const unused = members.filter(({ replica }) => !replica.usable && replica.reason !== '')
  const known = new Set(members.map(({ name }) => name))
  const strangers = proxy?.sessions.filter(({ member, sessions }) => !known.has(member) && sessions > 0) ?? []
  const tagged = proxy === null ? members.filter((each) => each.replica.usable && !isReplica(each)) : []
  return [
    ...faults.map(({ part, message }): Note => ['FAULT', `${part}: an unexpected error, please report it: ${message}`]),
    ...unused.map(({ name, replica }): Note => ['Not used', `${name}: ${replica.reason}`]),
    ...tagged.map(({ name }): Note => ['Not used', `${name}: tagged noloadbalance`]),
    ...(proxy?.listeners.flatMap((listener) => routeNotes(listener, cluster)) ?? []),
    ...strangers.map(({ member, listener, sessions }): Note => [
      'Sessions',
      `${counted(sessions, 'session')} of listener ${listener} on ${member}, which is no longer a member`,
    ]),
    ...dcs.notices.map(({ message }): Note => ['DCS', message]),
    ...ignoredKeys.map(({ key, reason }): Note => ['Ignored', `${key}: ${reason}`]),
  ]
}

/** Returns why a listener does not use a member that others may use: lag, tags and the like. */
function routeNotes({ name, route, members }: ListenerJson, { primary, members: all }: ClusterJson): Note[] {
  if (route === 'primary' || route === 'standby-leader') return []
  const takesLeaders = isForPrimary(route)
  const possible = all.filter(({ name: member, replica, isLeader, override }) => {
    if ((override ?? null) !== null) return false
    if (member === primary.member) return takesLeaders && takesNew(primary.state)
    return replica.usable && (takesLeaders || !isLeader)
  })
  const names = new Set(possible.map((member) => member.name))
  return members
    .filter((member) => !member.usable && names.has(member.member))
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
