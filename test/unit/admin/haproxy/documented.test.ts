import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { COLUMNS } from '../../../../src/admin/haproxy/columns.ts'
import { LEFT_OUT, PROCESS_FAMILIES, STAT_FAMILIES } from '../../../../src/admin/haproxy/metric-names.ts'

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../../../docs/migrating-from-haproxy.md'), 'utf8')

test('the families that are left out are documented, and no others', () => {
  const [, section = ''] = DOCUMENT.split('| family | why |')
  const [table = ''] = section.split('\n\n')
  const documented = [...table.matchAll(/^\| (`haproxy_.*?) \|/gm)].flatMap(
    ([, cell = '']) => cell.match(/haproxy_\w+/g) ?? [],
  )
  assert.deepEqual(documented.toSorted(), Object.keys(LEFT_OUT).toSorted())
})

test('the columns that are documented exist', () => {
  const [, section = ''] = DOCUMENT.split('| column | here |')
  const [table = ''] = section.split('\n\n')
  const cells = [...table.matchAll(/^\| (`[^|]*) \|/gm)].map(([, cell = '']) => cell)
  const names = cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name))
  const known: readonly string[] = COLUMNS.map(({ name }) => name)
  assert.ok(names.length > 15)
  for (const name of names) assert.ok(known.includes(name), name)
})

test('a counter ends in _total, but for those of HAProxy that do not, and every family has a description', () => {
  const all = [...PROCESS_FAMILIES, ...STAT_FAMILIES]
  for (const { name, help } of all) assert.ok(help.length > 5, name)
  const others = all.filter(({ name, type }) => (type === 'counter') !== name.endsWith('_total'))
  assert.deepEqual(others.map(({ name }) => name), ['haproxy_process_failed_resolutions']) // prettier-ignore
})
