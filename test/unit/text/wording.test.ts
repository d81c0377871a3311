import assert from 'node:assert/strict'
import { test } from 'node:test'
import { age, instant } from '../../../src/text/wording.ts'

test('says how long something lasts in two units', () => {
  const cases: readonly (readonly [ms: number, text: string])[] = [
    [-5, '0.0s'],
    [400, '0.4s'],
    [9949, '9.9s'],
    [9951, '10s'],
    [59_700, '1m00s'],
    [130_000, '2m10s'],
    [11_100_000, '3h05m'],
    [352_800_000, '4d02h'],
  ]
  for (const [ms, text] of cases) assert.equal(age(ms), text)
})

test('shows times in UTC, as the log does', () => {
  assert.equal(instant(Date.UTC(2026, 10, 20, 3, 12, 44, 999)), '2026-11-20 03:12:44Z')
  assert.equal(instant(NaN), '?')
})
