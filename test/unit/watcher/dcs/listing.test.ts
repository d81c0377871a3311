/** Which of several whole lists of keys count. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RouterError } from '../../../../src/errors.ts'
import { ListedKeys, type Listing, wentBack } from '../../../../src/watcher/dcs/listing.ts'

const listing = (index: number, value: string, modified = index): Listing => ({
  ...{ clusterId: 'c1', index },
  keys: new Map([['/k', { value, session: '1', modified }]]),
})
const valueOf = ({ keys }: Pick<Listing, 'keys'>): string => keys.get('/k')?.value ?? ''

/** Lists that are read in the order given; the value is what is known. */
function scene(first: Listing) {
  let value = ''
  const reads: Promise<Listing>[] = []
  const keys = new ListedKeys<string, null>(first, {
    read: () => reads.shift() ?? Promise.reject(new Error('nothing to read')),
    apply(listed) {
      const before = value
      value = valueOf({ keys: listed })
      return value !== before
    },
    isUrgent: (before, after) => valueOf(before) !== valueOf(after),
    tell: () => value,
  })
  const known = (): string => keys.tell({ endpoint: '', restored: false, notices: [] })
  const begin = (): { readonly end: (list: Listing) => Promise<boolean> } => {
    const { promise, resolve } = Promise.withResolvers<Listing>()
    reads.push(promise)
    const reading = keys.read(null)
    return {
      end: async (list) => {
        resolve(list)
        return keys.onRead(await reading)
      },
    }
  }
  return { keys, known, begin, read: async (list: Listing) => begin().end(list) }
}

describe('whole lists of keys', () => {
  test('are taken in the order of their indexes; an older one, and an equal one, is no news', () => {
    const { keys, known } = scene(listing(5, 'a'))
    assert.equal(known(), 'a')
    assert.equal(keys.onEvents(listing(4, 'old')), false)
    assert.deepEqual([known(), keys.position.index], ['a', 5])
    assert.equal(keys.onEvents(listing(6, 'a')), false)
    assert.equal(keys.onEvents(listing(7, 'b')), true)
    assert.deepEqual([known(), keys.position.index], ['b', 7])
  })

  test('say what is urgent against the last one that was taken', () => {
    const { keys } = scene(listing(5, 'a'))
    assert.deepEqual([keys.isUrgent(listing(6, 'a')), keys.isUrgent(listing(6, 'b'))], [false, true])
  })

  test('of a read confirm, also where those of the watch are newer meanwhile', async () => {
    const { keys, known, begin } = scene(listing(5, 'a'))
    const reading = begin()
    keys.onEvents(listing(7, 'c'))
    assert.equal(await reading.end(listing(6, 'b')), true)
    assert.deepEqual([known(), keys.position.index], ['c', 7])
  })

  test('of a read that was begun after the last one was taken count though their index is lower', async () => {
    const { keys, known, read } = scene(listing(5, 'a'))
    assert.equal(await read(listing(3, 'z')), true)
    assert.deepEqual([known(), keys.position.index], ['z', 3])
  })

  test('of a read show what the watch misses once, and twice in a row is stale', async () => {
    const { known, read } = scene(listing(5, 'a'))
    await read(listing(6, 'b'))
    assert.equal(known(), 'b')
    await assert.rejects(
      read(listing(6, 'b')),
      new RouterError('DCS_STALE', 'the watch misses a change that a read shows'),
    )
  })

  test('of the watch, even late ones, say that it is not silent', async () => {
    const { keys, known, read } = scene(listing(5, 'a'))
    await read(listing(7, 'b'))
    keys.onEvents(listing(6, 'x'))
    assert.equal(known(), 'b')
    await read(listing(8, 'c'))
    keys.onEvents(listing(8, 'c'))
    await read(listing(8, 'c'))
    assert.equal(known(), 'c')
  })

  test('that a read shows unchanged are no change that the watch misses', async () => {
    const { read } = scene(listing(5, 'a'))
    for (let round = 0; round < 3; round++) assert.equal(await read(listing(9, 'a')), true)
  })
})

test('a list of another history shows in its ID, or in a key that is older than it was', () => {
  const seen = listing(9, 'a', 7)
  assert.equal(wentBack({ ...listing(9, 'a', 7), clusterId: 'c2' }, seen), true)
  assert.equal(wentBack(listing(9, 'a', 6), seen), true)
  assert.equal(wentBack(listing(9, 'a', 7), seen), false)
  assert.equal(wentBack(listing(3, 'b', 8), seen), false)
  assert.equal(wentBack({ ...seen, keys: new Map() }, seen), false)
})
