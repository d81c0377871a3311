/** A planned switchover as a timeline, drawn from the medians of the failover benchmark. */
import { medianOf } from '../../bench/figures.ts'
import type { Moment } from '../../bench/failover/moments.ts'
import { seconds } from '../../bench/failover/summary.ts'
import type { Result } from '../../bench/results.ts'
import { counted } from '../../src/text/wording.ts'
import { box, line, type Point, round, svg, type Tone, words, zone } from './svg.ts'

const WIDTH = 900
const HEIGHT = 430
/** Where the bars begin and end. */
const LEFT = 150
const RIGHT = 850
const BAR = 30
const DETAIL_Y = 262

/** What happens at each moment that the router logs. */
const HAPPENS: Readonly<Record<Moment, string>> = {
  held: 'The router sees the request and holds new connections.',
  stopping: 'Patroni stops PostgreSQL on the old leader.',
  'lock-gone': 'The leader key is gone. No session on the old leader is left.',
  'new-leader': 'The leader key names the new leader. The router checks it.',
  open: 'The new leader is confirmed by /primary and opened.',
  released: '',
}

/** Milliseconds after the request. */
interface Gap {
  readonly from: number
  readonly to: number
}

type Side = 'cluster' | 'router' | 'haproxy'

export interface Switchover {
  readonly runs: number
  readonly gaps: Readonly<Record<Side, Gap>>
  readonly moments: readonly { readonly moment: Moment; readonly ms: number }[]
  readonly heldClients: number
  /** Of the router's clients, in all runs. */
  readonly routerFailed: number
  /** Of HAProxy's clients. */
  readonly failed: number
  readonly readOnly: number
}

/** Returns what is drawn. @throws when the switchover was not measured. */
export function switchoverOf(results: readonly Result[]): Switchover {
  const runs = results.filter((result) => result.case === 'switchover')
  const of = (key: string, subject: Side = 'router'): number | null => medianOf(runs, key, subject)
  const gap = (subject: Side): Gap => {
    // Results of before `stops` was recorded for HAProxy: it stops serving when the cluster does.
    const from = of('stops', subject) ?? of('stops', 'cluster') ?? NaN
    const ms = of('outage', subject)
    if (ms === null || Number.isNaN(from)) throw new Error(`bench/results: no switchover of ${subject}`)
    return { from, to: from + ms }
  }
  const moments = (['held', 'stopping', 'lock-gone', 'new-leader', 'open'] as const).flatMap((moment) => {
    const ms = of(moment)
    return ms === null ? [] : [{ moment, ms }]
  })
  return {
    runs: runs.length,
    gaps: { cluster: gap('cluster'), router: gap('router'), haproxy: gap('haproxy') },
    moments,
    heldClients: of('held-clients') ?? 0,
    routerFailed: runs
      .flatMap(({ samples }) => samples['failed']?.router ?? [])
      .reduce((sum, failed) => sum + failed, 0),
    failed: of('failed', 'haproxy') ?? 0,
    readOnly: of('read-only', 'haproxy') ?? 0,
  }
}

/** Draws it. */
export function switchoverImage(switchover: Switchover): string {
  const { gaps, moments, heldClients, routerFailed, failed, readOnly } = switchover
  const none = routerFailed === 0 ? 'none fails' : `${routerFailed} fail in ${switchover.runs} runs`
  const until = Math.ceil(Math.max(...Object.values(gaps).map(({ to }) => to)) / 1000) * 1000
  const x = (ms: number): number => LEFT + (Math.max(ms, 0) / until) * (RIGHT - LEFT)
  const rows = [
    row(78, 'the cluster', gaps.cluster, x, 'plain', `no member accepts writes for ${length(gaps.cluster)}`),
    row(
      120,
      'patroni-router',
      gaps.router,
      x,
      'wait',
      `clients wait (${Math.round(heldClients)}), ${length(gaps.router)} at most; ${none}`,
    ),
    row(
      162,
      'HAProxy',
      gaps.haproxy,
      x,
      'bad',
      `no write for ${length(gaps.haproxy)}: ${counted(Math.round(failed), 'failed connection')}, ${counted(Math.round(readOnly), 'write')} to a read-only server`,
    ),
  ]
  const title = `A planned switchover. Through patroni-router clients wait for ${length(gaps.router)} and ${none}; through HAProxy they fail for ${length(gaps.haproxy)}.`
  return svg({ width: WIDTH, height: HEIGHT }, title, [
    words(24, 32, 'A planned switchover, as clients see it', { kind: 'title' }),
    words(24, 52, `A new client connects and writes every 20 ms. Medians of ${switchover.runs} runs.`, {
      kind: 'small',
    }),
    ...grid(until, x),
    ...rows,
    ...detail(moments, x),
  ])
}

