import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from './call.ts'

const GIVES: readonly (readonly [helper: string, a: number, b: number, result: number])[] = [
  ['add', 5432, 1, 5433],
  ['sub', 1, 3, -2],
  ['mul', 8, 1024, 8192],
  ['div', 7, 2, 3],
  ['div', -7, 2, -3],
  ['mod', 7, 2, 1],
  ['mod', -7, 2, -1],
  ['mod', -4, 2, 0],
  ['mul', 0, -1, 0],
]
for (const [helper, a, b, result] of GIVES) {
  test(`${helper} ${a} ${b} is ${result}`, () => {
    assert.ok(Object.is(run(helper, [a, b]), result))
  })
}

test('seq counts to the last, inclusive; backwards there is nothing', () => {
  assert.deepEqual(run('seq', [3, 5]), [3, 4, 5])
  assert.deepEqual(run('seq', [-1, 1]), [-1, 0, 1])
  assert.deepEqual(run('seq', [1, 1]), [1])
  assert.deepEqual(run('seq', [5, 3]), [])
})

const REFUSED: readonly (readonly [helper: string, args: readonly unknown[], message: string])[] = [
  ['div', [1, 0], 'a division by zero'],
  ['mod', [1, 0], 'a division by zero'],
  ['add', [1, '2'], 'the second number is a text, not a number (atoi makes one of it)'],
  ['add', [1.5, 2], 'the first number is not a whole number between -(2^53-1) and 2^53-1'],
  ['add', [Number.MAX_SAFE_INTEGER, 1], 'the result is not a whole number between -(2^53-1) and 2^53-1'],
  ['mul', [2 ** 40, 2 ** 40], 'the result is not a whole number between -(2^53-1) and 2^53-1'],
  ['sub', [null, 1], 'the first number is not there'],
  ['seq', [0, 100_000], 'a sequence has 100000 numbers at most'],
  ['seq', [1, Number.MAX_SAFE_INTEGER], 'a sequence has 100000 numbers at most'],
]
for (const [helper, args, message] of REFUSED) {
  test(`${helper} ${JSON.stringify(args)}: ${message}`, () => {
    assert.throws(() => run(helper, args), { name: 'HelperError', message })
  })
}
