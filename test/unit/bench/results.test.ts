import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BENCHES } from '../../../bench/benches.ts'
import type { Run, Samples } from '../../../bench/case.ts'
import { failover } from '../../../bench/failover/bench.ts'
import { momentsOf } from '../../../bench/failover/moments.ts'
import { summary } from '../../../bench/failover/summary.ts'
import { sizingSummary } from '../../../bench/sizing/summary.ts'
import { merged, publishedResults, type Result } from '../../../bench/results.ts'

const result = (name: string, samples: Samples, more: Partial<Run> = {}): Result => ({
  ...{ case: name, machine: '2 cores', run: 1, at: '2026-11-28T12:00:00.000Z', samples },
  ...{ notes: {}, remarks: [], lateMs: 3, error: null, log: [], ...more },
})

test('results of a case take the place of those of before, in the order of the cases', () => {
  const before = [result('crash', {}, { run: 1 }), result('frozen', {}, { run: 1 })]
  const all = merged(failover, before, [result('frozen', {}, { run: 7 }), result('switchover', {}, { run: 7 })])
  assert.deepEqual(
    all.map((one) => [one.case, one.run]),
    [
      ['switchover', 7],
      ['crash', 1],
      ['frozen', 7],
    ],
  )
})

test('published results have no log, no notes and the first line of an error, and their numbers are short', () => {
  const samples = { outage: { router: [1234.56789] } }
  const log = [{ msg: 'listening on /tmp/x' }]
  const long = result('crash', samples, { run: 3, notes: { a: 1 }, error: 'it broke\nin /tmp/x', log })
  assert.deepEqual(merged(failover, [], [long]), [
    result('crash', { outage: { router: [1234.568] } }, { run: 3, error: 'it broke' }),
  ])
})

test('the published results are of cases that exist, and name no path', () => {
  for (const bench of BENCHES)
    for (const { case: name, ...rest } of publishedResults(bench)) {
      assert.ok(
        bench.cases.some((one) => one.name === name),
        name,
      )
      assert.doesNotMatch(JSON.stringify(rest), /"[^"]*\/(tmp|home|root|work|usr)\//)
    }
})

test('the summary has the medians of what clients see, and only the cases that were measured', () => {
  const run = (ms: number, failed: number): Result =>
    result('switchover', {
      failed: { router: [0], haproxy: [failed] },
      'read-only': { router: [0], haproxy: [1] },
      outage: { router: [ms], haproxy: [5000], cluster: [1300] },
    })
  const hang = result('rest-hang', {
    failed: { router: [0], haproxy: [744] },
    lost: { router: [0], haproxy: [20] },
    outage: { router: [112], haproxy: [37_200] },
  })
  const noticed = result('etcd-long', { failed: { router: [1] }, outage: { router: [90] } })
  const notNoticed = result('etcd-long', { failed: { router: [0] }, outage: { router: [80] } })
  assert.deepEqual(
    summary([run(1400, 80), run(1600, 70), run(1500, 95), hang, noticed, notNoticed, notNoticed])
      .split('\n')
      .slice(2),
    [
      '| planned switchover (no member accepts writes for 1.3 s) | none fails; no write for 1.5 s | 80 connections fail, 1 write is refused as read-only; no write for 5.0 s |',
      '| the REST API of a healthy primary hangs for a minute | none fails; no pause | 744 connections fail, 20 sessions are lost; no write for 37.2 s |',
      '| etcd is down for a minute (`failsafe_mode`) | none fails (in the worst run 1); no pause | none fails; no pause |',
    ],
  )
})

test('the moments of a switchover are read off the log of the router', () => {
  const line = (event: string, time: number, more: object = {}) => ({ level: 'info', msg: '', event, time, ...more })
  const log = [
    line('primary-switching', 1005),
    line('primary-reason', 1200, { reason: 'Patroni is stopping its Postgres' }),
    line('leader-changed', 2270, { to: null }),
    line('leader-changed', 2340, { to: 'pg2' }),
    line('primary-open', 2550),
    line('released', 2551, { connections: 76 }),
  ]
  const expected = { held: 5, stopping: 200, 'lock-gone': 1270, 'new-leader': 1340, open: 1550, released: 1551 }
  assert.deepEqual(momentsOf(log, 1000), { ...expected, 'held-clients': 76 })
  assert.deepEqual(momentsOf(log.slice(0, 1), 1000), { held: 5 })
})

test('the sizes are medians with their units, and only what was measured', () => {
  const run = (idle: number): Result =>
    result('memory', { idle: { router: [idle] }, session: { router: [23.6] }, 'session-files': { router: [2] } })
  const cpu = result('cpu', { idle: { router: [1.06] }, gigabyte: { router: [1700] } })
  assert.deepEqual(
    sizingSummary([run(115.9), run(118), run(99), cpu])
      .split('\n')
      .slice(2),
    [
      '| memory of a router without a session | 116 MiB |',
      '| memory per idle session | 24 KiB |',
      '| file descriptors per session | 2 |',
      '| CPU of a router without a session | 1.1 % of a core |',
      '| CPU per GiB of results | 1.7 s |',
    ],
  )
})
