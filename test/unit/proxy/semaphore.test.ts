import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Semaphore } from '../../../src/proxy/semaphore.ts'

test('lets in so many at a time, in order, and those whose wait was ended not at all', async () => {
  const semaphore = new Semaphore(2)
  const going: string[] = []
  const ends = new Map<string, () => void>()
  const enter = (name: string, signal: AbortSignal = new AbortController().signal): Promise<void> =>
    semaphore.run(async () => {
      going.push(name)
      await new Promise<void>((resolve) => ends.set(name, resolve))
    }, signal)
  const impatient = new AbortController()
  const passes = [enter('a'), enter('b'), enter('c', impatient.signal), enter('d'), enter('e')]
  await turn()
  assert.deepEqual(going, ['a', 'b'])
  impatient.abort()
  await passes[2]
  ends.get('b')?.()
  await turn()
  assert.deepEqual(going, ['a', 'b', 'd'])
  ends.get('a')?.()
  ends.get('d')?.()
  await turn()
  assert.deepEqual(going, ['a', 'b', 'd', 'e'])
  ends.get('e')?.()
  await Promise.all(passes)
  void enter('f')
  await turn()
  assert.equal(going.at(-1), 'f')
  ends.get('f')?.()
})
