/** The documents of the repository, parsed. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import GithubSlugger from 'github-slugger'
import type { Nodes, Root } from 'mdast'
import { toString } from 'mdast-util-to-string'
import remarkGfm from 'remark-gfm'
import remarkParse from 'remark-parse'
import { unified } from 'unified'
import { visit } from 'unist-util-visit'

export const ROOT = join(import.meta.dirname, '../../..')

export interface Block {
  /** `docs/routing.md:12`, for messages. */
  readonly place: string
  /** The words behind the fence: `yaml`, `handlebars clusters`; empty: none. */
  readonly info: string
  readonly text: string
}

export interface Document {
  /** Relative to the repository. */
  readonly path: string
  readonly text: string
  readonly blocks: readonly Block[]
  readonly links: readonly { readonly place: string; readonly to: string }[]
  /** What GitHub calls its headings in a URL. */
  readonly anchors: ReadonlySet<string>
}

const parser = unified().use(remarkParse).use(remarkGfm)

/** Parses a document as GitHub shows it. */
export function parseDocument(path: string, text: string): Document {
  const tree: Root = parser.parse(text)
  const slugger = new GithubSlugger()
  const [blocks, links, anchors] = [new Array<Block>(), new Array<{ place: string; to: string }>(), new Set<string>()]
  const placeOf = (node: Nodes): string => `${path}:${node.position?.start.line ?? 0}`
  visit(tree, (node) => {
    if (node.type === 'heading') anchors.add(slugger.slug(toString(node)))
    if (node.type === 'code')
      blocks.push({ place: placeOf(node), info: [node.lang, node.meta].filter(Boolean).join(' '), text: node.value })
    if (node.type === 'link' || node.type === 'image' || node.type === 'definition')
      links.push({ place: placeOf(node), to: node.url })
    if (node.type === 'html')
      for (const [, , to = ''] of node.value.matchAll(/\b(src|srcset|href)="([^"]+)"/g))
        links.push({ place: placeOf(node), to })
  })
  return { path, text, blocks, links, anchors }
}

/** Every Markdown file that is committed, but for what tests read. */
export const DOCUMENTS: readonly Document[] = globSync(
  ['*.md', '.github/**/*.md', '{docs,examples,bench,scripts,src}/**/*.md'],
  { cwd: ROOT },
)
  .toSorted()
  .map((path) => parseDocument(path, readFileSync(join(ROOT, path), 'utf8')))

/** Returns the blocks of all documents whose first word behind the fence is one of `kinds`. */
export function blocksOf(...kinds: readonly string[]): readonly Block[] {
  return DOCUMENTS.flatMap(({ blocks }) => blocks).filter(({ info }) => kinds.includes(info.split(' ')[0] ?? ''))
}

/** Returns what stands in the first column of the tables below a heading, without backticks. */
export function firstCellsOf(path: string, heading: string): readonly string[] {
  const document = DOCUMENTS.find((each) => each.path === path)
  const [, section = ''] = document?.text.split(new RegExp(`^#+ ${heading}$`, 'm')) ?? []
  const [, ...rows] = rowsIn(section.split(/^#+ /m)[0] ?? '')
  return rows.map(([first = '']) => first.replaceAll('`', ''))
}

/** Returns the cells of the rows of all tables in a text, those of the heads included. */
export function rowsIn(text: string): readonly (readonly string[])[] {
  return [...text.matchAll(/^\|(.*)\|$/gm)]
    .map(([, row = '']) => row.split(/(?<!\\)\|/).map((cell) => cell.trim()))
    .filter((cells) => !cells.every((cell) => /^:?-+:?$/.test(cell)))
}
