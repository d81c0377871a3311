import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { belowPrefix, fromRoot, type KeyRange } from '../../../../../src/watcher/dcs/etcd3/key-range.ts'
import { isWithin } from '../../../../../src/watcher/dcs/key-values.ts'

/** Whether etcd counts a key to the range. */
function holds({ first, end }: KeyRange, key: string): boolean {
  const isOpen = end.equals(Buffer.alloc(1))
  return first.compare(Buffer.from(key)) <= 0 && (isOpen || Buffer.from(key).compare(end) < 0)
}

describe('a range of keys', () => {
  test('below a prefix is what begins with it, by names without it', () => {
    const range = belowPrefix('/service/dömo/')
    assert.deepEqual(
      ['/service/dömo/', '/service/dömo/\u{10ffff}', '/service/dömo', '/service/dömo0'].map((key) => holds(range, key)),
      [true, true, false, false],
    )
    assert.equal(range.nameOf(Buffer.from('/service/dömo/leader')), 'leader')
  })

  test('of a root has the root and all below it', () => {
    const range = fromRoot('/myapp/db')
    for (const key of ['/myapp/db', '/myapp/db/', '/myapp/db/\u{10ffff}']) {
      assert.ok(holds(range, key) && isWithin('/myapp/db', key), key)
    }
    for (const key of ['/myapp/d', '/myapp/dbx', '/myapp/db0', '/myapp/dc']) assert.ok(!holds(range, key), key)
    for (const key of ['/myapp/dbx', '/myapp/db-old', '/myapp/db-old/x']) assert.ok(!isWithin('/myapp/db', key), key)
    assert.equal(range.nameOf(Buffer.from('/myapp/db/host')), '/myapp/db/host')
  })

  test('of the empty root has everything', () => {
    for (const key of ['\0', 'a', '/', '\u{10ffff}']) assert.ok(holds(fromRoot(''), key) && isWithin('', key))
  })

  test('names keys that are not UTF-8 by texts that differ, with U+FFFD', () => {
    const range = fromRoot('')
    const names = [0xfe, 0xff].map((byte) => range.nameOf(Buffer.from([0x61, byte])))
    assert.notEqual(names[0], names[1])
    assert.ok(names.every((name) => name.startsWith('a\ufffd')))
  })
})
