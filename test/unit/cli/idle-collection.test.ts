import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collectWhenIdle } from '../../../src/cli/idle-collection.ts'

test('memory is given back once when many connections have gone, and never while one is open', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  let connections = { open: 0, accepted: 0 }
  let collections = 0
  const stop = collectWhenIdle(
    () => connections,
    100,
    () => {
      collections++
    },
  )
  const after = (open: number, accepted: number): number => {
    connections = { open, accepted }
    t.mock.timers.tick(10_000)
    return collections
  }
  const all = (...looks: readonly (readonly [open: number, accepted: number])[]): readonly number[] =>
    looks.map(([open, accepted]) => after(open, accepted))
  assert.deepEqual(all([0, 99], [0, 99], [0, 99], [0, 99], [0, 99]), [0, 0, 0, 0, 0], 'too few')
  assert.deepEqual(all([50, 150], [0, 150], [0, 150], [0, 150], [1, 151]), [0, 0, 0, 0, 0], 'one is open now and then')
  assert.deepEqual(all([0, 151], [0, 151], [0, 151], [0, 151], [0, 151], [0, 250]), [0, 0, 0, 1, 1, 1], 'once')
  assert.deepEqual(all([0, 251], [0, 251], [0, 251], [0, 251], [0, 251]), [1, 1, 1, 1, 2], 'again')
  assert.deepEqual(all([0, 400], [0, 500], [0, 600], [0, 700], [0, 800]), [2, 2, 2, 2, 2], 'short ones between looks')
  stop()
  assert.equal(after(0, 1000), 2)
})
