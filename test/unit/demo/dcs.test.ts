import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DemoDcs } from '../../../src/demo/dcs.ts'
import { KeySpace } from '../../../src/demo/key-space.ts'
import type { DcsObservation } from '../../../src/watcher/dcs/dcs.ts'

async function next(observations: AsyncGenerator<DcsObservation, void, undefined>) {
  const { value } = await observations.next()
  assert.ok(value?.type === 'snapshot')
  return value
}

test('tells of a change at once, and confirms with the same object that there was none', async () => {
  const keys = new KeySpace()
  const stop = new AbortController()
  const observations = new DemoDcs(keys, 20).observe(stop.signal)
  assert.equal((await next(observations)).cluster.leader, null)
  keys.put('leader', 'pg1')
  const changed = await next(observations)
  assert.equal(changed.cluster.leader?.name, 'pg1')
  assert.equal((await next(observations)).cluster, changed.cluster)
  stop.abort()
  assert.equal((await observations.next()).done, true)
})

test('misses no change that comes while the one before is taken in', async () => {
  const keys = new KeySpace()
  const stop = new AbortController()
  const observations = new DemoDcs(keys, 3_600_000).observe(stop.signal)
  await next(observations)
  keys.put('leader', 'pg1')
  keys.delete('leader')
  keys.put('leader', 'pg2')
  assert.equal((await next(observations)).cluster.leader?.name, 'pg2')
  const waiting = observations.next()
  keys.delete('leader')
  const { value } = await waiting
  assert.ok(value?.type === 'snapshot')
  assert.equal(value.cluster.leader, null)
  stop.abort()
  await observations.next()
})
