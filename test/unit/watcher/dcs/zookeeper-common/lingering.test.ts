import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ListedKey } from '../../../../../src/watcher/dcs/listing.ts'
import { LINGER_MS, Lingering } from '../../../../../src/watcher/dcs/zookeeper-common/lingering.ts'

const MEMBERS = '/service/demo/members/'
const key = (modified: number): ListedKey => ({ value: String(modified), session: '1', modified })
const keys = (names: Readonly<Record<string, number>>): ReadonlyMap<string, ListedKey> =>
  new Map(Object.entries(names).map(([name, modified]) => [name, key(modified)]))
const A = `${MEMBERS}a`
const LEADER = '/service/demo/leader'

test('a member that is made again in time was never gone', () => {
  const lingering = new Lingering(MEMBERS)
  assert.deepEqual(lingering.apply(keys({ [A]: 1 }), 0), keys({ [A]: 1 }))
  assert.deepEqual(lingering.apply(keys({}), 10), keys({ [A]: 1 }))
  assert.equal(lingering.dueAt, 10 + LINGER_MS)
  assert.deepEqual(lingering.apply(keys({ [A]: 3 }), 40), keys({ [A]: 3 }))
  assert.equal(lingering.dueAt, null)
  assert.deepEqual(lingering.apply(keys({ [A]: 3 }), 1000), keys({ [A]: 3 }))
})

test('a member that is not made again is gone when its time is over, however often it is looked at', () => {
  const lingering = new Lingering(MEMBERS)
  lingering.apply(keys({ [A]: 1 }), 0)
  for (const now of [10, 100, 10 + LINGER_MS - 1]) assert.deepEqual(lingering.apply(keys({}), now), keys({ [A]: 1 }))
  assert.deepEqual(lingering.apply(keys({}), 10 + LINGER_MS), keys({}))
  assert.equal(lingering.dueAt, null)
  assert.deepEqual(lingering.apply(keys({}), 11 + LINGER_MS), keys({}))
})

test('the leader, and whatever is no member, is gone at once', () => {
  const lingering = new Lingering(MEMBERS)
  lingering.apply(keys({ [LEADER]: 1, '/service/demo/members': 1, [A]: 1 }), 0)
  assert.deepEqual(
    lingering.apply(keys({ '/service/demo/members': 1 }), 1),
    keys({ '/service/demo/members': 1, [A]: 1 }),
  )
})
