import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shorten, shortenMiddle, visible, visibleJson, widthOf, wrap, wrapNames } from '../../../src/text/terminal.ts'

test('shows control, format and invisible characters instead of sending them to the terminal', () => {
  const cases: readonly (readonly [text: string, shown: string])[] = [
    ['pg1', 'pg1'],
    ['\x1b[2J\x07', '\\x1b[2J\\x07'],
    ['a\r\nb\tc', 'a\\x0d\\x0ab\\x09c'],
    ['\u009b31m\u007f', '\\x9b31m\\x7f'],
    ['\u202egp\u2066', '\\u202egp\\u2066'],
    ['a\u200bb\ufeff', 'a\\u200bb\\ufeff'],
    ['a\u2028b\u00a0c', 'a\\u2028b\\xa0c'],
    ['\u{e0041}', '\\u{e0041}'],
    ['\ud800', '\\ud800'],
    ['e\u0301', 'é'],
    ['a\u0336\u0336', 'a\\u0336\\u0336'],
    ['Zürich 東京', 'Zürich 東京'],
    // From right to left: the columns beside it would change places.
    ['\u05d0\u05d1 1', '\\u05d0\\u05d1 1'],
    ['\u0645\ufefb', '\\u0645\\ufefb'],
    // As wide as a terminal likes.
    ['\u{1f1e9}\u{1f1ea}', '\\u{1f1e9}\\u{1f1ea}'],
    ['\u{1f44d}\u{1f3fd}', '\u{1f44d}\\u{1f3fd}'],
    ['\u{1f468}\u200d\u{1f4bb}', '\u{1f468}\\u200d\u{1f4bb}'],
    ['\u1161', '\\u1161'],
    ['\u1112\u1161\u11ab', '한'],
  ]
  for (const [text, shown] of cases) assert.equal(visible(text), shown)
})

test('escapes the same in JSON without changing what it says', () => {
  const value = { 'k\u009b': 'a\x1b\u202e\u{e0041}\ud800 東京', list: [1, null] }
  const json = visibleJson(value)
  assert.match(json, /^[\x20-\x7e東京]+$/)
  assert.deepEqual(JSON.parse(json), value)
})

test('counts wide characters as two columns', () => {
  assert.equal(widthOf('pg1'), 3)
  assert.equal(widthOf('東京'), 4)
  assert.equal(widthOf('ü'), 1)
  for (const wide of ['한', 'ひ', 'ー', '\u3105', '\ua000', '（', '\u{1f600}', '\u{1f21a}', '\u{20000}', '\u{17000}'])
    assert.equal(widthOf(wide), 2, wide)
  for (const narrow of ['\uff71', '\uffa1', '→', 'Ω', '\u2665', '\u{1f5a5}']) assert.equal(widthOf(narrow), 1, narrow)
})

test('shortens to a width, and says so', () => {
  assert.equal(shorten('pg-primary', 10), 'pg-primary')
  assert.equal(shorten('pg-primary1', 10), 'pg-prim...')
  assert.equal(shorten('東京東京東京', 8), '東京...')
})

test('shortens in the middle', () => {
  assert.equal(shortenMiddle('db-prod-cluster-node01', 16), 'db-prod...node01')
  assert.equal(shortenMiddle('東京東京東京', 9), '東京...京')
  assert.equal(shortenMiddle('pg1', 3), 'pg1')
})

test('breaks lines at spaces, and words that are too long', () => {
  assert.equal(wrap(' DCS ', 'one two three', 12, '     '), ' DCS one two\n     three')
  assert.equal(wrap('', 'x'.repeat(20), 12, '  '), `${'x'.repeat(9)}...`)
})

test('shortens names that are too long for a line in the middle', () => {
  assert.equal(wrapNames(' Host ', 'pg-very-long-name-1:5432', 20, '      '), ' Host pg-ver...:5432')
  assert.equal(wrapNames('', 'a pg-node-1', 12, '  '), 'a pg-node-1')
})
