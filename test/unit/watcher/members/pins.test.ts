/** What the names of a member lead to, and where it is asked and dialled. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  afterLookup,
  askedAt,
  astray,
  hasMovedFrom,
  hostOf,
  placeOf,
  type Standing,
} from '../../../../src/watcher/members/pins.ts'

const pin = new Map([['db1', '10.0.0.1']])

describe('a lookup', () => {
  for (const [title, addresses, expected] of [
    ['of the same address changes nothing', ['10.0.0.1'], '10.0.0.1'],
    ['in another order changes nothing', ['10.0.0.2', 'fd00::1', '10.0.0.1'], '10.0.0.1'],
    ['without an answer takes nothing away', [], '10.0.0.1'],
    ['that no longer has the address drops it', ['10.0.0.2'], undefined],
    ['of the other family alone drops it', ['fd00::1'], undefined],
  ] as const) {
    test(title, () => assert.equal(afterLookup(pin, 'db1', addresses).get('db1'), expected))
  }

  test('of another name, or of one that was never confirmed, says nothing', () => {
    assert.equal(afterLookup(pin, 'db2', ['10.0.0.2']), pin)
  })
})

describe('a name is astray', () => {
  for (const [title, host, addresses, expected] of [
    [
      'where it leads elsewhere than to the address in use',
      'db1',
      ['10.0.0.3', '10.0.0.2'],
      'db1 resolves to 10.0.0.2, 10.0.0.3,',
    ],
    ['not where it leads there as well', 'db1', ['10.0.0.2', '10.0.0.1'], null],
    ['not where the DNS gives no answer', 'db1', [], null],
    ['not where nothing has been proved by it', 'db2', ['10.0.0.2'], null],
  ] as const) {
    test(title, () => {
      const notice = astray('pg1', pin, [[host, addresses]])
      assert.equal(notice?.subject ?? null, expected === null ? null : 'pg1')
      assert.ok(expected === null || notice?.message.startsWith(`${expected} where pg1 does not answer`))
    })
  }
})

describe('a member is asked', () => {
  const all = ['10.0.0.2', '10.0.0.1', 'fd00::1']
  const rows: readonly (readonly [Standing, string | undefined, readonly string[], readonly string[]])[] = [
    ['unknown', undefined, all, []],
    ['good', '10.0.0.1', ['10.0.0.1'], []],
    ['unknown', '10.0.0.1', ['10.0.0.1', '10.0.0.2', 'fd00::1'], []],
    ['down', '10.0.0.1', ['fd00::1', '10.0.0.1'], []],
    ['good', '10.0.0.9', ['10.0.0.9'], all],
    ['unknown', '10.0.0.9', ['10.0.0.9'], all],
  ]
  for (const [standing, ip, here, elsewhere] of rows) {
    test(`${standing}, confirmed at ${ip ?? 'no address'}: at ${[...here, ...elsewhere].join(', ')}`, () =>
      assert.deepEqual(askedAt(ip, all, standing), { here, elsewhere }))
  }
})

describe('a member is dialled', () => {
  for (const [host, expected] of [
    ['db1', '10.0.0.1'],
    ['db2', null],
    ['192.0.2.1', '192.0.2.1'],
    ['fd00::1', 'fd00::1'],
  ] as const) {
    test(`by ${host} at ${expected ?? 'no address'}`, () =>
      assert.equal(placeOf({ host, port: 5432 }, pin)?.host ?? null, expected))
  }
})

test('a first address is no move, another one is, and so is none', () => {
  assert.equal(hasMovedFrom(new Map(), pin), false)
  assert.equal(hasMovedFrom(pin, new Map([['db1', '10.0.0.2']])), true)
  assert.equal(hasMovedFrom(pin, new Map()), true)
})

test('the host of a URL has no brackets', () => {
  assert.equal(hostOf('http://[fd00::1]:8008'), 'fd00::1')
  assert.equal(hostOf('https://db1:8008'), 'db1')
})
