/** A cluster on the page: its state, what is wrong, its tables, and the notes of `status`. Pure. */
import { hostPort } from '../../../address.ts'
import { OVERRIDE_WORDS } from '../../../override.ts'
import { isForPrimary } from '../../../proxy/status.ts'
import { age, counted, inParentheses, instant } from '../../../text/wording.ts'
import { setBackText, wordOf } from '../../../watcher/view-text.ts'
import { takesNew } from '../../../watcher/view.ts'
import { heldListener } from '../../status/json.ts'
import { heldReason, overrideNotes, overrideReason } from '../../status/override-text.ts'
import { identityOf } from '../../status/members.ts'
import { planNotes, totalNotes } from '../../status/notes.ts'
import type { ClusterJson } from '../../status/schema-cluster.ts'
import type { ClusterStatus, RouterStatus } from '../../status.ts'
import { notesOf } from '../../status/text.ts'
import type { Note } from '../../status/template-notes.ts'
import { type Html, html, when } from './html.ts'
import { noteList } from './notes.ts'
import { listenerRows, memberRows, tag } from './tables.ts'

interface State {
  readonly tone: 'ok' | 'warn' | 'bad'
  /** The member that it is about. */
  readonly who: string
  readonly word: string
}

/** Returns the state in a word: whether new connections to the primary are accepted. */
export function stateOf({ view, proxy }: ClusterStatus, { stopping }: RouterStatus): State {
  const { primary } = view
  const who = primary.member ?? 'no primary'
  if (stopping) return { tone: 'bad', who, word: 'SHUTTING DOWN' }
  const listeners = proxy?.listeners.filter(({ route }) => isForPrimary(route)) ?? []
  if (takesNew(primary.state)) {
    if (primary.override !== undefined) return { tone: 'warn', who, word: OVERRIDE_WORDS[primary.override.state] }
    if (listeners.some(({ fault }) => fault !== null)) return { tone: 'bad', who, word: 'HELD' }
    if (listeners.some(({ route, heldByRequest }) => route === 'primary' && heldByRequest !== null))
      return { tone: 'warn', who, word: 'HELD BY REQUEST' }
    return { tone: 'ok', who, word: wordOf(primary) }
  }
  return {
    tone: primary.state === 'switching' ? 'warn' : 'bad',
    who,
    word: primary.member === null ? 'NONE' : wordOf(primary),
  }
}

/** Renders a cluster. */
export function clusterSection(cluster: ClusterStatus, json: ClusterJson, status: RouterStatus): Html {
  const { view, proxy } = cluster
  const { tone, who, word } = stateOf(cluster, status)
  const { since, reason } = whyOf(json)
  const alerts = alertsOf(cluster, status)
  return html` <section class="${tone}" id="cluster-${view.name}">
    <h2>${titleOf(json)}</h2>
    <p class="state">${who} ${tag(word, tone)} <small>for ${age(status.now - since)}</small></p>
    <p class="why">${reason}</p>
    ${when(
      alerts.length > 0,
      () =>
        html`<ul class="alerts">
          ${alerts}
        </ul>`,
    )}
    <h3>Members</h3>
    ${memberRows(json, cluster, status)}
    ${when(
      proxy !== null,
      () =>
        html`<h3>Listeners</h3>
          ${listenerRows(cluster, status.now)}`,
    )}
    ${facts(cluster, json, status)}
  </section>`
}

/** Returns since when and why the primary is as it is: with an override or a hold by request that of the request. */
function whyOf({ primary, proxy }: ClusterJson): { readonly since: number; readonly reason: string } {
  const override = takesNew(primary.state) ? (primary.override ?? null) : null
  const held = heldListener(proxy)?.heldByRequest ?? null
  const [since, reason] =
    override !== null
      ? [override.since, `${overrideReason(override)}: new connections are held`]
      : held !== null && takesNew(primary.state)
        ? [held.since, heldReason(held)]
        : [primary.since, primary.reason]
  return { since: Date.parse(since), reason }
}

function titleOf(cluster: ClusterJson): string {
  const { name, scope, citusGroup } = cluster
  const details = [
    ...(name === scope ? [] : [`scope ${scope}`]),
    ...(citusGroup === null ? [] : [`Citus group ${citusGroup}`]),
    ...identityOf(cluster),
  ]
  return `Cluster ${name}${inParentheses(details)}`
}

/** Returns what needs a person, the worst first. */
function alertsOf({ view, proxy, faults }: ClusterStatus, { now, stopping }: RouterStatus): readonly Html[] {
  const { dcs, setBack, paused, standbyCluster, primary } = view
  const listeners = proxy?.listeners ?? []
  const held = proxy?.held ?? { connections: 0, oldestMs: null }
  const bad = (text: string): Html => html`<li class="bad">${text}</li>`
  const warn = (text: string): Html => html`<li class="warn">${text}</li>`
  return [
    ...(stopping ? [bad('The router is shutting down: no new connections are accepted.')] : []),
    ...(held.connections === 0
      ? []
      : [
          bad(
            `${counted(held.connections, 'client')} held${held.oldestMs === null ? '' : `, the oldest for ${age(held.oldestMs)}`}.`,
          ),
        ]),
    ...(dcs.state === 'up'
      ? []
      : [
          bad(
            `DCS ${dcs.state === 'lost' ? 'LOST' : 'NOT REACHED YET'} for ${age(now - dcs.since)}: ${dcs.error ?? 'no answer'}`,
          ),
        ]),
    ...(setBack === null ? [] : [bad(setBackText(primary, setBack))]),
    ...faults.map(({ part, message }) => bad(`FAULT of ${part}, please report it: ${message}`)),
    ...listeners.flatMap(({ name, fault }) => (fault === null ? [] : [bad(`Listener ${name}: ${fault.reason}`)])),
    ...listeners
      .filter(({ fallback }) => fallback)
      .map(({ name }) =>
        warn(`Listener ${name}: new connections go to the primary, as no member of its route is usable.`),
      ),
    ...(paused ? [warn('Maintenance mode: Patroni is paused.')] : []),
    ...(standbyCluster ? [warn('Standby cluster: its leader is read-only, so it has no primary to route to.')] : []),
  ]
}

function facts({ view }: ClusterStatus, json: ClusterJson, { now, clusters }: RouterStatus): Html {
  const { primary, dcs } = view
  const { member, address, since, epoch } = primary
  const at = address === null ? '' : ` at ${hostPort(address.host, address.port)}`
  const read = dcs.readAt === null ? '' : `, last read ${age(now - dcs.readAt)} ago`
  const endpoint = dcs.endpoint === null ? '' : ` at ${dcs.endpoint}`
  const notes: readonly Note[] = [
    ['Primary', `${member ?? 'none'}${at} since ${instant(since)}, epoch ${epoch}`],
    ['DCS', `${dcs.kind} ${dcs.state}${endpoint} for ${age(now - dcs.since)}${read}`],
    ...(json.proxy === null ? [['Proxy', 'off'] as const] : totalNotes(json.proxy)),
    ...overrideNotes(json, clusters.length),
    ...planNotes(json),
    ...notesOf(json),
  ]
  return noteList(notes)
}
