import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Delays, withWindow } from '../../../../src/admin/metrics/event-loop-delay.ts'
import { parseProcessUsage } from '../../../../src/admin/metrics/process-usage.ts'

describe('the delay of the event loop', () => {
  const window = (medianMs: number, maxMs: number): Delays => ({
    ...{ count: 10, max: (20 + maxMs) * 1e6 },
    percentile: (of: number) => (20 + (of === 50 ? medianMs : maxMs)) * 1e6,
  })
  const nothing = { medianMs: 0, p99Ms: 0, maxMs: 0 }

  test('is what a sample has come too late', () => {
    assert.deepEqual(withWindow(nothing, window(1, 150)), { medianMs: 1, p99Ms: 150, maxMs: 150 })
    assert.deepEqual(withWindow(nothing, window(-1, 2)), { medianMs: 0, p99Ms: 2, maxMs: 2 })
  })

  test('is the worse of two windows, and an empty one has none', () => {
    const before = { medianMs: 2, p99Ms: 9, maxMs: 70 }
    assert.deepEqual(withWindow(before, window(3, 5)), { medianMs: 3, p99Ms: 9, maxMs: 70 })
    assert.deepEqual(withWindow(before, { ...window(3, 5), count: 0 }), before)
  })
})

test('the usage of the process is read from the files of the kernel, whatever the name of the program', () => {
  const status = 'Name:\tnode\nVmPeak:\t  999 kB\nVmSize:\t 2048 kB\nVmRSS:\t  1024 kB\n'
  const stat = '4711 (a) b (c) S 1 4711 4711 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 11 0 123 1 1'
  const limits = (max: string): string =>
    `Limit  Soft Limit  Hard Limit  Units\nMax open files            ${max}    4096  files\n`
  const used = { residentBytes: 1024 ** 2, virtualBytes: 2 * 1024 ** 2, cpuSeconds: 3, openFiles: 9, maxFiles: 1024 }
  assert.deepEqual(parseProcessUsage(status, stat, limits('1024'), 10), used)
  assert.equal(parseProcessUsage(status, stat, limits('unlimited'), 10).maxFiles, null)
})
