import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Histogram } from '../../src/histogram.ts'

test('a value counts below the first bound that it does not exceed, or above all of them', () => {
  const histogram = new Histogram([1, 5, 10])
  for (const ms of [0, 1, 1.5, 10, 10.5, 99]) histogram.observe(ms)
  assert.deepEqual(histogram.counts, { bounds: [1, 5, 10], counts: [2, 1, 1, 2], sum: 122 })
})

test('counts that were read do not change later', () => {
  const histogram = new Histogram([1])
  const { counts } = histogram.counts
  histogram.observe(0)
  assert.deepEqual(counts, [0, 0])
})
