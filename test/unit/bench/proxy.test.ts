import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Case, Figure, Run, Samples } from '../../../bench/case.ts'
import { missesOf } from '../../../bench/figures.ts'
import { spreadOf } from '../../../bench/median.ts'
import { BESIDE_PEERS } from '../../../bench/proxy/columns.ts'
import { between, progressOf } from '../../../bench/proxy/pgbench.ts'
import { inRounds, type Way } from '../../../bench/proxy/sides.ts'
import { ratiosOf } from '../../../bench/ratios.ts'
import { Recorder } from '../../../bench/run.ts'
import { table } from '../../../bench/table.ts'
import { at, throughputImage } from '../../../scripts/images/throughput.ts'

const TPS: Figure = {
  ...{ key: 'tps', label: 'transactions', unit: '/s', of: 'median' },
  target: { ratio: { min: 0.9 }, decider: { name: 'CPU', key: 'cpu', ratio: { max: 1.3 } } },
}
const CPU: Figure = { key: 'cpu', label: 'CPU', unit: 's', of: 'median', target: { ratio: { max: 1.3 } } }

const of = (...figures: readonly Figure[]): Case => ({
  ...{ name: 'select', title: 'a case', figures },
  measure: () => Promise.resolve(),
})
const run = (samples: Samples) => ({
  ...{ case: 'select', machine: '2 cores', run: 1, at: '2026-11-29T12:00:00.000Z', samples },
  ...{ notes: {}, remarks: [], lateMs: 3, error: null, log: [] },
})
const misses = (figure: Figure, samples: Samples): readonly string[] => missesOf(of(figure), run(samples) satisfies Run)

test('the ratio of a round is that of its own samples, and rounds without a peer have none', () => {
  const samples = { tps: { router: [50, 300, 80], haproxy: [100, 200], pipe: [25] } }
  assert.deepEqual(ratiosOf(samples, 'tps'), [0.5, 1.5])
  assert.deepEqual(ratiosOf(samples, 'tps', 'pipe'), [0.25])
  assert.deepEqual(ratiosOf(samples, 'other'), [])
})

test('the quartiles are the medians of both halves', () => {
  assert.deepEqual(spreadOf([5, 1, 4, 2, 3]), { median: 3, low: 2, high: 4 })
  assert.deepEqual(spreadOf([4, 1, 3, 2]), { median: 2.5, low: 1.5, high: 3.5 })
  assert.deepEqual(spreadOf([7]), { median: 7, low: 7, high: 7 })
})

test('the median of the ratios is judged, not the ratio of the medians', () => {
  // The medians are equal; in two of three rounds the router had half of what HAProxy had.
  const samples = { tps: { router: [100, 50, 400], haproxy: [200, 100, 100] } }
  const figure: Figure = { ...TPS, target: { ratio: { min: 0.9 } } }
  assert.deepEqual(misses(figure, samples), ['transactions: 0.500 of HAProxy is less than 0.9'])
})

test('CPU decides where half of the rounds spread over the limit', () => {
  const tps = { router: [70, 80, 88, 99, 120], haproxy: [100, 100, 100, 100, 100] }
  const cpu = (used: number) => ({ router: [used, used, used, used, used], haproxy: [10, 10, 10, 10, 10] })
  assert.deepEqual(misses(TPS, { tps, cpu: cpu(12) }), [])
  assert.deepEqual(misses(TPS, { tps, cpu: cpu(14) }), [
    'transactions, decided by CPU: 1.400 of HAProxy is more than 1.3',
  ])
  assert.deepEqual(misses(TPS, { tps }), ['transactions: CPU, which decides, was not measured'])
})

test('CPU does not decide where the rounds are on one side of the limit', () => {
  const [low, high] = [
    { router: [70, 80, 81, 82, 95], haproxy: [100, 100, 100, 100, 100] },
    { router: [85, 92, 94, 95, 99], haproxy: [100, 100, 100, 100, 100] },
  ]
  assert.deepEqual(misses(TPS, { tps: low, cpu: { router: [1], haproxy: [1] } }), [
    'transactions: 0.810 of HAProxy is less than 0.9',
  ])
  assert.deepEqual(misses(TPS, { tps: high, cpu: { router: [9], haproxy: [1] } }), [])
})

test('a ratio that was not measured is missed', () => {
  assert.deepEqual(misses(CPU, { cpu: { router: [1] } }), ['CPU: not measured'])
})

test('the table has the medians of all sides, the ratios with their quartiles, and what decided', () => {
  const samples = {
    tps: {
      ...{ router: [70, 80, 88, 99, 120], haproxy: [100, 100, 100, 100, 100] },
      ...{ pipe: [50, 60, 70, 80, 90], direct: [12_345, 12_345, 12_345, 12_345, 12_345] },
    },
    cpu: { router: [11, 12, 13], haproxy: [10, 10, 10] },
  }
  assert.deepEqual(
    table(BESIDE_PEERS, [of(TPS, CPU)], [run(samples)])
      .split('\n')
      .slice(2),
    [
      '| **a case** (5 rounds) |  |  |  |  |  |  | **met** |',
      '| transactions | ratio ≥ 0.9 | 88.0/s | 100/s | 70.0/s | 12,345/s | 0.88 (0.80–0.99) | met, by CPU |',
      '| CPU | ratio ≤ 1.3 | 12.0 s | 10.0 s | - | - | 1.20 (1.15–1.25) | met |',
    ],
  )
})

test('each round has every way once and begins with another one, after a round that does not count', async (t) => {
  t.mock.method(console, 'log', () => undefined)
  const way = (side: Way['side']): Way => ({ side, port: 1, pid: null })
  const seen: string[][] = []
  const record = new Recorder(1)
  await inRounds(record, [way('router'), way('haproxy'), way('direct')], 3, (to, ways) => {
    seen.push(ways.map(({ side }) => side))
    to.add('one', 1)
    return Promise.resolve()
  })
  assert.deepEqual(seen.slice(1), [
    ['router', 'haproxy', 'direct'],
    ['haproxy', 'direct', 'router'],
    ['direct', 'router', 'haproxy'],
  ])
  assert.deepEqual(record.samples, { one: { router: [1, 1, 1] } })
})

test('pgbench counts from its first line of progress: connects and the first second are not part of it', () => {
  assert.deepEqual(progressOf('progress: 2.0 s, 21834.2 tps, lat 0.732 ms stddev 0.208, 0 failed'), {
    at: 2,
    tps: 21834.2,
  })
  assert.equal(progressOf('pgbench: error: no'), null)
  const moments = [
    { at: 1, tps: 999, cpu: 5 },
    { at: 2, tps: 100, cpu: 6 },
    { at: 4, tps: 200, cpu: 8 },
  ]
  assert.deepEqual(between(moments), { seconds: 3, transactions: 500, cpuSeconds: 3 })
  assert.throws(() => between(moments.slice(0, 1)), /no progress/)
})

test('the plot has a line for each figure that was measured, and each doubling takes the same room', () => {
  const image = throughputImage([
    run({ 'tps-16': { router: [90, 95, 99], haproxy: [100, 100, 100], pipe: [80, 80, 80] } }),
  ])
  for (const words of ['transactions, 16 clients', '>0.95<', '>95.0/s to 100/s<'])
    assert.ok(image.includes(words), words)
  assert.ok(!image.includes('transactions, 1 client<') && !image.includes('Less is better'))
  assert.equal(at(2) - at(1), at(4) - at(2))
  assert.match(throughputImage([]), /Not measured yet/)
})
