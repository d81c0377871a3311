/** How many tasks begin in one turn of the event loop. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Limiter } from '../../../../src/watcher/checks/limiter.ts'

test('of many tasks eight begin in one turn of the event loop, in order, up to the limit', async () => {
  const limiter = new Limiter(20)
  const { signal } = new AbortController()
  const begun: number[] = []
  const ends: (() => void)[] = []
  const task = (index: number) => async (): Promise<void> => {
    begun.push(index)
    return new Promise((resolve) => ends.push(resolve))
  }
  const all = Array.from({ length: 30 }, (_, index) => limiter.run(task(index), signal))
  const turns: number[] = []
  const someTurns = async (): Promise<void> => {
    for (let turn = 0; turn < 4; turn++) {
      await nextTurn()
      turns.push(begun.length)
    }
  }
  await someTurns()
  for (const end of ends.splice(0)) end()
  await someTurns()
  for (const end of ends.splice(0)) end()
  await Promise.all(all)
  const before = turns.map((count, turn) => count - (turns[turn - 1] ?? 0))
  assert.ok(
    before.slice(1).every((count) => count <= 8),
    `begun in each turn: ${before.join(', ')}`,
  )
  assert.deepEqual([turns[3], turns[7]], [20, 30])
  assert.deepEqual(
    begun,
    Array.from({ length: 30 }, (_, index) => index),
  )
})
