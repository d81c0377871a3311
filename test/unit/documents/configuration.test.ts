/** Every key and every environment variable is in docs/configuration.md and in the man page, once. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { GROUPS, keysOf, variables } from '../../../scripts/manual/configuration-keys.ts'
import { configurationPage } from '../../../scripts/manual/configuration-page.ts'
import { NOT_YET } from '../../../src/config/values/fields.ts'
import { readEnvironment } from '../../support/router/load-config.ts'
import { KEYS } from '../config/json-schema/judges.ts'
import { DOCUMENTS, ROOT, rowsIn } from './markdown.ts'

const TEXT = DOCUMENTS.find(({ path }) => path === 'docs/configuration.md')?.text ?? ''
/** The names that are the first cells of the tables in a text. */
const namesIn = (text: string): readonly string[] =>
  rowsIn(text).flatMap(([first = '']) => /^`([^`]+)`$/.exec(first)?.[1] ?? [])
const partOf = (name: string): string =>
  new RegExp(`<!-- ${name}:begin -->([^]*)<!-- ${name}:end -->`).exec(TEXT)?.[1] ?? ''

/** As documents write it. */
const nameOf = (path: readonly string[]): string => path.join('.').replaceAll('.0', '[]').replaceAll('.one', '.NAME')
const isSection = (path: readonly string[]): boolean =>
  KEYS.some((key) => key.path.length > path.length && path.every((name, at) => key.path[at] === name))
const leaves = KEYS.filter(({ path, form }) => !isSection(path) && form.description !== NOT_YET)

test('every key is a row of docs/configuration.md once, and every row is a key', () => {
  const rows = GROUPS.flatMap(({ part }) => namesIn(partOf(part)))
  const keys = leaves.filter(({ path }) => path[0] !== 'clusters').map(({ path }) => nameOf(path))
  assert.ok(keys.length > 80, `${keys.length} keys`)
  assert.deepEqual(rows.toSorted(), keys.toSorted())
})

test('every key of one of several clusters has the same name as at the top, and is named there', () => {
  const [, section = ''] = /\n## Several clusters\n([^]*?)\n## /.exec(TEXT) ?? []
  const top = new Set(leaves.map(({ path }) => nameOf(path)))
  for (const { path } of leaves.filter(({ path }) => path[0] === 'clusters')) {
    const [, , name = '', below = ''] = path
    if (!isSection(path.slice(0, 3)) && !top.has(name)) continue
    assert.ok(top.has(nameOf(path.slice(2))), nameOf(path))
    assert.ok(section.includes(`\`${name === 'proxy' ? below : name}\``), nameOf(path))
  }
})

test('every variable of Patroni that the tables name is read, and sets that key', () => {
  const rows = [...partOf('environment').matchAll(/^\| `(\w+)` \| `([\w.]+)` \|$/gm)]
  assert.ok(rows.length > 20)
  for (const [, variable = '', key = ''] of rows) {
    const value = /PORT|GROUP/.test(variable)
      ? '1'
      : /INSECURE|PROXIES|VERIFY|ENDPOINTS|BYPASS/.test(variable)
        ? 'true'
        : 'a'
    assert.deepEqual(
      [...readEnvironment({ [variable]: value }, { [key.split('.')[0] ?? '']: {} }).origins],
      [[key, variable]],
      variable,
    )
  }
})

test('every variable that sets a key of the configuration is in the tables', () => {
  const named = new Map(variables().map(([variable, key]) => [key, variable]))
  for (const { path } of leaves) {
    const variable = `PATRONI_${path.join('_').toUpperCase()}`
    const found = ['1', 'true'].some((value) =>
      readEnvironment({ [variable]: value }, { [path[0] ?? '']: {} }).origins.has(path.join('.')),
    )
    assert.equal(named.get(path.join('.')), found ? variable : undefined, variable)
  }
})

/** Of Node and npm, for those who develop the router. */
const INTERNAL = ['NODE_OPTIONS', 'npm_lifecycle_event']

test('every other variable that the source reads is in docs/configuration.md, and each there is read', () => {
  const read = globSync('src/**/*.ts', { cwd: ROOT }).flatMap((file) => {
    const source = readFileSync(join(ROOT, file), 'utf8')
    const names = [...source.matchAll(/\benv(?:\[| *, )'(\w+)'/g), ...source.matchAll(/WHOLE = '(\w+)'/g)]
    return names.map(([, name = '']) => name)
  })
  const [, section = ''] = /\n## Environment\n([^]*)$/.exec(TEXT) ?? []
  const rows = section.replace(partOf('environment'), '').matchAll(/^\| (`\w+`(?:, `\w+`)*) \|/gm)
  const others = [...rows].flatMap(([, cell = '']) => [...cell.matchAll(/\w+/g)].map(([name]) => name))
  assert.deepEqual(others.toSorted(), [...new Set(read)].filter((name) => !INTERNAL.includes(name)).toSorted())
})

test('the man page has every key and every variable, once', () => {
  const items = [...configurationPage().matchAll(/^- \*\*(.+)\*\*\\$/gm)].map(([, item = '']) =>
    item.replaceAll('\\', ''),
  )
  const keys = GROUPS.flatMap((group) => keysOf(group).map(({ key }) => key))
  const names = [...keys, ...variables().map(([variable]) => variable), 'PATRONI_CONFIGURATION']
  assert.deepEqual(items.toSorted(), names.toSorted())
})
