import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collectWhenIdle } from '../../../src/cli/idle-collection.ts'

test('memory is given back once when many connections have gone, and never while one is open', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  let open = 0
  let collections = 0
  const stop = collectWhenIdle(
    () => open,
    100,
    () => {
      collections++
    },
  )
  const after = (connections: number): number => {
    open = connections
    t.mock.timers.tick(10_000)
    return collections
  }
  assert.deepEqual([0, 0, 99, 0, 0, 0].map(after), [0, 0, 0, 0, 0, 0], 'too few')
  assert.deepEqual([100, 1, 0, 1, 0, 0, 0, 0].map(after), [0, 0, 0, 0, 0, 1, 1, 1], 'once')
  assert.deepEqual([200, 0].map(after), [1, 1])
  stop()
  assert.equal(after(0), 1)
})