function grid(until: number, x: (ms: number) => number): readonly string[] {
  const ticks = Array.from({ length: until / 1000 + 1 }, (_, second) => second)
  return ticks.flatMap((second) => [
    `<path class="grid" stroke="var(--frame)" d="M${round(x(second * 1000))} 68V204"/>`,
    words(x(second * 1000), 220, `${second} s`, { kind: 'small', anchor: 'middle' }),
  ])
}

function row(
  y: number,
  name: string,
  { from, to }: Gap,
  x: (ms: number) => number,
  tone: Tone,
  caption: string,
): string {
  const at = { x: x(from), y, width: x(to) - x(from), height: BAR }
  const inside = caption.length * 6.6 < at.width - 16
  return [
    words(LEFT - 14, y + BAR / 2 + 4.5, name, { kind: 'strong', anchor: 'end' }),
    box(at, tone, []),
    words(inside ? at.x + 10 : at.x + at.width + 10, y + BAR / 2 + 4.5, caption, inside ? {} : { kind: 'over' }),
  ].join('\n')
}

/** Enlarges the time until the new leader is open: its moments, numbered, with a legend. */
function detail(moments: Switchover['moments'], overview: (ms: number) => number): readonly string[] {
  const last = Math.max(...moments.map(({ ms }) => ms))
  const [left, right] = [60, 840]
  const x = (ms: number): number => left + (Math.max(ms, 0) / last) * (right - left)
  const circles = spread(moments.map(({ ms }) => x(ms)))
  const funnel: readonly Point[] = [
    [overview(0), 228],
    [left, DETAIL_Y - 14],
  ]
  const funnelEnd: readonly Point[] = [
    [overview(last), 228],
    [right, DETAIL_Y - 14],
  ]
  return [
    zone({ x: 24, y: DETAIL_Y - 14, width: WIDTH - 48, height: 164 }),
    line(funnel, 'dashed'),
    line(funnelEnd, 'dashed'),
    line(
      [
        [left, DETAIL_Y + 28],
        [right, DETAIL_Y + 28],
      ],
      'router',
    ),
    ...moments.flatMap(({ moment, ms }, index) => {
      const [at = 0, y] = [circles[index], 330 + index * 18]
      return [
        line([
          [x(ms), DETAIL_Y + 28],
          [at, DETAIL_Y + 18],
        ]),
        `<circle class="router" cx="${round(x(ms))}" cy="${DETAIL_Y + 28}" r="3"/>`,
        `<circle class="router" cx="${round(at)}" cy="${DETAIL_Y + 8}" r="10"/>`,
        words(at, DETAIL_Y + 12.5, String(index + 1), { kind: 'strong', anchor: 'middle' }),
        words(60, y, String(index + 1), { kind: 'strong', anchor: 'middle' }),
        words(140, y, `${Math.round(ms)} ms`, { anchor: 'end' }),
        words(156, y, HAPPENS[moment]),
      ]
    }),
  ]
}

/** Moves circles apart that would cover each other. */
function spread(wanted: readonly number[]): readonly number[] {
  const placed: number[] = []
  for (const at of wanted) placed.push(Math.max(at, (placed.at(-1) ?? -Infinity) + 24))
  const over = Math.max(0, (placed.at(-1) ?? 0) - 864)
  return over === 0
    ? placed
    : placed.map((at, index) => (index === 0 ? at : Math.min(at, 864 - 24 * (placed.length - 1 - index))))
}

function length({ from, to }: Gap): string {
  return seconds(to - from)
}
