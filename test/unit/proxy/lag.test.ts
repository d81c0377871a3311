import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { lagStep, whyLagging, type WithinLag } from '../../../src/proxy/lag.ts'
import { sampleMember } from '../admin/sample.ts'

const MB = 1024 ** 2
const MAX = 16 * MB

/** What becomes of one member as its lag goes through these MB: fit, out, or unknown. */
function course(...lags: (number | null | 'leads')[]): string {
  let state: WithinLag = new Map()
  const verdicts = lags.map((lag) => {
    const isLeader = lag === 'leads'
    state = lagStep(state, [sampleMember('a', { lagBytes: isLeader || lag === null ? null : lag * MB, isLeader })], MAX)
    return { true: 'fit', false: 'out', undefined: 'unknown' }[String(state.get('a'))] ?? ''
  })
  return verdicts.join(' ')
}

describe('a limit of 16 MB', () => {
  const rows: readonly [string, Parameters<typeof course>, string][] = [
    ['lets in who is below it', [0, 15.9], 'fit fit'],
    ['lets in who is exactly at it', [16], 'fit'],
    ['keeps out who is above it', [16.1, 100], 'out out'],
    ['lets in again at 80 % of it, and not before', [17, 16, 14, 12.9, 12.8], 'out out out out fit'],
    ['keeps who is between, once in', [10, 14, 16, 16.1, 14, 12], 'fit fit fit out out fit'],
    ['keeps what was where the lag is not known', [10, null, 17, null, null, 10], 'fit fit out out out fit'],
    ['does not let in whose lag was never known', [null, null, 1], 'unknown unknown fit'],
    ['forgets what was of a member that has led', [10, 'leads', null, 17], 'fit unknown unknown out'],
  ]
  for (const [title, lags, expected] of rows) test(title, () => assert.equal(course(...lags), expected))

  test('forgets a member that has gone', () => {
    const left = lagStep(new Map([['a', true]]), [], MAX)
    assert.equal(left.size, 0)
  })
})

test('without a limit every replica is within it, known or not', () => {
  const members = [sampleMember('a', { lagBytes: 1e15 }), sampleMember('b', { lagBytes: null })]
  assert.deepEqual(
    [...lagStep(new Map(), members, null)],
    [
      ['a', true],
      ['b', true],
    ],
  )
})

test('a limit of 0 lets in a replica that has replayed everything', () => {
  const at = (lagBytes: number, before: WithinLag): WithinLag => lagStep(before, [sampleMember('a', { lagBytes })], 0)
  assert.equal(at(0, new Map()).get('a'), true)
  assert.equal(at(1, new Map([['a', true]])).get('a'), false)
  assert.equal(at(0, new Map([['a', false]])).get('a'), true)
})

test('a lag that moves around the limit for 60 s changes nothing but where it crosses the whole band', () => {
  let state: WithinLag = new Map()
  const seen = { changes: 0, crossings: 0 }
  let wasAbove = false
  for (let ms = 0; ms <= 60_000; ms += 100) {
    // Three times up and down through the band, and on the way to and fro across the limit all the time.
    const swing = -4 * MB * Math.cos((ms / 20_000) * 2 * Math.PI)
    const lagBytes = MAX + swing + 1.5 * MB * Math.sin(ms)
    if (lagBytes > MAX !== wasAbove) seen.crossings++
    wasAbove = lagBytes > MAX
    const after = lagStep(state, [sampleMember('a', { lagBytes })], MAX)
    if (state.size > 0 && after.get('a') !== state.get('a')) seen.changes++
    state = after
  }
  assert.ok(seen.crossings > 2 * 6, `it is meant to move around the limit, and crosses it ${seen.crossings} times`)
  assert.equal(seen.changes, 6)
})

describe('why a member is out', () => {
  const rows: readonly [number | null, string][] = [
    [20 * MB, 'lag 20 MB above 16 MB'],
    [1.25 * 1024 * MB, 'lag 1.3 GB above 16 MB'],
    [16.5 * MB, 'lag 16.5 MB above 16 MB'],
    [14 * MB, 'lag 14 MB, was above 16 MB, back at 12.8 MB'],
    [null, 'its lag is not known'],
  ]
  for (const [lagBytes, expected] of rows) {
    test(expected, () => assert.equal(whyLagging(sampleMember('a', { lagBytes }), MAX), expected))
  }
  test('small ones', () => {
    assert.equal(whyLagging(sampleMember('a', { lagBytes: 2048 }), 1000), 'lag 2 kB above 1000 bytes')
  })
})
