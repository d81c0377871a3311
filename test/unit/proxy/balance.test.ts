import assert from 'node:assert/strict'
import { test } from 'node:test'
import { roundRobin } from '../../../src/proxy/balance.ts'
import type { Target } from '../../../src/proxy/route.ts'

function targets(...names: string[]): Target[] {
  return names.map((member) => ({ member, address: { host: member, port: 5432 }, host: member, epoch: 0, basis: null }))
}

const ROWS: readonly (readonly [string[], string | null, string | null])[] = [
  [[], null, null],
  [[], 'a', null],
  [['a'], null, 'a'],
  [['a'], 'a', 'a'],
  [['a', 'b', 'c'], null, 'a'],
  [['a', 'b', 'c'], 'a', 'b'],
  [['a', 'b', 'c'], 'c', 'a'],
  [['c', 'a', 'b'], 'a', 'b'],
  [['a', 'c'], 'b', 'c'],
  [['a', 'b'], 'z', 'a'],
  [['B', 'a'], 'B', 'a'],
  [['pg10', 'pg2'], 'pg10', 'pg2'],
]
for (const [names, last, expected] of ROWS) {
  test(`of ${names.join(' ') || 'nobody'}, after ${last ?? 'nobody'}: ${expected ?? 'nobody'}`, () => {
    assert.equal(roundRobin(targets(...names), last)?.member ?? null, expected)
  })
}

test('leaves the list as it is', () => {
  const list = Object.freeze(targets('b', 'a'))
  assert.equal(roundRobin(list, null)?.member, 'a')
})
