import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { HELPERS } from '../../../../src/templates/helpers/registry.ts'

test('no two helpers have one name, and none has a name of Handlebars', () => {
  const names = HELPERS.map(({ name }) => name)
  assert.deepEqual(names, [...new Set(names)])
  for (const name of ['if', 'unless', 'each', 'with', 'lookup', 'log', 'this', 'true', 'false', 'null', 'undefined'])
    assert.ok(!names.includes(name), name)
})

test('the usage of a helper begins with its name and shows as many arguments as it takes', () => {
  for (const { name, usage, arity } of HELPERS) {
    const [first, ...args] = usage.split(' ')
    assert.equal(first, name)
    const isOpen = usage.includes('...')
    const optional = usage.split('[').length - 1
    if (!isOpen) assert.deepEqual(arity, { min: args.length - optional, max: args.length }, usage)
  }
})

test('helpers of whose result nothing of a text of strangers remains are these and no others', () => {
  const of = (kind: string): string[] => HELPERS.filter(({ unsafe }) => unsafe === kind).map(({ name }) => name)
  assert.deepEqual(of('quotes').sort(), ['base64Encode', 'quote', 'raw', 'serverName'])
  assert.deepEqual(
    of('settles').sort(),
    'add atoi contains div eq exists fileExists ge gt le len lt mod mul ne not parseBool seq sub'.split(' '),
  )
})

test('every helper is in the documentation with its usage', () => {
  const page = readFileSync(new URL('../../../../docs/templates.md', import.meta.url), 'utf8')
  for (const { usage } of HELPERS) assert.ok(page.includes(`\`${usage}\``), usage)
})
