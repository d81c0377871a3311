import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capacityOf, misfits } from '../../../src/proxy/capacity.ts'
import { NO_LIMITS } from '../../../src/process-limits.ts'

const GB = 1024 ** 3

function proxy(maxConnections: number, held = 10_000) {
  return { maxConnections, hold: { timeoutMs: 45_000, maxConnections: held, refuseTls: 'answer' } } as const
}

test('sessions, refusals and the own work fit into the descriptors together', () => {
  for (const descriptors of [128, 256, 1024, 4096, 65_536, 1_048_576]) {
    for (const clusters of [1, 3, 20]) {
      const { connections, refusals } = capacityOf({ descriptors, memoryBytes: null }, clusters)
      const own = descriptors - 2 * connections - refusals
      assert.ok(own >= 48, `${own} of ${descriptors} are left`)
      assert.ok(connections >= descriptors / 8, `${connections} of ${descriptors}`)
    }
  }
})

test('memory limits the connections too, and says so', () => {
  const { connections, why } = capacityOf({ descriptors: 1_048_576, memoryBytes: GB / 4 }, 1)
  assert.ok(connections > 1000 && connections < 5000, String(connections))
  assert.equal(why, 'memory')
  assert.match(capacityOf({ descriptors: 1024, memoryBytes: 8 * GB }, 1).why, /1024 file descriptors, two per session/)
})

test('there is no limit where none is known', () => {
  assert.equal(capacityOf(NO_LIMITS, 1).connections, Infinity)
  assert.deepEqual(misfits([proxy(0, 1_000_000)], NO_LIMITS), [])
})

test('names the settings that do not fit, with the limit and what to do', () => {
  const limits = { descriptors: 1024, memoryBytes: 8 * GB }
  const { connections } = capacityOf(limits, 1)
  assert.deepEqual(misfits([proxy(connections, 100)], limits), [])
  assert.deepEqual(misfits([proxy(5000)], limits), [
    `max_connections is 5000, and the process has room for ${connections} connections (1024 file descriptors, two per ` +
      'session): raise LimitNOFILE (ulimit -n); clients beyond that are refused',
    `hold.max_connections is 5000, and the process has room for ${connections} connections (1024 file descriptors, two ` +
      'per session): raise LimitNOFILE (ulimit -n); clients beyond that are refused',
  ])
  assert.equal(misfits([proxy(0)], limits).length, 1)
})

test('the limits of several clusters count together', () => {
  const limits = { descriptors: 1024, memoryBytes: null }
  const { connections } = capacityOf(limits, 2)
  const each = Math.floor(connections / 2)
  assert.deepEqual(misfits([proxy(each, 10), proxy(each, 10)], limits), [])
  assert.equal(misfits([proxy(each + 1, 10), proxy(each + 1, 10)], limits).length, 1)
})
