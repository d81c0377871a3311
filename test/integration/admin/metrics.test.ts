/** The metrics as the tools of Prometheus read them, and what of them is measured in the process. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { EventLoopDelay } from '../../../src/admin/metrics/event-loop-delay.ts'
import { metricsText } from '../../../src/admin/metrics/exposition.ts'
import { richStatus } from '../../unit/admin/metrics/rich-status.ts'
import { until } from '../../support/until.ts'

async function nativeText(name?: string): Promise<string> {
  let text = ''
  for await (const slice of metricsText(richStatus(name), { scopes: ['native'], noMaint: false })) text += slice
  return text
}

test('promtool reads every native family, and finds nothing to correct', async () => {
  for (const name of ['demo', 'a"b\\c\nd\u00e9']) {
    const input = await nativeText(name)
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' })
    assert.deepEqual([status, stdout, stderr], [0, '', ''])
  }
})

test('the metrics of the process are those of this one', async () => {
  const text = await nativeText()
  const shown = (name: string): number => Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1])
  const { rss } = process.memoryUsage()
  assert.ok(Math.abs(shown('process_resident_memory_bytes') - rss) < rss / 2)
  const { user, system } = process.cpuUsage()
  assert.ok(Math.abs(shown('process_cpu_seconds_total') - (user + system) / 1e6) < 1)
  assert.ok(shown('process_open_fds') > 3 && shown('process_open_fds') < shown('process_max_fds'))
})

test('the delay of the event loop is measured between start and stop only', async () => {
  const delay = new EventLoopDelay()
  assert.equal(delay.report(), null)
  delay.start()
  delay.start()
  try {
    // Once one sample is taken the next is due, and late.
    await until('it is measured', async () => {
      await new Promise(setImmediate)
      const end = performance.now() + 60
      while (performance.now() < end);
      return (delay.report()?.maxMs ?? 0) > 30
    })
  } finally {
    delay.stop()
  }
  assert.equal(delay.report(), null)
})
