/** The demo's screen: commands to try, the primary, the members, the events, the keys. Pure. */
import type { RouterStatus } from '../../admin/status.ts'
import { renderTable, type Column } from '../../admin/status/table.ts'
import { shorten, visible, wrap } from '../../text/terminal.ts'
import { age, counted } from '../../text/wording.ts'
import { type ClusterView, type MemberView, takesNew } from '../../watcher/view.ts'
import { wordOf } from '../../watcher/view-text.ts'
import { type DemoEvent, lineOf } from '../events.ts'
import { type Hint, hintLine } from './hints.ts'

export interface ScreenFacts {
  readonly status: RouterStatus
  /** What a member really is, which the router has to find out. */
  readonly conditions: ReadonlyMap<string, Condition>
  /** When the leader key expires unless it is renewed, in milliseconds since the epoch; null: there is none. */
  readonly lockExpiresAt: number | null
  /** The member whose open transaction keeps other sessions waiting; null: there is none. */
  readonly blocking: { readonly member: string; readonly forMs: number; readonly waiting: number } | null
  readonly events: readonly DemoEvent[]
  readonly hints: readonly Hint[]
  readonly columns: number
  readonly rows: number
}

/** `writes`: Patroni hangs, and its PostgreSQL continues as the primary. */
export type Condition = 'running' | 'frozen' | 'writes' | 'dead'

export const KEYS = 's switch over  c crash leader  f freeze leader  b bring back  ? help  q quit'
const TITLE = 'patroni-router demo: a PostgreSQL cluster of three in one process. Try:'
/** A screen that is lower shows what is on top of it. */
const MIN_EVENTS = 3

/** Renders exactly `rows` lines of at most `columns` columns. */
export function renderScreen(facts: ScreenFacts): readonly string[] {
  const { status, hints, events, columns, rows } = facts
  const cluster = status.clusters[0]
  const head = [TITLE, ...hints.map((hint) => ` ${hintLine(hint)}`), '']
  const body =
    cluster === undefined
      ? []
      : [...primaryLines(cluster.view, status.now, columns), ...table(facts), ...noteLines(facts), '']
  const foot = ['', ...keyLines(columns)]
  const room = rows - head.length - body.length - foot.length
  const newest = events.slice(-Math.max(MIN_EVENTS, room))
  const shown = newest.flatMap((event) => eventLines(event, columns)).slice(-Math.max(MIN_EVENTS, room))
  const space = Array.from({ length: Math.max(0, room - shown.length) }, () => '')
  const above = [...head, ...body, ...shown, ...space].slice(0, Math.max(0, rows - foot.length))
  return [...above, ...foot].slice(0, rows).map((line) => shorten(line, columns))
}

/** Returns the keys in lines, none of them broken. */
function keyLines(columns: number): readonly string[] {
  const lines: string[] = []
  for (const key of KEYS.split('  ')) {
    const longer = `${lines.at(-1) ?? ''}  ${key}`
    if (lines.length > 0 && longer.length <= columns) lines[lines.length - 1] = longer
    else lines.push(key)
  }
  return lines
}

/** Wraps an event: its end often matters most. Nothing is below the time. */
function eventLines(event: DemoEvent, columns: number): readonly string[] {
  return wrap('', visible(lineOf(event)), columns, ' '.repeat('00:00:00 '.length)).split('\n')
}

/** Returns two lines always, so that the table below does not move. */
function primaryLines({ primary }: ClusterView, now: number, columns: number): readonly string[] {
  const { member, reason, since } = primary
  const word = member === null ? 'NONE' : `${member} ${wordOf(primary)}`
  const text = `primary: ${word} for ${age(now - since)} - ${reason}`
  const [first = '', second = ''] = wrap('', visible(text), columns, '  ').split('\n')
  return [first, second]
}

const COLUMNS: readonly Column[] = [
  { title: 'Member', align: 'left', shrinkTo: 6 },
  { title: 'Port', align: 'right', dropOrder: 2 },
  { title: 'Really is', align: 'left', shrinkTo: 9 },
  { title: 'Role', align: 'left' },
  { title: 'TL', align: 'right', dropOrder: 1 },
  { title: 'Router uses it for', align: 'left', shrinkTo: 18 },
  { title: 'Sessions', align: 'left', shrinkTo: 8, dropOrder: 3 },
]

function table({ status, conditions, columns }: ScreenFacts): readonly string[] {
  const [cluster] = status.clusters
  if (cluster === undefined) return []
  const { view, proxy } = cluster
  const sessions = (name: string): string =>
    (proxy?.sessions ?? [])
      .filter((each) => each.member === name && each.sessions > 0)
      .map((each) => `${each.sessions} ${each.listener}`)
      .join(', ')
  const rows = view.members.map((member) => [
    member.name,
    String(member.port),
    reallyIs(member, conditions.get(member.name)),
    member.name === view.leader ? 'Leader' : 'Replica',
    String(member.timeline ?? ''),
    usedFor(member, view),
    sessions(member.name),
  ])
  const { connections = 0, oldestMs = null } = proxy?.held ?? {}
  const oldest = oldestMs === null ? '' : ` for ${age(oldestMs)}`
  const held = connections === 0 ? 'no clients held' : `${counted(connections, 'client')} held${oldest}`
  return renderTable(`Cluster: ${view.scope}, ${held}`, COLUMNS, rows, columns).split('\n')
}

/** Returns notes for which the table has no room, the most urgent first. */
function noteLines({ status, conditions, columns, lockExpiresAt, blocking }: ScreenFacts): readonly string[] {
  const leader = status.clusters[0]?.view.leader ?? null
  const isLockLeft = leader !== null && (conditions.get(leader) ?? 'running') !== 'running'
  const left = [...conditions].filter(([name, condition]) => condition === 'writes' && name !== leader)
  const notes = [
    ...(isLockLeft && lockExpiresAt !== null
      ? [`lock of ${leader} expires in ${age(Math.max(0, lockExpiresAt - status.now))}`]
      : []),
    ...left.map(([name]) => `${name} lost its lock and still accepts writes: the router sends no client there`),
    ...(blocking === null
      ? []
      : [
          `open transaction on ${blocking.member} blocks ${counted(blocking.waiting, 'session')} for ${age(blocking.forMs)}`,
        ]),
  ]
  return notes.flatMap((note) => wrap(' ', note, columns, '   ').split('\n'))
}

function reallyIs({ state, replicationState }: MemberView, condition: Condition = 'running'): string {
  if (condition === 'dead') return 'DEAD'
  if (condition === 'frozen') return 'FROZEN'
  if (condition === 'writes') return 'FROZEN, r/w'
  return state === 'running' ? (replicationState ?? state) : state
}

function usedFor(member: MemberView, { primary }: ClusterView): string {
  if (member.name === primary.member) return takesNew(primary.state) ? 'primary' : primary.state
  if (member.replica.fit) return 'replica'
  return member.replica.down ? 'nothing: down' : 'nothing'
}
