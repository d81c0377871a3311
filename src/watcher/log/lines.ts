/** What of a change of the view a person on call wants to read: one line an event, none for what repeats. Pure. */
import type { DcsNotice } from '../dcs/dcs.ts'
import { memberLines } from './member-lines.ts'
import { primaryLines } from './primary-lines.ts'
import type { LogLine } from '../../text/log-line.ts'
import { isRequested, type Logged } from './line.ts'
import { printable } from '../../text/printable.ts'
import type { ClusterView } from '../view.ts'
import { scheduled } from '../view-text.ts'

/** Returns the log lines for the step from `before` to `after`, and what has been logged by then. */
export function linesFor(
  before: ClusterView,
  after: ClusterView,
  logged: Logged,
): { readonly lines: readonly LogLine[]; readonly logged: Logged } {
  const primary = primaryLines(before, after, logged.get(PRIMARY))
  const members = memberLines(before, after, logged)
  const lines = [
    ...dcsLines(before, after),
    ...noticeLines(before, after),
    ...modeLines(before, after),
    ...switchoverLines(before, after),
    ...requestLines(before, after),
    ...leaderLines(before, after),
    ...primary.lines,
    ...members.lines,
    ...ignoredKeyLines(before, after),
  ]
  // Errors and reasons quote strangers.
  return {
    lines: lines.map((line) => ({ ...line, message: printable(line.message, MAX_MESSAGE) })),
    logged: new Map(members.logged).set(PRIMARY, primary.logged),
  }
}

const MAX_MESSAGE = 1000
/** No member has that name. */
const PRIMARY = ''

function dcsLines(before: ClusterView, { dcs }: ClusterView): readonly LogLine[] {
  const fields = { endpoint: dcs.endpoint, error: dcs.error ?? undefined }
  const up = { event: 'dcs-up', ...fields }
  if (before.dcs.state !== dcs.state) {
    if (dcs.state === 'up') {
      const back = before.dcs.state === 'lost' ? ` again, after ${(dcs.since - before.dcs.since) / 1000} s` : ''
      return [{ level: 'info', message: `DCS: reading ${dcs.endpoint ?? ''}${back}`, fields: up }]
    }
    if (dcs.state === 'never') return []
    return [{ level: 'warn', message: `DCS lost: ${dcs.error ?? ''}`, fields: { event: 'dcs-lost', ...fields } }]
  }
  if (dcs.state !== 'up') {
    const isFirst = dcs.state === 'never'
    const event = isFirst ? 'dcs-unreached' : 'dcs-still-lost'
    const what = isFirst ? 'DCS not reached yet' : 'DCS still lost'
    return dcs.errors.slice(before.dcs.errors.length).map(({ message: error }) => {
      return { level: 'warn', message: `${what}: ${error}`, fields: { ...fields, event, error } }
    })
  }
  if (before.dcs.endpoint !== dcs.endpoint) {
    return [{ level: 'info', message: `DCS: now reading ${dcs.endpoint ?? ''}`, fields: up }]
  }
  return []
}

/** Returns one line when a notice begins, and one when it ends. */
function noticeLines(before: ClusterView, after: ClusterView): readonly LogLine[] {
  const begun = beyond(after.dcs.notices, before.dcs.notices)
  const ended = beyond(before.dcs.notices, after.dcs.notices)
  return [
    ...begun.map(({ event, subject, message }): LogLine => ({ level: 'warn', message, fields: { event, subject } })),
    ...ended.map(({ event, subject, over }): LogLine => {
      return { level: 'info', message: over, fields: { event: `${event}-over`, subject } }
    }),
  ]
}

/** Returns those about which the others say nothing. */
function beyond(notices: readonly DcsNotice[], others: readonly DcsNotice[]): readonly DcsNotice[] {
  const isSame = (one: DcsNotice, other: DcsNotice): boolean =>
    one.event === other.event && one.subject === other.subject
  return notices.filter((notice) => !others.some((other) => isSame(notice, other)))
}

/** Returns the lines about the modes that change what Patroni does by itself. */
function modeLines(before: ClusterView, { paused, standbyCluster }: ClusterView): readonly LogLine[] {
  const lines: LogLine[] = []
  if (before.paused !== paused) {
    const message = paused
      ? 'Patroni is paused: no automatic failover (maintenance mode)'
      : 'Patroni is no longer paused'
    lines.push({ level: 'info', message, fields: { event: paused ? 'paused' : 'resumed' } })
  }
  if (before.standbyCluster !== standbyCluster) {
    const message = standbyCluster
      ? 'this is a standby cluster: its leader is read-only'
      : 'no longer a standby cluster'
    lines.push({ level: 'info', message, fields: { event: standbyCluster ? 'standby-cluster' : 'no-standby-cluster' } })
  }
  return lines
}

