import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  FIRST_OPENING,
  FIRST_PACE,
  MAX_OPENING,
  openingFor,
  type Pace,
  paceAfter,
  paceAfterFailure,
  SILENT_MS,
} from '../../../src/proxy/release-pace.ts'

/** At 40 opening, where answers took 50 ms at best. */
const STEADY: Pace = { opening: 40, threshold: MAX_OPENING, bestMs: 50, lastMs: 50 }
const SLOWED: Pace = { ...STEADY, threshold: 40 }

for (const [fact, pace, answersMs, opening, threshold] of [
  ['the first round sets the measure and no more', FIRST_PACE, [50], 16, 256],
  ['as quick as before: twice as many', STEADY, [50], 80, 256],
  ['quicker than ever: twice as many', STEADY, [20], 80, 256],
  ['hardly slower: twice as many', STEADY, [62], 80, 256],
  ['a little slower: as many', STEADY, [70], 40, 256],
  ['slower in proportion: as many as it answered in the time that is steady', STEADY, [80], 31, 31],
  ['much slower: half at most', STEADY, [900], 20, 20],
  ['never more than the most', { ...STEADY, opening: 200 }, [50], 256, 256],
  ['never fewer than at first', { ...STEADY, opening: 20 }, [900], 16, 16],
  ['as quick as ever where it became slower before: a quarter more', SLOWED, [50], 50, 40],
  ['below where it became slower before: not beyond that', { ...SLOWED, opening: 30 }, [50], 40, 40],
  ['a millisecond more is no slowness', { ...STEADY, bestMs: 1 }, [5], 80, 256],
  ['no answer: as at first, and no doubling', STEADY, [SILENT_MS], 16, 16],
  ['silent clients among others do not count', STEADY, [50, 50, SILENT_MS, SILENT_MS], 80, 256],
  ['answers that were late for themselves do not count', STEADY, [50, 400, 55, 300, 60, 500, 60, 700], 80, 256],
] as const) {
  test(`the pace: ${fact}`, () => {
    const after = paceAfter(pace, answersMs)
    assert.deepEqual({ opening: after.opening, threshold: after.threshold }, { opening, threshold })
  })
}

test('a failed connect begins again, and doubles up to half of what was opened before', () => {
  assert.deepEqual(paceAfterFailure({ ...STEADY, opening: 200 }), { ...FIRST_PACE, threshold: 100 })
  assert.deepEqual(paceAfterFailure(FIRST_PACE), { ...FIRST_PACE, threshold: FIRST_OPENING })
})

for (const [fact, lastMs, waiting, expected] of [
  ['nothing is known of the server yet', null, [{ place: 5000, leftMs: 10 }], 40],
  ['there is time enough', 50, [{ place: 1000, leftMs: 10_000 }], 40],
  ['the last one would be refused', 50, [{ place: 5000, leftMs: 2550 }], 100],
  ['those in the middle would be refused', 50, [{ place: 1000, leftMs: 550 }, { place: 5000, leftMs: 40_000 }], 100], // prettier-ignore
  ['one would be refused at once: no more than those before it', 50, [{ place: 100, leftMs: 0 }], 100],
  ['no one waits', 50, [], 40],
] as const) {
  test(`as many are opened as the deadlines need: ${fact}`, () => {
    assert.equal(openingFor({ ...STEADY, lastMs }, waiting), expected)
  })
}

/** Returns the paces of so many rounds with a server that answers in `ms` as long as no more than `atATime` are opened. */
function rounds(count: number, ms: number, atATime: number): readonly number[] {
  let pace = FIRST_PACE
  return Array.from({ length: count }, () => {
    const answer = ms * Math.max(1, pace.opening / atATime)
    pace = paceAfter(pace, Array<number>(pace.opening).fill(answer))
    return pace.opening
  })
}

test('a server that answers all at the same time is given the most after a few rounds', () => {
  assert.deepEqual(rounds(6, 50, Infinity), [16, 32, 64, 128, 256, 256])
})

for (const atATime of [1, 4, 16, 40, 100]) {
  test(`a server that answers ${atATime} at a time is given about as many, and never long more than twice`, () => {
    const settled = rounds(200, 50, atATime).slice(20)
    const least = Math.max(FIRST_OPENING, atATime)
    assert.ok(Math.min(...settled) >= Math.min(least, MAX_OPENING), `${Math.min(...settled)}`)
    assert.ok(Math.max(...settled) <= least * 1.6, `${Math.max(...settled)}`)
  })
}
