import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseYaml } from '../../../../src/config/file/yaml.ts'

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

test('a key is the text that is written, and reported where PyYAML reads another', () => {
  const yaml = read('a: {no: no, 010: 1, 1.50: 1, 2024-01-01: 1}\nb: {"no": 1, 5: 1, true: 1, y: 1}\n')
  assert.deepEqual(yaml.value, {
    a: { no: false, '010': 1, '1.50': 1, '2024-01-01': 1 },
    b: { no: 1, 5: 1, true: 1, y: 1 },
  })
  assert.deepEqual(
    yaml.misread.map(({ line, column, path }) => `${line}:${column} ${path.join(' ')}`),
    ['1:5 a no', '1:13 a 010', '1:21 a 1.50', '1:30 a 2024-01-01'],
  )
  assert.deepEqual(yaml.locate(['a', '010']), { line: 1, column: 13 })
})

test('the key on of an entry of a list is on, unlike its value, the same key elsewhere and other keys there', () => {
  const yaml = read('l: [{on: on}, {"on": 1}, {On: 1}, {ON: 1}]\nm: {on: 1}\nn:\n  - yes: 1\n    on: 2\n')
  assert.deepEqual(yaml.value, {
    l: [{ on: true }, { on: 1 }, { on: 1 }, { on: 1 }],
    m: { on: 1 },
    n: [{ yes: 1, on: 2 }],
  })
  assert.deepEqual(
    yaml.misread.map(({ path }) => path),
    [
      ['m', 'on'],
      ['n', '0', 'yes'],
    ],
  )
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

test('a list of mappings is merged also by its alias, and << in quotes is a key', () => {
  const yaml = read('a: &a [{x: 1}, {y: 2}]\nuse: {<<: *a, "<<": 3}\n')
  assert.deepEqual(yaml.value, { a: [{ x: 1 }, { y: 2 }], use: { x: 1, y: 2, '<<': 3 } })
  assert.deepEqual(yaml.locate(['use', 'y']), { line: 1, column: 17 })
})

test('the last of duplicate keys counts, and each is reported', () => {
  const yaml = read('a: 1\nb: {c: 1, c: 2}\na: 3\n')
  assert.deepEqual(yaml.value, { a: 3, b: { c: 2 } })
  assert.deepEqual(yaml.duplicates, [
    { line: 2, column: 11, path: ['b', 'c'] },
    { line: 3, column: 1, path: ['a'] },
  ])
  assert.deepEqual(yaml.locate(['a']), { line: 3, column: 1 })
})

test('a key that is not in the file is at the nearest key above it', () => {
  const yaml = read('a:\n  b:\n    - c\n')
  assert.deepEqual(yaml.locate(['a', 'b', '0']), { line: 3, column: 7 })
  assert.deepEqual(yaml.locate(['a', 'x', 'y']), { line: 1, column: 1 })
  assert.equal(yaml.locate(['x']), null)
})

test('the places of very many keys are found without a search for each', () => {
  const names = Array.from({ length: 40_000 }, (_, at) => `k${at}`)
  const yaml = read(names.map((name) => `${name}: 1\n`).join(''))
  const startedAt = performance.now()
  assert.deepEqual(
    names.map((name) => yaml.locate([name])?.line),
    names.map((_, at) => at + 1),
  )
  // A search takes some milliseconds at the end of the file.
  assert.ok(performance.now() - startedAt < 10_000)
})

const BROKEN: readonly (readonly [title: string, text: string, line: number, message: RegExp])[] = [
  ['an unquoted *:5000', 'a: 1\nbind: *:5000\n', 2, /quote a value that begins with \*/],
  ['an unquoted [::1]:5000', 'a: 1\nbind: [::1]:5000\n', 2, /not valid YAML/],
  ['a tab as indentation', 'a:\n\tb: 1\n', 2, /tab/],
  ['an open quote', 'a: 1\nb: "x\n', 3, /missing/],
  ['an open bracket', 'a: [1\nb: 2\n', 2, /not closed/],
  ['a second colon', 'a: b: c\n', 1, /quote the value/],
  ['a blank too many', 'a:\n  b: c:1\n   d: e\n', 3, /indented more than the key before/],
  ['a blank too many after an empty line', 'a: b\r\n\r\n c:\r\n   d: 1\r\n', 3, /indented more/],
  ['a blank too many after an anchor', 'a: &x b\n   c: 1\n', 2, /indented more/],
  ['a blank too many in an entry of a list', '- a: b\n   c: d\n', 2, /indented more/],
  ['a blank too many after a comment', 'a: b\n  # c\n\n  d: e\n', 4, /indentation/],
  ['a list as a key', 'a: 1\n? [b]\n', 2, /a list as a key/],
  ['an alias of a list as a key', 'a: &a [b]\n*a : 1\n', 2, /a list as a key/],
  ['a reserved first character', 'a: @b\n', 1, /quote it/],
  ['a second document', 'a: 1\n---\nb: 2\n', 2, /second document/],
  ['an unknown tag', 'a: !vault x\n', 1, /unknown !tag/],
  ['a Python tag', 'a: !!python/object/apply:os.system [x]\n', 1, /unknown !tag/],
  ['a merge of what is no mapping', 'a: 1\n<<: 5\n', 2, /<< takes a mapping, or a list of them/],
  ['a merge of nothing', 'a: 1\n<<:\n', 2, /<< takes a mapping/],
  ['a merge of a list of text', 'a: &a [x, y]\nb:\n  <<: *a\n', 3, /<< takes a mapping/],
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

test('all syntax errors are reported, one for each line', () => {
  const yaml = parseYaml('a: @b\nc: 1\nd: `e`\nf: *:5000\n')
  assert.ok(!yaml.ok)
  assert.deepEqual(
    yaml.errors.map(({ line }) => line),
    [1, 3, 4],
  )
})

test('a block that is indented too far is one error', () => {
  const yaml = parseYaml('a:\n  b: 1\n   c: x\n   d: y\n   e: z\nf: @g\n')
  assert.ok(!yaml.ok)
  assert.deepEqual(
    yaml.errors.map(({ line, column }) => [line, column]),
    [
      [3, 4],
      [6, 4],
    ],
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
