/** What is noted of values that are read. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TRUSTED } from '../../../../src/templates/engine/sources.ts'
import { type Home, Reads, Tracked, type Value } from '../../../../src/templates/engine/tracked.ts'

const HOME: Home = { hidden: new Set(), known: () => undefined }

/** Whether, after these reads of the first, the second is the same. */
function isSame(first: object, second: unknown, read: (tracked: Tracked) => unknown): boolean {
  const reads = new Reads(first)
  read(new Tracked(first, TRUSTED, HOME, reads))
  return reads.isSame(second)
}

function below(value: Value | undefined): Tracked {
  return value instanceof Tracked ? value : assert.fail('not a list or a record')
}

test('what was not read does not matter', () => {
  assert.equal(
    isSame({ a: 1, b: 2 }, { a: 1, b: 3, c: 4 }, (value) => value.get('a')),
    true,
  )
  assert.equal(
    isSame({ a: 1 }, { a: 2 }, (value) => value.get('a')),
    false,
  )
})

test('what was not there is noted', () => {
  assert.equal(
    isSame({}, { a: null }, (value) => value.get('a')),
    false,
  )
  assert.equal(
    isSame({ a: null }, {}, (value) => value.get('a')),
    false,
  )
  assert.equal(
    isSame({}, { a: {} }, (value) => value.get('a')),
    false,
  )
  assert.equal(
    isSame({}, { b: 1 }, (value) => value.get('a')),
    true,
  )
})

test('a list is not a record, and neither is a scalar', () => {
  const read = (value: Tracked): unknown => value.get('a')
  assert.equal(isSame({ a: [] }, { a: {} }, read), false)
  assert.equal(isSame({ a: {} }, { a: null }, read), false)
  assert.equal(isSame({ a: null }, { a: {} }, read), false)
  assert.equal(isSame({ a: 'x' }, { a: [] }, read), false)
  assert.equal(isSame({ a: [] }, { a: [1] }, read), true)
})

test('a list has a length and items', () => {
  const length = (value: Tracked): unknown => below(value.get('a')).length
  assert.equal(isSame({ a: [1] }, { a: [2] }, length), true)
  assert.equal(isSame({ a: [1] }, { a: [1, 2] }, length), false)
  assert.equal(
    isSame({ a: [1, 2] }, { a: [1, 3] }, (value) => below(value.get('a')).at(1)),
    false,
  )
  assert.equal(
    isSame({ a: [] }, { a: [1] }, (value) => below(value.get('a')).at(0)),
    false,
  )
})

test('the names of a record count where they were asked for', () => {
  assert.equal(
    isSame({ a: 1 }, { a: 2 }, (value) => value.names()),
    true,
  )
  assert.equal(
    isSame({ a: 1 }, { a: 1, b: 1 }, (value) => value.names()),
    false,
  )
})

test('nothing is inherited', () => {
  const value = new Tracked(Object.create({ a: 1 }) as object, TRUSTED, HOME, null)
  for (const name of ['a', 'constructor', '__proto__', 'toString']) assert.equal(value.get(name), undefined)
  assert.equal(new Tracked([], TRUSTED, HOME, null).get('length'), undefined)
})
