/** Everything that people read: strings and comments of the source, documents, examples, titles of tests. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import remarkGfm from 'remark-gfm'
import remarkParse from 'remark-parse'
import ts from 'typescript'
import { unified } from 'unified'
import type { Nodes } from 'mdast'

const ROOT = join(import.meta.dirname, '../..')

/**
 * `said`: a string or template of the source. `comment`: any comment. `function`: the comment of a function or method.
 * `prose`: text of a document. `header`: a cell of a table's head. `heading`. `title`: of a test.
 */
export type TextKind = 'said' | 'comment' | 'function' | 'prose' | 'header' | 'heading' | 'title'

export interface ReadableText {
  readonly kind: TextKind
  readonly file: string
  readonly line: number
  /** On one line; in templates, `${function}` or `${…}`; in documents, code is `…`. */
  readonly text: string
}

/** Reads every text of the repository. */
export function readableTexts(): readonly ReadableText[] {
  return [
    ...files('{src,bench,scripts}/**/*.ts').flatMap((file) => ofSource(file, 'said')),
    ...files('test/**/*.test.ts').flatMap((file) => ofSource(file, 'title')),
    ...files('{README,CONTRIBUTING,SECURITY,docs/*,examples/**/*}.md').flatMap((file) => ofMarkdown(file, read(file))),
    ...ofMarkdown('CHANGELOG.md', newestSection(read('CHANGELOG.md'))),
    ...files('examples/**/*')
      .filter((file) => !file.endsWith('.md'))
      .flatMap(ofExample),
  ]
}

