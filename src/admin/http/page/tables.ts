/** The tables of a cluster: its members, and its listeners with what HAProxy counts. Pure. */
import { hostPort } from '../../../address.ts'
import type { Override } from '../../../override.ts'
import type { ListenerStatus, MemberStatus } from '../../../proxy/status.ts'
import type { MemberTraffic, Traffic } from '../../../proxy/traffic.ts'
import { age, counted } from '../../../text/wording.ts'
import type { MemberView } from '../../../watcher/view.ts'
import type { ClusterStatus, RouterStatus } from '../../status.ts'
import { roleOf, usedFor } from '../../status/members.ts'
import type { ClusterJson, MemberJson } from '../../status/schema-cluster.ts'
import { type Html, html } from './html.ts'

export type Tone = 'ok' | 'warn' | 'bad' | ''

interface Column {
  readonly label: string
  /** `n`: a number; `wide`: a line of its own on a phone; `name`: the heading of its row there. */
  readonly kind: 'n' | 'wide' | 'name' | ''
}

const MEMBER_COLUMNS: readonly Column[] = [
  { label: 'Member', kind: 'name' },
  { label: 'Used for', kind: 'wide' },
  { label: 'Role', kind: '' },
  { label: 'State', kind: '' },
  { label: 'TL', kind: 'n' },
  { label: 'Lag', kind: 'n' },
  { label: 'Host', kind: 'wide' },
]

const LISTENER_COLUMNS: readonly Column[] = [
  { label: 'Listener', kind: 'name' },
  { label: '', kind: 'wide' },
  ...['Sessions', 'Max', 'Limit', 'Total', 'Held', 'Rate', 'Max rate', 'In', 'Out', 'Refused', 'Failed', 'Closed'].map(
    (label): Column => ({ label, kind: 'n' }),
  ),
  { label: 'Last', kind: 'n' },
]

type Cell = Html | string | number

function table(columns: readonly Column[], rows: readonly Html[]): Html {
  const heads = columns.map(({ label, kind }) => html`<th class="${kind}">${label}</th>`)
  return html`<table>
    <thead>
      <tr>
        ${heads}
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`
}

function row(kind: string, columns: readonly Column[], cells: readonly Cell[]): Html {
  const shown = columns.map(({ label, kind: of }, at) => cell(of, label, cells[at] ?? ''))
  return html`<tr class="${kind}">
    ${shown}
  </tr>`
}

function cell(kind: Column['kind'], label: string, value: Cell): Html {
  if (value === '') return html`<td class="${kind}"></td>`
  return kind === 'name'
    ? html`<td class="name">${value}</td>`
    : html`<td class="${kind}" data-label="${label}">${value}</td>`
}

/** Returns the members, as `patronictl list` and `status` show them. */
export function memberRows(json: ClusterJson, { view }: ClusterStatus, { now, stopping }: RouterStatus): Html {
  const views = new Map(view.members.map((member) => [member.name, member]))
  const cells = json.members.map((member) => memberCells(member, views.get(member.name), json, now, stopping))
  return table(
    MEMBER_COLUMNS,
    cells.map((each) => row('', MEMBER_COLUMNS, each)),
  )
}

function memberCells(
  member: MemberJson,
  view: MemberView | undefined,
  json: ClusterJson,
  now: number,
  stopping: boolean,
): readonly Cell[] {
  const { name, state, replicationState, timeline, lagBytes, host, port, gone } = member
  const ahead = json.leader ?? json.primary.member
  const shown = gone ? 'gone' : state === 'running' ? (replicationState ?? 'running') : state
  const lag = name === ahead ? '' : lagBytes === null ? 'unknown' : sizeText(lagBytes)
  const use = stopping ? 'nothing' : usedFor(member, json, now)
  const override = view?.override
  return [
    html`<b>${name}</b>`,
    override === undefined ? tag(use, useTone(use)) : overrideTag(override, now),
    roleOf(member, json),
    tag(shown, stateTone(member)),
    timeline ?? '',
    lag,
    host === null ? '' : hostPort(host, port),
  ]
}

function stateTone({ state, gone, replica, isLeader }: MemberJson): Tone {
  if (gone || state === 'stopped' || state === 'crashed' || replica.down) return 'bad'
  if (state !== 'running') return 'warn'
  return isLeader || replica.usable || !replica.checked ? '' : 'warn'
}

function useTone(use: string): Tone {
  if (use.startsWith('nothing')) return 'bad'
  return /^(?:primary|replica|sync|async|read-only|standby-leader|any)\b/.test(use) ? 'ok' : 'warn'
}

function overrideTag({ state, by, until }: Override, now: number): Html {
  const end = until === null ? 'until it is ended' : `${age(until - now)} left`
  return html`${tag(state.toUpperCase(), 'warn')} <small>by ${by}, ${end}</small>`
}