/** Returns the lines about a switchover that is requested now, and about a request that is gone without one. */
function requestLines(before: ClusterView, after: ClusterView): readonly LogLine[] {
  const [was, is] = [dueRequest(before), dueRequest(after)]
  if (is !== null && (was?.leader !== is.leader || was.member !== is.member)) {
    const [from, to] = [is.leader ?? after.leader, is.member]
    const message = `switchover from ${from ?? 'the leader'} to ${to ?? 'another member'} requested`
    return [{ level: 'note', message, fields: { event: 'switchover-requested', from, to } }]
  }
  // Once another member leads it was carried out; the next leader removes the request.
  const { leader, member: to } = before.switchover ?? { leader: null, member: null }
  const from = leader ?? before.leader
  const isSame = before.leader === after.leader && after.leader === from && to !== from
  if (after.switchover !== null || !isSame || !isDue(before, after)) return []
  const message = `request to switch over to ${to ?? 'another member'} is gone: ${from ?? ''} is still the leader`
  return [{ level: 'info', message, fields: { event: 'switchover-withdrawn', from, to } }]
}

/** Returns whether there is a request to switch over whose time has come. */
function isDue(before: ClusterView, after: ClusterView): boolean {
  return before.switchover !== null && isRequested(before, after)
}

/** Returns the request that is in force; null: there is none. Of a scheduled one, the state of the primary says when it is. */
function dueRequest({ switchover, primary }: ClusterView): ClusterView['switchover'] {
  return switchover?.scheduledAt === null || primary.cause === 'failover-key' ? switchover : null
}

/** Returns the lines about scheduled switchovers; a switchover that is due is a state of the primary. */
function switchoverLines(before: ClusterView, after: ClusterView): readonly LogLine[] {
  if (JSON.stringify(before.switchover) === JSON.stringify(after.switchover)) return []
  const [was, is] = [scheduled(before), scheduled(after)]
  const { leader: from = null, member: to = null } = after.switchover ?? before.switchover ?? {}
  if (is !== null) return [{ level: 'info', message: is, fields: { event: 'switchover-scheduled', from, to } }]
  // One whose time has come is a state of the primary.
  if (was === null || isRequested(before, after)) return []
  const message = `cancelled: ${was}`
  return [{ level: 'info', message, fields: { event: 'switchover-cancelled', from, to } }]
}

function leaderLines(before: ClusterView, after: ClusterView): readonly LogLine[] {
  const old = before.leader
  if (old === after.leader) return []
  const fields = { event: 'leader-changed', from: old, to: after.leader }
  const isKey = after.dcs.leaderFrom === 'lock'
  const gone = `leader key of ${old ?? ''} is gone`
  if (after.leader === null && isRequested(before, after)) {
    return [{ level: 'info', message: `${gone} (switchover)`, fields }]
  }
  if (after.leader === null) {
    const message = isKey ? `${gone} (expired or deleted)` : `the members no longer name a leader (it was ${old ?? ''})`
    return [{ level: 'warn', message, fields }]
  }
  const message = old === null ? `leader is ${after.leader}` : `leader changed from ${old} to ${after.leader}`
  return [{ level: 'info', message, fields }]
}

function ignoredKeyLines(before: ClusterView, after: ClusterView): readonly LogLine[] {
  const old = new Map(before.ignoredKeys.map(({ key, reason }) => [key, reason]))
  const begun = after.ignoredKeys.filter(({ key, reason }) => old.get(key) !== reason)
  const strange = new Set(after.ignoredKeys.map(({ key }) => key))
  const ended = [...old.keys()].filter((key) => !strange.has(key))
  return [
    ...begun.map(({ key, reason }): LogLine => {
      return { level: 'warn', message: `${key} ignored: ${reason}`, fields: { event: 'key-ignored', key, reason } }
    }),
    ...ended.map((key): LogLine => {
      return { level: 'info', message: `${key} no longer ignored`, fields: { event: 'key-ignored-over', key } }
    }),
  ]
}
