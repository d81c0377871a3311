import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from './call.ts'

test('json gives what the text says', () => {
  const value = run('json', ['{"id":"host1","ports":[80,443],"up":true,"none":null}'])
  assert.equal(JSON.stringify(value), '{"id":"host1","ports":[80,443],"up":true,"none":null}')
})

test('the result of json has no prototype at any depth, and a name __proto__ is a name', () => {
  const value = run('json', ['{"a":[{"__proto__":{"polluted":true}}]}']) as { a: Record<string, unknown>[] }
  const [item = {}] = value.a
  assert.equal(Object.getPrototypeOf(value), null)
  assert.equal(Object.getPrototypeOf(item), null)
  assert.deepEqual(Object.keys(item), ['__proto__'])
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
})

test('a number that is too long to be exact stays the text that it is', () => {
  const value = run('json', ['{"system":7012345678901234567,"port":5432,"share":0.5}']) as Record<string, unknown>
  assert.equal(value['system'], '7012345678901234567')
  assert.equal(value['port'], 5432)
  assert.equal(value['share'], 0.5)
})

test('text that is not JSON is an error that does not show the text', () => {
  assert.throws(
    () => run('json', ['{"password": "secret"']),
    (error: Error) => {
      assert.equal(error.name, 'HelperError')
      assert.equal(error.message, 'the text is not JSON')
      assert.equal(error.cause, undefined)
      return true
    },
  )
})

test('JSON that is nested too deeply is refused', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
  assert.ok(run('json', [nested(64)]))
  for (const depth of [65, 5_000])
    assert.throws(() => run('json', [nested(depth)]), { message: 'the JSON is nested more than 64 deep' })
})

test('jsonArray is for lists only', () => {
  assert.deepEqual(run('jsonArray', ['["a","b"]']), ['a', 'b'])
  assert.throws(() => run('jsonArray', ['{"a":1}']), { message: 'the JSON is a record, not a list' })
})
