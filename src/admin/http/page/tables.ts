/** The tables of a cluster: its members, and its listeners with what HAProxy counts. Pure. */
import { hostPort } from '../../../address.ts'
import type { Override } from '../../../override.ts'
import type { ListenerStatus, MemberStatus } from '../../../proxy/status.ts'
import type { MemberTraffic, Traffic } from '../../../proxy/traffic.ts'
import { age, instant } from '../../../text/wording.ts'
import type { MemberView } from '../../../watcher/view.ts'
import type { ClusterStatus, RouterStatus } from '../../status.ts'
import { roleOf, usedFor } from '../../status/members.ts'
import type { ClusterJson, MemberJson } from '../../status/schema-cluster.ts'
import { type Html, html } from './html.ts'

type Tone = 'ok' | 'warn' | 'bad' | ''

/** Returns the members, as `patronictl list` and `status` show them. */
export function memberRows(json: ClusterJson, { view }: ClusterStatus, { now, stopping }: RouterStatus): Html {
  const views = new Map(view.members.map((member) => [member.name, member]))
  const rows = json.members.map((member) => memberRow(member, views.get(member.name), json, now, stopping))
  return html`<table>
    <thead>
      <tr>
        <th>Member</th>
        <th>Role</th>
        <th>State</th>
        <th>Used for</th>
        <th class="n">TL</th>
        <th class="n">Lag</th>
        <th>Host</th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`
}

function memberRow(
  member: MemberJson,
  view: MemberView | undefined,
  json: ClusterJson,
  now: number,
  stopping: boolean,
): Html {
  const { name, state, replicationState, timeline, lagBytes, host, port, gone } = member
  const ahead = json.leader ?? json.primary.member
  const shown = gone ? 'gone' : state === 'running' ? (replicationState ?? 'running') : state
  const lag = name === ahead ? '' : lagBytes === null ? 'unknown' : sizeText(lagBytes)
  const use = stopping ? 'nothing' : usedFor(member, json)
  const override = view?.override
  const place = host === null ? '' : hostPort(host, port)
  return html`<tr>
    <td class="name"><b>${name}</b></td>
    <td data-label="Role">${roleOf(member, json)}</td>
    <td data-label="State">${tag(shown, stateTone(member))}</td>
    <td class="wide" data-label="Used for">
      ${override === undefined ? tag(use, useTone(use)) : overrideTag(override, now)}
    </td>
    <td class="n" data-label="TL">${timeline ?? ''}</td>
    <td class="n" data-label="Lag">${lag}</td>
    <td class="wide wrap" data-label="Host">${place}</td>
  </tr>`
}

function stateTone({ state, gone, replica, isLeader }: MemberJson): Tone {
  if (gone || state === 'stopped' || state === 'crashed' || replica.down) return 'bad'
  if (state !== 'running') return 'warn'
  return isLeader || replica.usable || !replica.checked ? '' : 'warn'
}

function useTone(use: string): Tone {
  return use.startsWith('nothing')
    ? 'bad'
    : /^(?:primary|replica|sync|async|read-only|standby-leader|any)\b/.test(use)
      ? 'ok'
      : 'warn'
}

function overrideTag({ state, by, until }: Override, now: number): Html {
  const end = until === null ? 'until it is ended' : `${age(until - now)} left`
  return html`${tag(state.toUpperCase(), 'warn')} <small>by ${by}, ${end}</small>`
}

const HEAD = html`<thead>
  <tr>
    <th>Listener, member</th>
    <th>Status</th>
    <th class="n">Sessions</th>
    <th class="n">Max</th>
    <th class="n">Limit</th>
    <th class="n">Total</th>
    <th class="n">Held</th>
    <th class="n">Rate</th>
    <th class="n">Max rate</th>
    <th class="n">In</th>
    <th class="n">Out</th>
    <th class="n">Refused</th>
    <th class="n">Failed</th>
    <th class="n">Closed</th>
    <th>Last</th>
  </tr>
</thead>`

/** Returns the listeners, each with the members behind it. */
export function listenerRows({ proxy, view }: ClusterStatus, now: number): Html {
  const rows = (proxy?.listeners ?? []).flatMap((listener) => [
    listenerRow(listener, isHolding(listener, view.primary.member), now),
    ...listener.members.map((member) => memberTrafficRow(member, listener, now)),
  ])
  return html`<table>
    ${HEAD}
    <tbody>
      ${rows}
    </tbody>
  </table>`
}

/** Returns whether no member of a route takes new connections. */
function isHolding({ members, fallback }: ListenerStatus, primary: string | null): boolean {
  return !members.some(({ fit }) => fit) && !(fallback && primary !== null)
}

