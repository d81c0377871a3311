import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseYaml } from '../../../src/config/yaml.ts'

function read(text: string) {
  const yaml = parseYaml(text)
  assert.ok(yaml.ok, JSON.stringify(yaml))
  return yaml
}

// Each was compared with yaml.safe_load of PyYAML 6.
const SCALARS: readonly (readonly [string, unknown])[] = [
  ['yes', true],
  ['Off', false],
  ['on', true],
  ['y', 'y'],
  ['N', 'N'],
  ['0644', 420],
  ['0o644', '0o644'],
  ['08', '08'],
  ['1_000', 1000],
  ['0x1F', 31],
  ['12:30', 750],
  ['08:30', '08:30'],
  ['1e3', '1e3'],
  ['1.5e3', '1.5e3'],
  ['1.5e+3', 1500],
  ['.5', 0.5],
  ['-.5', '-.5'],
  ['.', '.'],
  ['~', null],
  ['', null],
  ['10.0.0.1:2379', '10.0.0.1:2379'],
  ['[a:1,b:2]', ['a:1', 'b:2']],
  [':5000', ':5000'],
]

for (const [text, value] of SCALARS)
  test(`${JSON.stringify(text)} is read as PyYAML reads it`, () => {
    assert.deepEqual(read(`k: ${text}\n`).value, { k: value })
  })

test('the key on of an entry of a list stays text, unlike its value and other keys', () => {
  const yaml = read('l: [{on: on}, {"on": 1}]\nm: {on: 1, off: 2}\nn:\n  - yes: 1\n    on: 2\n')
  assert.deepEqual(yaml.value, { l: [{ on: true }, { on: 1 }], m: { true: 1, false: 2 }, n: [{ true: 1, on: 2 }] })
  assert.deepEqual(yaml.locate(['n', '0', 'on']), { line: 5, column: 5 })
})

test('a %YAML 1.2 directive does not change how values are read, as in PyYAML', () => {
  assert.deepEqual(read('%YAML 1.2\n---\nk: yes\n').value, { k: true })
})

test('anchors and merge keys work, and explicit keys win over merged ones', () => {
  const yaml = read('base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\nlist: [*b]\n')
  assert.deepEqual(yaml.value, { base: { x: 1, y: 2 }, use: { x: 1, y: 3 }, list: [{ x: 1, y: 2 }] })
  assert.deepEqual(yaml.locate(['use', 'y']), { line: 4, column: 3 })
  assert.deepEqual(yaml.locate(['use', 'x']), { line: 1, column: 11 })
})

test('the last of duplicate keys counts, and each is told', () => {
  const yaml = read('a: 1\nb: {c: 1, c: 2}\na: 3\n')
  assert.deepEqual(yaml.value, { a: 3, b: { c: 2 } })
  assert.deepEqual(yaml.duplicates, [
    { line: 2, column: 11, path: ['b', 'c'] },
    { line: 3, column: 1, path: ['a'] },
  ])
  assert.deepEqual(yaml.locate(['a']), { line: 3, column: 1 })
})

test('what is not in the file is at the nearest key above it', () => {
  const yaml = read('a:\n  b:\n    - c\n')
  assert.deepEqual(yaml.locate(['a', 'b', '0']), { line: 3, column: 7 })
  assert.deepEqual(yaml.locate(['a', 'x', 'y']), { line: 1, column: 1 })
  assert.equal(yaml.locate(['x']), null)
})

const BROKEN: readonly (readonly [title: string, text: string, line: number, message: RegExp])[] = [
  ['an unquoted *:5000', 'a: 1\nbind: *:5000\n', 2, /quote a value that begins with \*/],
  ['an unquoted [::1]:5000', 'a: 1\nbind: [::1]:5000\n', 2, /not valid YAML/],
  ['a tab as indentation', 'a:\n\tb: 1\n', 2, /tab/],
  ['an open quote', 'a: 1\nb: "x\n', 3, /missing/],
  ['an open bracket', 'a: [1\nb: 2\n', 2, /not closed/],
  ['a second colon', 'a: b: c\n', 1, /quote the value/],
  ['a reserved first character', 'a: @b\n', 1, /quote it/],
  ['a second document', 'a: 1\n---\nb: 2\n', 2, /second document/],
  ['an unknown tag', 'a: !vault x\n', 1, /unknown !tag/],
  ['a Python tag', 'a: !!python/object/apply:os.system [x]\n', 1, /unknown !tag/],
  ['a merge of what is no mapping', 'a: 1\n<<: 5\n', 1, /not valid YAML/],
  ['aliases that expand without end', bomb(), 1, /without end/],
  ['nesting deeper than the stack', '['.repeat(200_000), 1, /not valid YAML/],
]

for (const [title, text, line, message] of BROKEN)
  test(`${title} is an error with its line`, () => {
    const yaml = parseYaml(text)
    assert.ok(!yaml.ok)
    assert.equal(yaml.errors[0]?.line, line)
    assert.match(yaml.errors[0].message, message)
  })

test('all syntax errors are told, one for each line', () => {
  const yaml = parseYaml('a: @b\nc: 1\nd: `e`\nf: *:5000\n')
  assert.ok(!yaml.ok)
  assert.deepEqual(
    yaml.errors.map(({ line }) => line),
    [1, 3, 4],
  )
})

test('an empty file and one of comments only are nothing', () => {
  assert.equal(read('').value, null)
  assert.equal(read('# scope: demo\n').value, null)
})

function bomb(): string {
  const levels = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}*a${i}]`)
  return ['a0: &a0 [x]', ...levels].join('\n')
}
