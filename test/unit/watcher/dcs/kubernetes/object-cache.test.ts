/** Objects that a watch and lists beside it show, in any order of arrival. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ObjectCache } from '../../../../../src/watcher/dcs/kubernetes/object-cache.ts'
import type { KubeObject, ObjectList } from '../../../../../src/watcher/dcs/kubernetes/objects.ts'

function object(name: string, version: number): KubeObject {
  return { name, version, annotations: {}, labels: {} }
}

function list(version: number, ...objects: readonly KubeObject[]): ObjectList {
  return { version, objects, next: null }
}

function begun(): ObjectCache {
  const cache = new ObjectCache()
  cache.begin(list(10, object('a', 5), object('b', 7)))
  return cache
}

function shown({ objects }: ObjectCache): string {
  return [...objects.values()].map(({ name, version }) => `${name}${version}`).join(' ')
}

describe('the objects of one resource', () => {
  test('follow the watch, from the version of the list on', () => {
    const cache = begun()
    assert.equal(cache.watched, 10)
    cache.apply({ type: 'set', object: object('a', 11) })
    cache.apply({ type: 'deleted', object: object('b', 12) })
    cache.apply({ type: 'bookmark', version: 20 })
    assert.equal(shown(cache), 'a11')
    assert.deepEqual([cache.watched, cache.version], [20, 20])
  })

  test('follow a list that is ahead of the watch, which adds nothing old afterwards', () => {
    const cache = begun()
    cache.take(list(15, object('a', 14)))
    assert.equal(shown(cache), 'a14')
    cache.apply({ type: 'set', object: object('a', 11) })
    cache.apply({ type: 'set', object: object('b', 12) })
    assert.equal(shown(cache), 'a14')
    assert.equal(cache.watched, 12)
  })

  test('follow no list that is behind the watch', () => {
    const cache = begun()
    cache.apply({ type: 'set', object: object('a', 14) })
    cache.apply({ type: 'deleted', object: object('b', 15) })
    cache.apply({ type: 'set', object: object('c', 16) })
    cache.take(list(12, object('a', 5), object('b', 7)))
    assert.equal(shown(cache), 'a14 c16')
  })

  test('follow no list that is older than another one', () => {
    const cache = begun()
    cache.take(list(20, object('a', 5)))
    cache.take(list(15, object('a', 5), object('b', 7)))
    assert.equal(shown(cache), 'a5')
  })

  test('are there again when they were made again', () => {
    const cache = begun()
    cache.apply({ type: 'deleted', object: object('a', 12) })
    cache.apply({ type: 'set', object: object('a', 13) })
    cache.take(list(14, object('a', 13), object('b', 7)))
    assert.equal(shown(cache), 'b7 a13')
  })

  const silent = /the watch misses a change that a read shows/
  for (const [what, listed, event] of [
    ['a change', list(15, object('a', 14), object('b', 7)), { type: 'set', object: object('a', 14) }],
    ['a new one', list(15, object('a', 5), object('b', 7), object('c', 14)), { type: 'set', object: object('c', 14) }],
    ['a deletion', list(15, object('a', 5)), { type: 'deleted', object: object('b', 13) }],
  ] as const) {
    test(`have a silent watch when ${what} is in a list, and at the next one still not in the watch`, () => {
      const cache = begun()
      cache.check(listed)
      assert.throws(() => cache.check(listed), silent)
    })

    test(`have no silent watch when it shows ${what} in between, or began again`, () => {
      const cache = begun()
      cache.check(listed)
      cache.apply(event)
      cache.check(listed)
      const other = begun()
      other.check(listed)
      other.begin(listed)
      other.check(listed)
    })
  }

  test('have no silent watch where nothing but the version of the list grows', () => {
    const cache = begun()
    for (const version of [20, 30, 40]) cache.check(list(version, object('a', 5), object('b', 7)))
    assert.equal(cache.version, 40)
  })

  test('that have versions without an order are as the last source shows them', () => {
    const cache = new ObjectCache()
    cache.begin(list(0, object('a', 0)))
    const changed = { ...object('a', 0), annotations: { leader: 'x' } }
    cache.take(list(0, changed))
    assert.deepEqual(cache.objects.get('a'), changed)
    cache.apply({ type: 'deleted', object: object('a', 0) })
    assert.equal(cache.objects.size, 0)
  })
})
