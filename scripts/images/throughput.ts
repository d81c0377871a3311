/** The router and the plain pipe as ratios to HAProxy, drawn from the benchmark of the proxy. */
import type { Unit } from '../../bench/case.ts'
import { spreadOf } from '../../bench/median.ts'
import { BESIDE_PEERS } from '../../bench/proxy/columns.ts'
import { ratiosOf } from '../../bench/ratios.ts'
import type { Result } from '../../bench/results.ts'
import { line, round, svg, words, zone } from './svg.ts'

const WIDTH = 900
/** Where the scale begins and ends, in pixels and as powers of two. */
const LEFT = 250
const RIGHT = 600
const LEAST = -1
const MOST = 4
const TOP = 84
const ROW = 24

interface Line {
  readonly label: string
  readonly case: string
  readonly key: string
  readonly unit: Unit
}

const GROUPS: readonly { readonly title: string; readonly lines: readonly Line[] }[] = [
  {
    title: 'More is better',
    lines: [
      { label: 'transactions, 1 client', case: 'select', key: 'tps-1', unit: '/s' },
      { label: 'transactions, 16 clients', case: 'select', key: 'tps-16', unit: '/s' },
      { label: 'transactions, 100 clients', case: 'select', key: 'tps-100', unit: '/s' },
      { label: 'COPY TO', case: 'copy', key: 'out', unit: 'GB/s' },
      { label: 'COPY FROM', case: 'copy', key: 'in', unit: 'GB/s' },
      { label: 'connections', case: 'connects', key: 'rate', unit: '/s' },
    ],
  },
  {
    title: 'Less is better',
    lines: [
      { label: 'latency p99, 16 clients', case: 'select', key: 'p99-16', unit: 'ms' },
      { label: 'CPU, million transactions, 16', case: 'select', key: 'cpu-16', unit: 's' },
      { label: 'CPU, million transactions, 100', case: 'select', key: 'cpu-100', unit: 's' },
      { label: 'CPU, COPY TO', case: 'copy', key: 'out-cpu', unit: 's/GB' },
      { label: 'CPU, COPY FROM', case: 'copy', key: 'in-cpu', unit: 's/GB' },
      { label: 'CPU, connection', case: 'connects', key: 'cpu', unit: 'ms' },
      { label: 'connect to first answer, p50', case: 'connects', key: 'answer-p50', unit: 'ms' },
      { label: 'memory without a session', case: 'memory', key: 'empty', unit: 'MiB' },
      { label: 'memory, idle session', case: 'memory', key: 'session', unit: 'KiB' },
      { label: 'closing 5,000 sessions', case: 'closing', key: 'closed', unit: 'ms' },
    ],
  },
]

/** Draws a line for each figure that was measured: the quartiles of the router's rounds and their median, and the pipe's. */
export function throughputImage(results: readonly Result[]): string {
  const body: string[] = []
  let y = TOP
  for (const { title, lines } of GROUPS) {
    const drawn = lines.filter(({ case: name, key }) => ratios(results, name, key, 'router').length > 0)
    if (drawn.length === 0) continue
    body.push(words(24, y, title, { kind: 'strong' }))
    for (const each of drawn) body.push(...row((y += ROW), each, results))
    y += ROW * 1.5
  }
  const isMeasured = body.length > 0
  const height = Math.round(isMeasured ? y + ROW : TOP + ROW)
  const about = isMeasured
    ? 'Ratios to HAProxy in the same round: median and quartiles. On the line at 1 both are equal.'
    : 'Not measured yet.'
  return svg(
    { width: WIDTH, height },
    'patroni-router and a plain pipe of Node as ratios to HAProxy, one thread each.',
    [
      words(24, 32, 'Beside HAProxy, one thread each', { kind: 'title' }),
      words(24, 52, about, { kind: 'small' }),
      ...(isMeasured ? [...scale(y - ROW), ...body, ...legend(y)] : []),
    ],
  )
}

function ratios(results: readonly Result[], name: string, key: string, subject: 'router' | 'pipe'): readonly number[] {
  return results.flatMap((result) => (result.case === name ? ratiosOf(result.samples, key, subject) : []))
}

/** Returns where a ratio is; each doubling takes the same room. */
export function at(ratio: number): number {
  const power = Math.min(Math.max(Math.log2(ratio), LEAST), MOST)
  return LEFT + ((power - LEAST) / (MOST - LEAST)) * (RIGHT - LEFT)
}

function scale(bottom: number): readonly string[] {
  return Array.from({ length: MOST - LEAST + 1 }, (_, index) => 2 ** (LEAST + index)).flatMap((ratio) => [
    `<path stroke="var(--${ratio === 1 ? 'dim' : 'frame'})" d="M${round(at(ratio))} ${TOP - 8}V${round(bottom)}"/>`,
    words(at(ratio), TOP - 14, String(ratio), { kind: 'small', anchor: 'middle' }),
  ])
}

function row(y: number, { label, case: name, key, unit }: Line, results: readonly Result[]): readonly string[] {
  const { median, low, high } = spreadOf(ratios(results, name, key, 'router'))
  const pipe = ratios(results, name, key, 'pipe')
  const middle = y - 4
  const bar = { x: at(low) - 2, y: middle - 4, width: at(high) - at(low) + 4, height: 8 }
  const value = (subject: 'router' | 'haproxy'): string => {
    const samples = results.flatMap((one) => (one.case === name ? (one.samples[key]?.[subject] ?? []) : []))
    return BESIDE_PEERS.format(spreadOf(samples).median, unit)
  }
  return [
    words(24, y, label),
    line(
      [
        [at(1), middle],
        [at(median), middle],
      ],
      'router',
    ),
    ...(pipe.length === 0 ? [] : [dot('plain', at(spreadOf(pipe).median), middle)]),
    zone(bar, 'router'),
    dot('router', at(median), middle),
    words(RIGHT + 54, y, median.toFixed(2), { kind: 'strong', anchor: 'end' }),
    words(RIGHT + 72, y, `${value('router')} to ${value('haproxy')}`, { kind: 'small' }),
  ]
}

function legend(y: number): readonly string[] {
  return [
    dot('router', 30, y - 4),
    words(42, y, 'patroni-router', { kind: 'small' }),
    dot('plain', 172, y - 4),
    words(184, y, 'the plainest proxy that Node can be, a.pipe(b)', { kind: 'small' }),
  ]
}

function dot(tone: 'router' | 'plain', x: number, y: number): string {
  return `<circle class="${tone}" cx="${round(x)}" cy="${round(y)}" r="5"/>`
}
