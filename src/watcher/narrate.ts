/** What of a change of the view a person on call wants to read: one line an event, none for what repeats. Pure. */
import type { DcsNotice } from './dcs/dcs.ts'
import { printable } from './printable.ts'
import type { ClusterView, MemberView } from './view.ts'

export interface Line {
  readonly level: 'info' | 'warn'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** The log lines for the step from `before` to `after`. */
export function narrate(before: ClusterView, after: ClusterView): readonly Line[] {
  const lines = [
    ...dcsLines(before, after),
    ...noticeLines(before, after),
    ...leaderLines(before, after),
    ...primaryLines(before, after),
    ...memberLines(before, after),
    ...setAsideLines(before, after),
  ]
  // Errors and reasons quote strangers.
  return lines.map((line) => ({ ...line, message: printable(line.message, MAX_MESSAGE) }))
}

const MAX_MESSAGE = 1000

function dcsLines(before: ClusterView, { dcs }: ClusterView): readonly Line[] {
  const fields = { event: `dcs-${dcs.state}`, endpoint: dcs.endpoint, error: dcs.error ?? undefined }
  if (before.dcs.state !== dcs.state) {
    if (dcs.state === 'up') {
      const back = before.dcs.state === 'lost' ? ` again, after ${(dcs.since - before.dcs.since) / 1000} s` : ''
      return [{ level: 'info', message: `DCS: reading ${dcs.endpoint ?? ''}${back}`, fields }]
    }
    if (dcs.state === 'lost') return [{ level: 'warn', message: `DCS lost: ${dcs.error ?? ''}`, fields }]
    return []
  }
  if (dcs.state !== 'up') {
    const [what, event] =
      dcs.state === 'never' ? ['DCS not reached yet', 'dcs-unreached'] : ['DCS still lost', 'dcs-still-lost']
    return dcs.errors.slice(before.dcs.errors.length).map(({ message: error }) => {
      return { level: 'warn', message: `${what}: ${error}`, fields: { ...fields, event, error } }
    })
  }
  if (before.dcs.endpoint !== dcs.endpoint) {
    return [{ level: 'info', message: `DCS: now reading ${dcs.endpoint ?? ''}`, fields }]
  }
  return []
}

/** Each once when it begins, and once when it ends. */
function noticeLines(before: ClusterView, after: ClusterView): readonly Line[] {
  const begun = beyond(after.dcs.notices, before.dcs.notices)
  const ended = beyond(before.dcs.notices, after.dcs.notices)
  return [
    ...begun.map(({ event, subject, message }): Line => ({ level: 'warn', message, fields: { event, subject } })),
    ...ended.map(({ event, subject, over }): Line => {
      return { level: 'info', message: over, fields: { event: `${event}-over`, subject } }
    }),
  ]
}

/** Those about which the others say nothing. */
function beyond(notices: readonly DcsNotice[], others: readonly DcsNotice[]): readonly DcsNotice[] {
  const isSame = (one: DcsNotice, other: DcsNotice): boolean =>
    one.event === other.event && one.subject === other.subject
  return notices.filter((notice) => !others.some((other) => isSame(notice, other)))
}

function leaderLines(before: ClusterView, after: ClusterView): readonly Line[] {
  const old = before.leader
  if (old === after.leader) return []
  const fields = { event: 'leader-changed', from: old, to: after.leader }
  const isKey = after.dcs.kind === 'etcd3' || after.dcs.kind === 'demo'
  const gone = isKey ? `leader key of ${old ?? ''} deleted` : `nobody is named leader any more, ${old ?? ''} was`
  if (after.leader === null) return [{ level: 'warn', message: gone, fields }]
  const message = old === null ? `leader is ${after.leader}` : `leader changed from ${old} to ${after.leader}`
  return [{ level: 'info', message, fields }]
}

function primaryLines(before: ClusterView, { primary }: ClusterView): readonly Line[] {
  const old = before.primary
  if (old.state === primary.state && old.member === primary.member) return []
  const { state, member, reason, epoch } = primary
  const level = state === 'open' || state === 'switching' ? 'info' : 'warn'
  const fields = { event: `primary-${state}`, member, epoch, reason }
  return [{ level, message: `primary: ${state}${member === null ? '' : ` ${member}`}: ${reason}`, fields }]
}

function memberLines(before: ClusterView, after: ClusterView): readonly Line[] {
  const old = new Map(before.members.map((member) => [member.name, member]))
  return after.members.flatMap((member) => replicaLines(old.get(member.name), member, after))
}

function replicaLines(
  before: MemberView | undefined,
  { name, isLeader, replica }: MemberView,
  { leader, standbyCluster }: ClusterView,
): readonly Line[] {
  if (before?.replica.fit === replica.fit || (name === leader && !standbyCluster)) return []
  const what = `${name === leader ? 'standby leader' : 'replica'} ${name}`
  const fields = { event: replica.fit ? 'replica-up' : 'replica-down', member: name, reason: replica.reason }
  if (replica.fit) return [{ level: 'info', message: `${what} takes new connections`, fields }]
  // Before the first check there is nothing to tell, and a leader that becomes a replica was none before.
  if (before?.replica.fit !== true || before.isLeader !== isLeader) return []
  return [{ level: 'warn', message: `${what} takes no new connections: ${replica.reason}`, fields }]
}

function setAsideLines(before: ClusterView, after: ClusterView): readonly Line[] {
  const old = new Map(before.setAside.map(({ key, reason }) => [key, reason]))
  const begun = after.setAside.filter(({ key, reason }) => old.get(key) !== reason)
  const strange = new Set(after.setAside.map(({ key }) => key))
  const ended = [...old.keys()].filter((key) => !strange.has(key))
  return [
    ...begun.map(({ key, reason }): Line => {
      return { level: 'warn', message: `${key} set aside: ${reason}`, fields: { event: 'set-aside', key, reason } }
    }),
    ...ended.map((key): Line => {
      return { level: 'info', message: `${key} no longer set aside`, fields: { event: 'set-aside-over', key } }
    }),
  ]
}
