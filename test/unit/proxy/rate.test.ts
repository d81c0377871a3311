import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Rate } from '../../../src/proxy/rate.ts'

function rateOf(...times: readonly number[]): Rate {
  const rate = new Rate()
  for (const at of times) rate.add(at)
  return rate
}

test('all that come within a second count, and a second later none', () => {
  const rate = rateOf(5000, 5001, 5002)
  assert.equal(rate.at(5002), 3)
  assert.equal(rate.at(7000), 0)
})

test('of the second before, the part counts that is less than a second ago', () => {
  const rate = rateOf(...Array.from({ length: 100 }, (_, n) => 5000 + n * 10))
  assert.deepEqual(
    [6000, 6250, 6900].map((at) => rate.at(at)),
    [100, 75, 9],
  )
})

test('the most that came within a second stays', () => {
  const rate = rateOf(5000, 5001, 9000)
  assert.deepEqual([rate.at(9000), rate.max], [1, 2])
})

test('a burst across the end of a second counts as one', () => {
  assert.equal(rateOf(5998, 5999, 6000, 6001).max, 3)
})
