/** The page at `/`: what `status` shows, and what HAProxy's page counts. The state comes first. Pure. */
import { visible } from '../../../text/terminal.ts'
import { age, counted, instant } from '../../../text/wording.ts'
import { isServing } from '../../../watcher/view.ts'
import type { HistoryEvent } from '../../../events/event.ts'
import type { ClusterStatus, RouterStatus } from '../../status.ts'
import { statusJson } from '../../status/json.ts'
import { configurationNotes, httpNotes, trackNotes } from '../../status/notes.ts'
import type { StatusJson } from '../../status/schema.ts'
import { type Note, templateNotes } from '../../status/template-notes.ts'
import { clusterSection, stateOf } from './cluster.ts'
import { type Html, html, when } from './html.ts'
import { noteList } from './notes.ts'
import { STYLE } from './style.ts'
import { tag } from './tables.ts'

/** Between two looks of a browser. Seconds. */
const REFRESH_S = 5

export interface PageOptions {
  /** Whether the browser loads it again by itself. */
  readonly isRefreshed: boolean
  /** The newest last. */
  readonly events: readonly HistoryEvent[]
}

/** Yields the page in parts: a cluster is one. Those without an open primary come first. */
export function* pageParts(status: RouterStatus, options: PageOptions): Generator<string> {
  const { clusters } = status
  const sorted = clusters.toSorted((a, b) => urgency(a, status) - urgency(b, status))
  const router = statusJson({ ...status, clusters: [] })
  yield headOf(sorted, status, options)
  if (clusters.length > 1) yield html`<nav>${sorted.map((each) => chip(each, status))}</nav>`.markup
  for (const cluster of sorted) {
    const [json] = statusJson({
      ...status,
      clusters: [cluster],
      templates: null,
      track: [],
      configuration: null,
    }).clusters
    if (json !== undefined) yield clusterSection(cluster, json, status).markup
  }
  yield routerSection(router, clusters.length > 1).markup
  yield eventSection(options.events).markup
  yield `</main>${footer(options).markup}</body></html>\n`
}

const URGENCY = { bad: 0, warn: 1, ok: 2 } as const

function urgency(cluster: ClusterStatus, status: RouterStatus): number {
  return URGENCY[stateOf(cluster, status).tone]
}

function headOf(clusters: readonly ClusterStatus[], status: RouterStatus, { isRefreshed }: PageOptions): string {
  const { version, node, startedAt, now } = status
  const head = html`<meta charset="utf-8" />
    <meta name="viewport" content="width=device-width,initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    ${when(isRefreshed, () => html`<meta http-equiv="refresh" content="${REFRESH_S}" />`)}
    <title>${titleOf(clusters, status)}</title>
    ${{ markup: `<style>${STYLE}</style>` }}`
  const header = html`<header>
    <b>${node}</b><span>patroni-router ${version}, up ${age(now - startedAt)}</span><time>${instant(now)}</time>
  </header>`
  return `<!doctype html>\n<html lang="en"><head>${head.markup}</head>\n<body>${header.markup}\n<main>`
}

/** Returns the title, which is all that a tab in the background shows. */
function titleOf(clusters: readonly ClusterStatus[], status: RouterStatus): string {
  const [first] = clusters
  const closed = clusters.filter(({ view }) => !isServing(view.primary))
  if (first === undefined) return `${status.node} - patroni-router`
  const { who, word } = stateOf(first, status)
  if (clusters.length === 1) return visible(`${who} ${word} - ${first.view.name}`)
  if (closed.length === 0) return `${counted(clusters.length, 'cluster')} open - ${status.node}`
  return `NOT OPEN: ${closed.length} of ${counted(clusters.length, 'cluster')} - ${status.node}`
}

function chip(cluster: ClusterStatus, status: RouterStatus): Html {
  const { name } = cluster.view
  const { tone, who, word } = stateOf(cluster, status)
  return html`<a href="#cluster-${name}">${tag(`${name}: ${who} ${word}`, tone)}</a>`
}

/** Returns what is of no cluster: templates, track files, the configuration, HTTP itself. */
function routerSection(status: StatusJson, isSeveral: boolean): Html {
  const now = Date.parse(status.now)
  const notes: readonly Note[] = [
    ...configurationNotes(status.configuration, now),
    ...(status.templates === null ? [] : templateNotes(status.templates, now, isSeveral)),
    ...trackNotes(status.track, now),
    ...httpNotes(status.http),
    ...(status.log.dropped === 0
      ? []
      : [['Log', `${counted(status.log.dropped, 'line')} dropped: its reader did not keep up`] as const]),
  ]
  return when(
    notes.length > 0,
    () =>
      html`<section>
        <h2>Router</h2>
        ${noteList(notes)}
      </section>`,
  )
}

function eventSection(events: readonly HistoryEvent[]): Html {
  const rows = events.toReversed().map(({ time, level, message }) => {
    const tone = level === 'warn' ? 'warn' : level === 'error' || level === 'fatal' ? 'bad' : ''
    const at = instant(Date.parse(time))
    return html`<tr>
      <td>${at}</td>
      <td class="wide wrap">${when(tone !== '', () => html`${tag(level, tone)} `)}${message}</td>
    </tr>`
  })
  return when(
    rows.length > 0,
    () =>
      html`<section class="events">
        <h2>Latest events</h2>
        <table>
          <tbody>
            ${rows}
          </tbody>
        </table>
      </section>`,
  )
}

function footer({ isRefreshed }: PageOptions): Html {
  const refresh = isRefreshed
    ? html`Refreshed every ${REFRESH_S} s; <a href="/;norefresh">stop</a>.`
    : html`Not refreshed; <a href="/">refresh every ${REFRESH_S} s</a>.`
  return html`<footer>
    ${refresh} As data: <a href="/metrics">/metrics</a>, <a href="/;csv">/;csv</a>,
    <a href="/api/v1/cluster">/api/v1/cluster</a>, <a href="/api/v1/events">/api/v1/events</a>.
  </footer>`
}
