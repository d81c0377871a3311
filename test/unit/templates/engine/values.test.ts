/** What a rendering knows of its values. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UnsafeText } from '../../../../src/templates/engine/unsafe.ts'
import { fieldOf, Marks, namesIn, type ValueRecord } from '../../../../src/templates/engine/values.ts'

const KEY = new UnsafeText('a b', [{ kind: 'key', key: '/a' }])
const OTHER = new UnsafeText('c d', [{ kind: 'key', key: '/c' }])

test('nothing is inherited', () => {
  const value = Object.create({ a: 1 }) as ValueRecord
  for (const name of ['a', 'constructor', '__proto__', 'toString']) assert.equal(fieldOf(value, name), undefined)
  assert.deepEqual(namesIn(value), [])
})

test('a value made of unsafe texts is marked at any depth, once, and frozen', () => {
  const marks = new Marks()
  const made = { safe: 'x', list: ['a b', { 'x y': 'p q' }], number: 1 }
  marks.take(made, [KEY, OTHER])
  const [first, inner] = made.list as unknown as [UnsafeText, ValueRecord]
  assert.deepEqual([first.text, first.origins], ['a b', KEY.origins])
  assert.deepEqual((inner['x y'] as UnsafeText).origins, [...KEY.origins, ...OTHER.origins])
  assert.deepEqual(marks.nameIn(inner, 'x y'), new UnsafeText('x y', [...KEY.origins, ...OTHER.origins]))
  assert.deepEqual([made.safe, made.number, marks.nameIn(made as never, 'list')], ['x', 1, 'list'])
  assert.ok(Object.isFrozen(made) && Object.isFrozen(made.list) && Object.isFrozen(inner))
  assert.deepEqual(
    marks.unsafeIn([made]).map(({ text }) => text),
    ['a b', 'x y', 'p q'],
  )
})

test('a name and a text are of the one that they equal', () => {
  const marks = new Marks()
  const made = { 'a b': 'c d' } as unknown as ValueRecord
  marks.take(made, [KEY, OTHER])
  assert.deepEqual([marks.nameIn(made, 'a b'), made['a b']], [KEY, OTHER])
})

test('an earlier value is not marked by the value that it is put into', () => {
  const marks = new Marks()
  const own = { text: 'the; operator' }
  marks.take(own, [])
  marks.take([own, 'a b'], [KEY])
  assert.deepEqual(own, { text: 'the; operator' })
  assert.deepEqual(marks.unsafeIn([own]), [])
})
