import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { BENCHES } from '../../../bench/benches.ts'
import type { Case, Figure, Run, Samples } from '../../../bench/case.ts'
import { circumstances } from '../../../bench/document.ts'
import { missesOf } from '../../../bench/figures.ts'
import { publishedResults } from '../../../bench/results.ts'
import { inOneRun } from '../../../bench/run.ts'
import { COMPARED, MEASURED, table } from '../../../bench/table.ts'

const ROOT = join(import.meta.dirname, '../../..')

const of = (figures: readonly Figure[]): Case => ({
  name: 'one',
  title: 'a case',
  figures,
  measure: () => Promise.resolve(),
})
const run = (samples: Samples, more: Partial<Run> = {}) => ({
  ...{ case: 'one', machine: '2 cores', run: 1, at: '2026-11-28T12:00:00.000Z', samples },
  ...{ notes: {}, remarks: [], lateMs: 3, error: null, log: [], ...more },
})
const rows = (text: string): readonly string[] => text.split('\n').slice(2)

test('beside HAProxy each figure is the median and the worst of the runs', () => {
  const measured = of([
    { key: 'failed', label: 'failed', unit: 'count', target: { max: 0 } },
    { key: 'margin', label: 'margin', unit: 'ms', target: { min: 5 } },
    { key: 'outage', label: 'outage', unit: 'ms' },
  ])
  const runs = [
    run({
      failed: { router: [0], haproxy: [70] },
      margin: { router: [9] },
      outage: { router: [1200], cluster: [900] },
    }),
    run({
      failed: { router: [0], haproxy: [98] },
      margin: { router: [4] },
      outage: { router: [5200], cluster: [950] },
    }),
  ]
  assert.deepEqual(rows(table(COMPARED, [measured], runs)), [
    "| **a case** (2 runs; the cluster's own outage: 925 ms (950 ms)) |  |  |  | **missed** |",
    '| failed | none | 0 (0) | 84 (98) | met |',
    '| margin | ≥ 5 ms | 7 ms (4 ms) | - | missed |',
    '| outage |  | 3.2 s (5.2 s) | - |  |',
  ])
})

test('a figure that a run did not get to is missed, and a run that broke off is named', () => {
  const measured = of([{ key: 'failed', label: 'failed', unit: 'count', target: { max: 0 } }])
  const runs = [run({ failed: { router: [0] } }), run({}, { error: 'it broke\nat a line' })]
  assert.deepEqual(rows(table(COMPARED, [measured], runs)), [
    '| **a case** (2 runs; 1 broke off: it broke) |  |  |  | **missed** |',
    '| failed | none | 0 (0), in 1 of 2 runs | - | missed |',
  ])
  assert.deepEqual(missesOf(measured, run({})), ['failed: not measured'])
})

test('without HAProxy a figure is what it says of the samples', () => {
  const measured = of([
    { key: 'render', label: 'first', unit: 'ms', of: 'first' },
    { key: 'render', label: 'median', unit: 'ms', of: 'median', target: { max: 2 } },
    { key: 'render', label: 'p99', unit: 'ms', of: 'p99', target: { times: 2, key: 'alone' } },
    { key: 'count', label: 'count', unit: 'count' },
  ])
  const samples = { render: { router: [9, 1, 1, 2.25] }, alone: { router: [1, 5, 2] }, count: { router: [12345] } }
  assert.deepEqual(rows(table(MEASURED, [measured], [run(samples)])), [
    '| **a case** |  |  | **met** |',
    '| first |  | 9.0 ms |  |',
    '| median | ≤ 2.0 ms | 1.6 ms | met |',
    '| p99 | ≤ 10.0 ms | 9.0 ms | met |',
    '| count |  | 12345 |  |',
  ])
  const slower = run({ ...samples, alone: { router: [1, 4, 2] } })
  assert.deepEqual(missesOf(measured, slower), ['p99: 9 is more than 8'])
})

test('a run that throws keeps the samples it has, and why', async (t) => {
  t.mock.method(console, 'error', () => undefined)
  const runs: Run[] = []
  const measure = inOneRun((record, repeats) => {
    record.add('one', repeats ?? 7)
    return Promise.reject(new Error('no more'))
  })
  await measure(null, (one) => runs.push(one))
  assert.deepEqual([runs[0]?.samples, runs[0]?.error], [{ one: { router: [7] } }, 'no more'])
})

test('below the table stand when, how and on what it was measured', () => {
  const [bench] = BENCHES
  assert.ok(bench !== undefined)
  const text = circumstances(bench, [
    run({}, { remarks: ['One thing.'] }),
    run({}, { lateMs: 7.4, remarks: ['One thing.'] }),
  ])
  assert.equal(
    text,
    'Measured 2026-11-28 with `npm run bench:failover` on 2 cores. ' +
      'The measuring process was never late by more than 7 ms. One thing.',
  )
})

for (const bench of BENCHES) {
  test(`bench:${bench.name} is a script, and its document has each of its cases once`, () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object }
    assert.equal(new Map(Object.entries(scripts)).get(`bench:${bench.name}`), `node bench/main.ts ${bench.name}`)
    const text = readFileSync(join(ROOT, bench.document), 'utf8')
    assert.ok(text.includes(`<!-- ${bench.name}:begin -->`))
    assert.ok(text.includes(bench.columns.head))
    const published = new Set(publishedResults(bench).map((result) => result.case))
    for (const { name, title } of bench.cases) {
      const times = text.split(`| **${title}**`).length - 1
      // A case without results may have a table of before, until it is measured again.
      assert.ok(times === 1 || (times === 0 && !published.has(name)), title)
    }
  })
}
