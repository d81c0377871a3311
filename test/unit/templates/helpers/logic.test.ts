import assert from 'node:assert/strict'
import { test } from 'node:test'
import { named, run } from './call.ts'

const GIVES: readonly (readonly [helper: string, args: readonly unknown[], result: unknown])[] = [
  ['eq', ['a', 'a'], true],
  ['eq', ['a', 'b'], false],
  ['eq', ['c', 'a', 'b', 'c'], true],
  ['eq', [5432, '5432'], true],
  ['eq', [true, 'true'], true],
  ['eq', [null, null], true],
  ['eq', [null, ''], false],
  ['eq', [0, null], false],
  ['ne', ['a', 'b'], true],
  ['ne', ['a', 'a'], false],
  ['lt', [1, 2], true],
  ['lt', [10, 9], false],
  ['lt', ['10', '9'], true],
  ['le', [2, 2], true],
  ['gt', ['b', 'a'], true],
  ['ge', [1, 2], false],
  ['lt', ['\uffff', '😀'], true],
  ['not', [''], true],
  ['not', [0], true],
  ['not', [[]], true],
  ['not', [{}], true],
  ['not', ['0'], false],
  ['and', [1, 'x', 'y'], 'y'],
  ['and', [1, '', 'y'], ''],
  ['and', [null, 'y'], null],
  ['and', [{}, 'y'], false],
  ['or', [{}, false], false],
  ['or', [false, {}], false],
  ['or', ['', 0, 'x'], 'x'],
  ['or', ['', 0, false], false],
  ['or', [null, null], null],
  ['default', [null, 'x'], 'x'],
  ['default', ['', 'x'], 'x'],
  ['default', [0, 'x'], 0],
  ['default', [false, 'x'], false],
  ['default', ['a', 'x'], 'a'],
]
for (const [helper, args, result] of GIVES) {
  test(`${helper} ${args.map((arg) => JSON.stringify(arg)).join(' ')} is ${JSON.stringify(result)}`, () => {
    assert.equal(run(helper, args), result)
  })
}

test('values without an order are not ordered', () => {
  const message = 'one of the values is not there: `default` gives it one'
  assert.throws(() => run('lt', [null, 5]), { name: 'HelperError', message })
  assert.throws(() => run('gt', [5, '4']), {
    message: 'a number and a text have no order (atoi makes a number of a text)',
  })
  assert.throws(() => run('eq', [['a'], 'a']), { message: 'a list cannot be compared' })
})

test('default is of the kind of what it stands for', () => {
  const lag = { kind: 'maybe', of: { kind: 'number' }, absent: 'it is not known' } as const
  assert.deepEqual(named('default').returns([lag, { kind: 'number' }]), { kind: 'number' })
  assert.deepEqual(named('default').returns([lag, { kind: 'text' }]), { kind: 'any' })
  assert.deepEqual(named('or').returns([{ kind: 'number' }, lag]), lag)
})
