import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration, formatSize, parseDuration, parseSize } from '../../../../src/config/values/units.ts'

const DURATIONS: readonly (readonly [unknown, number])[] = [
  ['500ms', 500],
  ['3s', 3000],
  ['1m30s', 90_000],
  ['2h', 7_200_000],
  ['1h2m3s4ms', 3_723_004],
  ['1.5s', 1500],
  ['0.5m', 30_000],
  [' 3s ', 3000],
  ['0', 0],
  [0, 0],
  ['0s', 0],
  ['596h', 2_145_600_000],
]

for (const [text, ms] of DURATIONS)
  test(`${JSON.stringify(text)} is ${ms} ms`, () => {
    assert.deepEqual(parseDuration(text), { ok: true, value: ms })
  })

const NO_DURATIONS: readonly (readonly [unknown, RegExp])[] = [
  [5, /^5 needs a unit/],
  ['30', /^"30" needs a unit/],
  [1.5, /needs a unit/],
  ['3x', /^"3x" is not a duration/],
  ['3S', /is not a duration/],
  ['s', /is not a duration/],
  ['', /is not a duration/],
  ['-1s', /is not a duration/],
  ['3s1m', /is not a duration/],
  ['1s1s', /is not a duration/],
  ['1 s', /is not a duration/],
  ['0.5ms', /is not a duration/],
  ['3d', /is not a duration/],
  [true, /^true is not a duration/],
  [null, /^nothing is not a duration/],
  [['3s'], /^a list is not a duration/],
  [{}, /^a mapping is not a duration/],
  ['597h', /too long/],
]

for (const [text, message] of NO_DURATIONS)
  test(`${JSON.stringify(text)} is no duration`, () => {
    const parsed = parseDuration(text)
    assert.ok(!parsed.ok)
    assert.match(parsed.message, message)
  })

const SIZES: readonly (readonly [unknown, number])[] = [
  ['16MB', 16 * 1024 * 1024],
  ['16 MB', 16 * 1024 * 1024],
  ['1kB', 1024],
  ['8B', 8],
  ['2GB', 2 * 1024 ** 3],
  ['1TB', 1024 ** 4],
  ['1048576', 1_048_576],
  [1_048_576, 1_048_576],
  [0, 0],
]

for (const [text, bytes] of SIZES)
  test(`${JSON.stringify(text)} is ${bytes} bytes`, () => {
    assert.deepEqual(parseSize(text), { ok: true, value: bytes })
  })

for (const text of ['16mb', '16M', 'MB', '', '-1MB', '1.5MB', -1, 1.5, true, null, '9999999TB'])
  test(`${JSON.stringify(text)} is no size`, () => {
    const parsed = parseSize(text)
    assert.ok(!parsed.ok)
    assert.match(parsed.message, /is not a size like 16MB/)
  })

test('a duration is shown as one would write it', () => {
  assert.deepEqual([0, 100, 3000, 90_000, 7_200_000, 1500].map(formatDuration), [
    '0',
    '100ms',
    '3s',
    '1m30s',
    '2h',
    '1s500ms',
  ])
})

test('a size is shown as one would write it', () => {
  assert.deepEqual([0, 8, 1000, 1024, 16 * 1024 ** 2, 1024 ** 3 + 1024 ** 2, 2 * 1024 ** 4].map(formatSize), [
    '0B',
    '8B',
    '1000B',
    '1kB',
    '16MB',
    '1025MB',
    '2TB',
  ])
})

for (const [text, meant] of [
  ['16mb', '16MB'],
  ['16M', '16MB'],
  ['16 MiB', '16MB'],
  ['1K', '1kB'],
  ['1KB', '1kB'],
  ['2g', '2GB'],
] as const)
  test(`the size ${text} is refused, with ${meant} as what may have been meant`, () => {
    const parsed = parseSize(text)
    assert.ok(!parsed.ok)
    assert.match(parsed.message, new RegExp(`did you mean "${meant}"\\?`))
  })
