import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { named, run } from './call.ts'

const NASTY = `a b"c'd\\e;f#g{h}i\`j|k&l<m> \\n %T`

const GIVES: readonly (readonly [target: string, value: unknown, result: string])[] = [
  ['haproxy', `it's $HOME "x" \\n`, `'it'\\''s $HOME "x" \\n'`],
  ['haproxy', '', `''`],
  ['haproxy', 5432, `'5432'`],
  ['nginx', `a "b" \\c 'd'; {`, `"a \\"b\\" \\\\c 'd'; {"`],
  ['pgbouncer', `it's a\\b`, `'it''s a\\b'`],
  ['ident', `my "db"`, `"my ""db"""`],
  ['libpq', `it's a\\b`, `'it\\'s a\\\\b'`],
  ['pgpass', 'a:b\\c', 'a\\:b\\\\c'],
  ['pgpass', '*', '\\*'],
  ['pgpass', '#a*#', '\\#a*#'],
  ['postgresql', `it's a\\b`, `'it''s a\\\\b'`],
  ['shell', `it's $(id) \n x`, `'it'\\''s $(id) \n x'`],
  ['json', `a"b\n\u2028\u007f`, `"a\\"b\\n\\u2028\\u007f"`],
  ['json', 5432, '5432'],
  ['json', ['a', { b: true }], '["a",{"b":true}]'],
  ['yaml', 'yes', '"yes"'],
  ['xml', `<a b="c">'&`, '&#60;a b=&#34;c&#34;&#62;&#39;&#38;'],
  ['ini', 'a value = with, (most) things', 'a value = with, (most) things'],
]
for (const [target, value, result] of GIVES) {
  test(`${target}: ${JSON.stringify(value)} is ${result}`, () => {
    assert.equal(run('quote', [target, value]), result)
  })
}

for (const target of ['haproxy', 'nginx', 'pgbouncer', 'ident', 'libpq', 'pgpass', 'postgresql', 'xml', 'ini']) {
  test(`${target} is given no line break, no NUL and no half of a character`, () => {
    for (const text of ['a\nb', 'a\rb', 'a\0b', 'a\u0085b', 'a\u2028b', 'a\ud800b'])
      assert.throws(() => run('quote', [target, text]), {
        name: 'HelperError',
        message: `${target} cannot be given a text with a control character`,
      })
  })
}

test('texts that a target cannot express are refused', () => {
  assert.throws(() => run('quote', ['nginx', 'a$b']), { message: 'nginx cannot be given a text with a dollar sign' })
  assert.throws(() => run('quote', ['shell', 'a\0b']), { name: 'HelperError' })
  for (const text of ['a;b', 'a#b', '"a"', ' a', 'a ', '%(x)s', 'a\\'])
    assert.throws(() => run('quote', ['ini', text]), { message: /^ini has no quoting/ })
  for (const target of ['json', 'shell']) assert.throws(() => run('quote', [target, null]), { name: 'HelperError' })
})

test('YAML 1.1 and 1.2 read back what was quoted for them', () => {
  const text = `${NASTY}\n\u0085\u007f\u2028\ufeffé😀: - yes`
  const source = `a: ${String(run('quote', ['yaml', text]))}\n`
  for (const version of ['1.1', '1.2'] as const) assert.deepEqual(parse(source, { version }), { a: text })
})

test('the target has to be a literal that is known, before there is anything to render', () => {
  const quote = named('quote')
  assert.ok(quote.checkLiterals !== undefined)
  assert.equal(quote.checkLiterals(['haproxy', undefined]), null)
  for (const target of ['apache', 'toString', undefined, null])
    assert.match(quote.checkLiterals([target, 'x']) ?? '', /^the target is one of haproxy, pgbouncer, /)
})

test('raw gives what it is given', () => {
  assert.equal(run('raw', [NASTY]), NASTY)
  assert.deepEqual(named('raw').returns([{ kind: 'number' }]), { kind: 'number' })
})