/** Returns the listeners, each with the members behind it. */
export function listenerRows({ proxy, view }: ClusterStatus, now: number): Html {
  const rows = (proxy?.listeners ?? []).flatMap((listener) => {
    const used = listener.traffic.members.filter((each) => each.totalSessions > 0 || each.failedDials > 0)
    const carrying = new Set(used.map(({ member }) => member))
    const shown = listener.members.filter(({ member, fit }) => fit || carrying.has(member))
    const others = listener.members.filter((each) => !shown.includes(each))
    return [
      row('group', LISTENER_COLUMNS, listenerCells(listener, isHolding(listener, view.primary.member), now)),
      ...shown.map((member) => row('part', LISTENER_COLUMNS, memberTraffic(member, listener, now))),
      ...(others.length === 0 ? [] : [unusedRow(others)]),
    ]
  })
  return table(LISTENER_COLUMNS, rows)
}

/** Returns whether no member of a route accepts new connections. */
function isHolding({ members, fallback }: ListenerStatus, primary: string | null): boolean {
  return !members.some(({ fit }) => fit) && !(fallback && primary !== null)
}

function listenerCells(listener: ListenerStatus, holds: boolean, now: number): readonly Cell[] {
  const { name, route, address, sessions, held, traffic, counts, maxConnections, heldByRequest } = listener
  const sum = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((total, each) => total + each, 0)
  const until = heldByRequest === null ? '' : ` by ${heldByRequest.by}, ${age(heldByRequest.until - now)} left`
  return [
    html`<b>${name}</b> <small>${route} on ${address}</small>`,
    html`${statusTag(listener, holds)}<small>${until}</small>`,
    ...sessionCells(sessions, traffic, maxConnections === 0 ? '' : grouped(maxConnections)),
    held === 0 && traffic.maxHeld === 0
      ? 0
      : html`<span>${grouped(held)} <small>max ${grouped(traffic.maxHeld)}</small></span>`,
    ...trafficCells(traffic),
    ...[sum(counts.refusals), counts.failedDials, sum(counts.endings)].map(grouped),
    lastText(traffic, now),
  ]
}

function statusTag({ fault, heldByRequest, fallback }: ListenerStatus, holds: boolean): Html {
  if (fault !== null) return tag('FAULT', 'bad')
  if (heldByRequest !== null) return tag('HELD BY REQUEST', 'warn')
  if (holds) return tag('HOLDING', 'bad')
  return fallback ? tag('FALLBACK', 'warn') : tag('OPEN', 'ok')
}

function memberTraffic(status: MemberStatus, { traffic }: ListenerStatus, now: number): readonly Cell[] {
  const { member, fit, reason, since, downs, downMs } = status
  const own: MemberTraffic | undefined = traffic.members.find((each) => each.member === member)
  const down = downs === 0 ? '' : `${counted(downs, 'time')} out of use, ${age(downMs)} in all`
  const about = [fit ? '' : reason, down].filter((text) => text !== '').join('; ')
  const word = fit ? tag(since === 0 ? 'UP' : `UP ${age(now - since)}`, 'ok') : tag('NOT USED', '')
  const cells =
    own === undefined
      ? []
      : [
          ...sessionCells(own.sessions, own, ''),
          '',
          ...trafficCells(own),
          '',
          ...[own.failedDials, own.closedByRouter].map(grouped),
          lastText(own, now),
        ]
  return [member, html`${word} <small>${about}</small>`, ...cells]
}

/** How many members without any session are named. */
const MAX_UNUSED = 10

function unusedRow(members: readonly MemberStatus[]): Html {
  const named = members.slice(0, MAX_UNUSED).map(({ member, reason }) => `${member} ${reason}`)
  const more = members.length - named.length
  const text = [...named, ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
  return html`<tr class="part">
    <td class="wide" colspan="${LISTENER_COLUMNS.length}"><small>not used: ${text}</small></td>
  </tr>`
}

function sessionCells(sessions: number, { maxSessions, totalSessions }: Traffic, limit: string): readonly Cell[] {
  return [grouped(sessions), grouped(maxSessions), limit, grouped(totalSessions)]
}

function trafficCells({ rate, maxRate, bytesIn, bytesOut }: Traffic): readonly Cell[] {
  return [`${grouped(rate)}/s`, `${grouped(maxRate)}/s`, sizeText(bytesIn), sizeText(bytesOut)]
}

function lastText({ lastSessionAt }: Traffic, now: number): string {
  return lastSessionAt === null ? '' : age(now - lastSessionAt)
}

/** Returns a word on a ground of a colour. */
export function tag(text: string, tone: Tone): Html {
  return html`<span class="tag ${tone}">${text}</span>`
}

/** Returns `12,492`. */
function grouped(number: number): string {
  return String(number).replace(/\B(?=(?:\d{3})+$)/g, ',')
}

/** Returns a size to read: `4.2 GB`; 1 kB is 1024 bytes, as in PostgreSQL. */
export function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const size = bytes / 1024 ** power
  return `${power === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[power] ?? ''}`
}
