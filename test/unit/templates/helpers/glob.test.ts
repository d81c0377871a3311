import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileGlob } from '../../../../src/templates/helpers/glob.ts'

/** Rows of Go's own table: https://go.dev/src/path/match_test.go */
const MATCHES: readonly (readonly [pattern: string, name: string, isMatch: boolean])[] = [
  ['abc', 'abc', true],
  ['*', 'abc', true],
  ['*c', 'abc', true],
  ['a*', 'a', true],
  ['a*', 'abc', true],
  ['a*', 'ab/c', false],
  ['a*/b', 'abc/b', true],
  ['a*/b', 'a/c/b', false],
  ['a*b*c*d*e*/f', 'axbxcxdxe/f', true],
  ['a*b*c*d*e*/f', 'axbxcxdxexxx/f', true],
  ['a*b*c*d*e*/f', 'axbxcxdxe/xxx/f', false],
  ['a*b*c*d*e*/f', 'axbxcxdxexxx/fff', false],
  ['a*b?c*x', 'abxbbxdbxebxczzx', true],
  ['a*b?c*x', 'abxbbxdbxebxczzy', false],
  ['ab[c]', 'abc', true],
  ['ab[b-d]', 'abc', true],
  ['ab[e-g]', 'abc', false],
  ['ab[^c]', 'abc', false],
  ['ab[^b-d]', 'abc', false],
  ['ab[^e-g]', 'abc', true],
  ['a\\*b', 'a*b', true],
  ['a\\*b', 'ab', false],
  ['a?b', 'a☺b', true],
  ['a[^a]b', 'a☺b', true],
  ['a???b', 'a☺b', false],
  ['a[^a][^a][^a]b', 'a☺b', false],
  ['[a-ζ]*', 'α', true],
  ['*[a-ζ]', 'A', false],
  ['a?b', 'a/b', false],
  ['a*b', 'a/b', false],
  ['[\\]a]', ']', true],
  ['[\\-]', '-', true],
  ['[x\\-]', 'x', true],
  ['[x\\-]', '-', true],
  ['[x\\-]', 'z', false],
  ['[\\-x]', 'x', true],
  ['[\\-x]', 'a', false],
  ['*x', 'xxx', true],
  ['/db/*', '/db/host', true],
  ['/db/*', '/db/host/name', false],
  ['/db/*', '/db', false],
  ['/*/*', '/db/host', true],
  ['', '', true],
  ['', 'a', false],
]
for (const [pattern, name, isMatch] of MATCHES) {
  test(`${pattern || 'nothing'} ${isMatch ? 'matches' : 'does not match'} ${name || 'nothing'}`, () => {
    assert.equal(compileGlob(pattern)(name), isMatch)
  })
}

for (const pattern of ['[]a]', '[-]', '[x-]', '[-x]', 'a[', '[a-b-c]', '[', '[^', '[^bc', 'a\\', '[a-']) {
  test(`${pattern} is a malformed pattern`, () => {
    assert.throws(() => compileGlob(pattern), { name: 'HelperError', message: /^malformed pattern: / })
  })
}

test('a pattern of many stars takes no time that grows with their number', { timeout: 5_000 }, () => {
  assert.equal(compileGlob('*a'.repeat(30) + 'b')('a'.repeat(5_000)), false)
})
