import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { generated } from '../../../scripts/documents.ts'
import { generate } from '../../../scripts/generated.ts'

const ROOT = join(import.meta.dirname, '../../..')
const SOURCES = globSync('{src,bench,scripts}/**/*.ts', { cwd: ROOT })
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
/** As one line, however a comment is wrapped. */
const commentsOf = (path: string): string => read(path).replace(/\s*\n\s*(?:\*|\/\/)?\s*/g, ' ')

function headings(document: string): readonly string[] {
  return [...read(document).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading)
}

test('the documents and edges that comments cite are there', () => {
  const edges = headings('docs/patroni.md').join('\n')
  let cited = 0
  for (const source of SOURCES) {
    const text = commentsOf(source)
    for (const [document = ''] of text.matchAll(/docs\/(?:architecture|patroni|templates|patroni-files)\.md/g))
      assert.ok(existsSync(join(ROOT, document)), `${source} cites ${document}`)
    for (const [, edge = ''] of text.matchAll(/\bedge (\d+)/g)) {
      assert.match(edges, new RegExp(`^Edge ${edge}: `, 'm'), `${source} cites edge ${edge}`)
      cited++
    }
    for (const [, heading = ''] of text.matchAll(/docs\/architecture\.md, "([^"]+)"/g)) {
      assert.ok(headings('docs/architecture.md').includes(heading), `${source} cites ${heading}`)
      cited++
    }
  }
  assert.ok(cited > 5)
})

test('the files that the walks of docs/architecture.md name are there', () => {
  const rows = [...read('docs/architecture.md').matchAll(/^\| (`[a-z][^|]*`)/gm)].flatMap(([, cell = '']) =>
    cell.split(', '),
  )
  const paths = rows.map((cell) => cell.replaceAll('`', '')).filter((path) => /[/.]/.test(path))
  assert.ok(paths.length > 30)
  for (const path of paths) assert.ok(existsSync(join(ROOT, 'src', path)), path)
})

for (const each of generated())
  test(`${each.file}${each.part === null ? '' : ` (${each.part})`} is as \`npm run docs\` writes it`, () => {
    assert.ok(read(each.file) === generate(each), 'run `npm run docs`')
  })
