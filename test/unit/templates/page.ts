import { readFileSync } from 'node:fs'

const read = (name: string): string => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8')

/** The documentation: what it prints is what is tested. */
export const PAGE = read('templates.md')
export const CONFD_PAGE = read('migrating-from-confd.md')

export interface Block {
  readonly heading: string
  readonly info: string
  readonly text: string
}

/** Fenced blocks, each with the heading above it. */
export function blocksOf(page: string): Block[] {
  const blocks: Block[] = []
  let heading = ''
  for (const [, title, info, text] of page.matchAll(/^(?:#+ (.*)|```([\w -]+)\n([^]*?)^```)$/gm)) {
    if (title !== undefined) heading = title
    else blocks.push({ heading, info: info ?? '', text: text ?? '' })
  }
  return blocks
}

export const BLOCKS = [...blocksOf(PAGE), ...blocksOf(CONFD_PAGE)]
