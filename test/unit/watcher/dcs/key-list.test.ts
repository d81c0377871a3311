import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { KeyList } from '../../../../src/watcher/dcs/key-list.ts'

type Entry = readonly [key: string, value: string, session: string]

const keys = (...entries: readonly Entry[]): ReadonlyMap<string, { value: string; session: string }> =>
  new Map(entries.map(([key, value, session]) => [key, { value, session }]))

describe('a whole list of keys', () => {
  const LIST: readonly Entry[] = [
    ['initialize', '1', '1'],
    ['leader', 'pg1', '2'],
  ]

  test('that is the same describes the same object, in whatever order', () => {
    const list = new KeyList()
    const cluster = list.apply(keys(...LIST))
    assert.equal(cluster.leader?.name, 'pg1')
    assert.equal(list.apply(keys(...LIST.toReversed())), cluster)
  })

  for (const [what, changed] of [
    ['a value', [LIST[0], ['leader', 'pg2', '2']]],
    ['the session of a key', [LIST[0], ['leader', 'pg1', '3']]],
    ['a key less', [LIST[0]]],
    ['a key more', [...LIST, ['config', '{}', '4']]],
  ] as const)
    test(`with ${what} changed describes another object`, () => {
      const list = new KeyList()
      const cluster = list.apply(keys(...LIST))
      assert.notEqual(list.apply(keys(...(changed as readonly Entry[]))), cluster)
    })

  test('with the same values of members, written again, describes the same object', () => {
    const list = new KeyList()
    const cluster = list.apply(keys(...LIST, ['members/pg1', '{}', '5']))
    assert.equal(
      list.apply(keys(['initialize', '1', '7'], ['leader', 'pg1', '2'], ['members/pg1', '{}', '9'])),
      cluster,
    )
  })

  test('in which one key has taken the place of another describes another object', () => {
    const list = new KeyList()
    const cluster = list.apply(keys(...LIST, ['members/pg1', '{}', '5']))
    assert.notEqual(list.apply(keys(...LIST, ['members/pg2', '{}', '5'])), cluster)
  })

  test('is completed once for as long as it is the same', () => {
    let count = 0
    const list = new KeyList((cluster) => {
      count++
      return { ...cluster, systemId: 'completed' }
    })
    for (let round = 0; round < 2; round++) assert.equal(list.apply(keys(...LIST)).systemId, 'completed')
    assert.equal(count, 1)
  })
})
