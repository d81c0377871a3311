import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { rowsIn } from '../documents/markdown.ts'
import { blocksOf } from '../templates/page.ts'

/** Returns a document of docs. */
export function read(name: string): string {
  return readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8')
}

/** Returns the only fenced block with this info string. */
export function blockOf(page: string, info: string): string {
  const blocks = blocksOf(page).filter((block) => block.info === info)
  assert.equal(blocks.length, 1, `${blocks.length} blocks of ${info}`)
  return blocks[0]?.text ?? ''
}

/** Returns the cells of the rows of the only table whose headings begin so, or are these. */
export function rowsOf(page: string, heading: string): readonly (readonly string[])[] {
  const tables = page
    .split(/\n{2,}/)
    .map(rowsIn)
    .filter(([head = []]) => `${head.join(' | ')} |`.startsWith(`${heading} |`))
  assert.equal(tables.length, 1, `${tables.length} tables of ${heading}`)
  return tables[0]?.slice(1) ?? []
}