function files(pattern: string): readonly string[] {
  return globSync(pattern, { cwd: ROOT, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(ROOT.length + 1))
    .sort()
}

function read(file: string): string {
  const path = join(ROOT, file)
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

/** Returns the text with the sections after the first one blank, so that line numbers stay. */
function newestSection(changelog: string): string {
  const [, second] = [...changelog.matchAll(/^## /gm)]
  return changelog.slice(0, second?.index)
}

/** Returns the strings and comments of a TypeScript file, or the titles of its tests. */
function ofSource(file: string, strings: 'said' | 'title'): readonly ReadableText[] {
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true)
  const texts: ReadableText[] = []
  const comments = new Map<number, ReadableText>()
  const lineOf = (position: number): number => source.getLineAndCharacterOfPosition(position).line + 1
  const comment = (kind: 'comment' | 'function', position: number, text: string): void => {
    if (kind === 'function' || !comments.has(position))
      comments.set(position, { kind, file, line: lineOf(position), text: text.replace(/\s+/g, ' ').trim() })
  }
  const visit = (node: ts.Node): void => {
    if (strings === 'said' ? isSaid(node) : isTitle(node))
      texts.push({ kind: strings, file, line: lineOf(node.getStart()), text: valueOf(node) })
    if (strings === 'said')
      for (const { kind, pos, text } of commentsBefore(source.text, node)) comment(kind, pos, text)
    // Tokens too: the last comment of a block stands before its brace.
    for (const child of node.getChildren(source)) visit(child)
  }
  visit(source)
  return [...texts, ...comments.values()]
}

function isSaid(node: ts.Node): boolean {
  const { parent } = node
  if (ts.isTemplateExpression(node)) return true
  // Words without a blank are names and codes.
  if (!ts.isStringLiteralLike(node) || !node.text.includes(' ')) return false
  return !(
    ts.isImportDeclaration(parent) ||
    ts.isExportDeclaration(parent) ||
    ts.isLiteralTypeNode(parent) ||
    (ts.isPropertyAssignment(parent) && parent.name === node)
  )
}

/** Returns whether it is the first argument of `test(...)` and the like. */
function isTitle(node: ts.Node): boolean {
  const { parent } = node
  if (!ts.isStringLiteralLike(node) && !ts.isTemplateExpression(node)) return false
  return (
    ts.isCallExpression(parent) &&
    parent.arguments[0] === node &&
    /^(?:test|describe|it|t\.test|before|after)\b/.test(parent.expression.getText())
  )
}

function valueOf(node: ts.Node): string {
  if (ts.isStringLiteralLike(node)) return node.text.replace(/\s+/g, ' ').trim()
  if (!ts.isTemplateExpression(node)) return ''
  const spans = node.templateSpans.map(({ expression, literal }) => `\${${nameOf(expression)}}${literal.text}`)
  return (node.head.text + spans.join('')).replace(/\s+/g, ' ').trim()
}

/** Returns the name of the function that makes a part of a template, which says whether it is a duration or counted. */
function nameOf(expression: ts.Expression): string {
  return ts.isCallExpression(expression) && ts.isIdentifier(expression.expression) ? expression.expression.text : '…'
}

/** Returns the comments before a node; lines of `//` that follow each other are one. */
function commentsBefore(
  source: string,
  node: ts.Node,
): readonly { readonly kind: 'comment' | 'function'; readonly pos: number; readonly text: string }[] {
  const ranges = [
    ...(ts.getLeadingCommentRanges(source, node.getFullStart()) ?? []),
    ...(ts.getTrailingCommentRanges(source, node.getEnd()) ?? []),
  ]
  const found: { kind: 'comment' | 'function'; pos: number; end: number; text: string }[] = []
  for (const { pos, end, kind } of ranges) {
    const raw = source.slice(pos, end)
    const before = found.at(-1)
    if (kind === ts.SyntaxKind.SingleLineCommentTrivia) {
      const text = raw.replace(/^\/\/+/, '')
      if (before !== undefined && source.slice(before.end, pos).trim() === '' && !before.text.startsWith('*')) {
        before.text += ` ${text}`
        before.end = end
      } else found.push({ kind: 'comment', pos, end, text })
      continue
    }
    const text = raw.replace(/^\/\*+|\*\/$/g, '').replace(/^\s*\*/gm, '')
    found.push({ kind: 'comment', pos, end, text })
  }
  const last = found.at(-1)
  if (isFunction(node) && last !== undefined && source.startsWith('/**', last.pos)) last.kind = 'function'
  return found
}

function isFunction(node: ts.Node): boolean {
  return (
    ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node) || ts.isMethodSignature(node) || ts.isAccessor(node)
  )
}

/** Returns the prose of a document: paragraphs, cells, headings, without code. */
function ofMarkdown(file: string, markdown: string): readonly ReadableText[] {
  const texts: ReadableText[] = []
  const visit = (node: Nodes, kind: TextKind): void => {
    if (node.type === 'paragraph' || node.type === 'heading' || node.type === 'tableCell') {
      const line = node.position?.start.line ?? 0
      const text = proseOf(node).replace(/\s+/g, ' ').trim()
      texts.push({ kind: node.type === 'heading' ? 'heading' : kind, file, line, text })
      return
    }
    if (!('children' in node)) return
    for (const [index, child] of node.children.entries())
      visit(child, node.type === 'table' ? (index === 0 ? 'header' : 'prose') : kind)
  }
  visit(unified().use(remarkParse).use(remarkGfm).parse(markdown), 'prose')
  return texts
}

function proseOf(node: Nodes): string {
  if (node.type === 'inlineCode') return '`…`'
  if (node.type === 'html') return ''
  if ('children' in node) return node.children.map(proseOf).join('')
  return 'value' in node ? node.value : ' '
}

/** Returns the comments of a configuration file or script. */
function ofExample(file: string): readonly ReadableText[] {
  const texts: { kind: 'comment'; file: string; line: number; text: string }[] = []
  let isOpen = false
  for (const [index, line] of read(file).split('\n').entries()) {
    const [, text] = /(?:^|\s)(?:#+(?!!)|\{\{!(?:--)?)\s(.*?)(?:(?:--)?\}\})?$/.exec(line) ?? []
    const last = texts.at(-1)
    if (text !== undefined && isOpen && last !== undefined) last.text += ` ${text}`
    else if (text !== undefined) texts.push({ kind: 'comment', file, line: index + 1, text })
    isOpen = text !== undefined
  }
  return texts
}
