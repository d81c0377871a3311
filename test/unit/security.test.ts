/** Holds SECURITY.md to the tests: each promise cites a file and a title that are there. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '../..')
const DOCUMENT = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8')

/** As one line, without the quotes that a string of the source escapes. */
const flat = (text: string): string => text.replace(/\s+/g, ' ').replaceAll("\\'", "'")

const CITED = [...flat(DOCUMENT).matchAll(/\[([\w.-]+\.test\.ts)\]\((test\/[^)]+)\): "([^"]+)"/g)].map(
  ([, name = '', path = '', title = '']) => ({ name, path, title }),
)

test('every promise is held by a test that is there', () => {
  assert.ok(CITED.length > 20)
  for (const { name, path, title } of CITED) {
    assert.equal(basename(path), name)
    const titles = [...flat(readFileSync(join(ROOT, path), 'utf8')).matchAll(/\btest\(\s*(['"`])(.*?)\1,/g)]
    assert.ok(
      titles.some(([, , each = '']) => each.includes(title)),
      `${path} has no test "${title}"`,
    )
  }
})

test('every row of promises cites a test, and every test that is linked is cited by its title', () => {
  const rows = DOCUMENT.match(/^\| (?!promise |---).*$/gm) ?? []
  assert.ok(rows.length > 15)
  for (const row of rows) assert.match(row, /\.test\.ts\]\(test\/[^)]+\): "/, row)
  assert.equal((DOCUMENT.match(/\.test\.ts\]\(/g) ?? []).length, CITED.length)
})