function listenerRow(listener: ListenerStatus, holds: boolean, now: number): Html {
  const { name, route, address, sessions, held, traffic, counts, maxConnections, heldByRequest } = listener
  const refused = Object.values(counts.refusals).reduce((sum, each) => sum + each, 0)
  const closed = Object.values(counts.endings).reduce((sum, each) => sum + each, 0)
  const status = statusTag(listener, holds)
  const until = heldByRequest === null ? '' : `by ${heldByRequest.by}, ${age(heldByRequest.until - now)} left`
  return html`<tr class="group">
    <td class="name">${name} <small>${route} on ${address}</small></td>
    <td class="wide">${status} <small>${until}</small></td>
    ${sessionCells(sessions, traffic, maxConnections === 0 ? '' : String(maxConnections))}
    <td class="n" data-label="Held">
      ${held}${held === 0 && traffic.maxHeld === 0 ? '' : html` <small>max ${traffic.maxHeld}</small>`}
    </td>
    ${trafficCells(traffic)}
    <td class="n" data-label="Refused">${refused}</td>
    <td class="n" data-label="Failed">${counts.failedDials}</td>
    <td class="n" data-label="Closed">${closed}</td>
    ${lastCell(traffic, now)}
  </tr>`
}

function statusTag({ fault, heldByRequest, fallback }: ListenerStatus, holds: boolean): Html {
  if (fault !== null) return tag('FAULT', 'bad')
  if (heldByRequest !== null) return tag('HELD BY REQUEST', 'warn')
  if (holds) return tag('HOLDING', 'bad')
  return fallback ? tag('FALLBACK', 'warn') : tag('OPEN', 'ok')
}

function memberTrafficRow(
  { member, fit, reason, since, downs, downMs }: MemberStatus,
  { traffic }: ListenerStatus,
  now: number,
): Html {
  const own: MemberTraffic | undefined = traffic.members.find((each) => each.member === member)
  const down = downs === 0 ? '' : `${downs}\u00d7 down, ${age(downMs)} in all`
  const status = fit ? tag(since === 0 ? 'UP' : `UP ${age(now - since)}`, 'ok') : tag('not used', '')
  const about = [fit ? '' : reason, down].filter((text) => text !== '').join('; ')
  const cells =
    own === undefined
      ? html`<td class="n"></td>
          <td class="n"></td>
          <td class="n"></td>
          <td class="n"></td>
          <td class="n"></td>
          <td class="n"></td>
          <td class="n"></td>
          <td class="n"></td>
          <td class="n"></td>
          <td class="n"></td>
          <td class="n"></td>
          <td class="n"></td>
          <td></td>`
      : html`${sessionCells(own.sessions, own, '')}
          <td class="n"></td>
          ${trafficCells(own)}
          <td class="n"></td>
          <td class="n" data-label="Failed">${own.failedDials}</td>
          <td class="n" data-label="Closed">${own.closedByRouter}</td>
          ${lastCell(own, now)}`
  return html`<tr class="part">
    <td class="name">${member}</td>
    <td class="wide">${status} <small>${about}</small></td>
    ${cells}
  </tr>`
}

function sessionCells(sessions: number, { maxSessions, totalSessions }: Traffic, limit: string): Html {
  return html`<td class="n" data-label="Sessions">${sessions}</td>
    <td class="n" data-label="Max">${maxSessions}</td>
    <td class="n" data-label="Limit">${limit}</td>
    <td class="n" data-label="Total">${totalSessions}</td>`
}

function trafficCells({ rate, maxRate, bytesIn, bytesOut }: Traffic): Html {
  return html`<td class="n" data-label="Rate">${rate}/s</td>
    <td class="n" data-label="Max rate">${maxRate}/s</td>
    <td class="n" data-label="In">${sizeText(bytesIn)}</td>
    <td class="n" data-label="Out">${sizeText(bytesOut)}</td>`
}

function lastCell({ lastSessionAt }: Traffic, now: number): Html {
  return lastSessionAt === null
    ? html`<td></td>`
    : html`<td data-label="Last" title="${instant(lastSessionAt)}">${age(now - lastSessionAt)}</td>`
}

/** Returns a word on a ground of a colour. */
export function tag(text: string, tone: Tone): Html {
  return html`<span class="tag ${tone}">${text}</span>`
}

/** Returns a size to read: `4.2 GB`; 1 kB is 1024 bytes, as in PostgreSQL. */
export function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const size = bytes / 1024 ** power
  return `${power === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[power] ?? ''}`
}
