/** Parses Handlebars' syntax: the only user of the package. Only its parser is used, so nothing of a template is run. */
import Handlebars from 'handlebars'
import { printable } from '../../text/printable.ts'
import type { Place } from './plan.ts'
import type { TemplateProblem } from './template.ts'
import { trimAsGo, whiteSpaceOf } from './white-space.ts'

export type Parsed =
  { readonly ok: true; readonly program: hbs.AST.Program } | { readonly ok: false; readonly problem: TemplateProblem }

/** The end of the stack; where that is depends on the machine. */
export const TOO_DEEP: TemplateProblem = { line: null, column: null, message: 'nested too deeply' }

/** Longest part of the template in a message. */
const MAX_SHOWN = 80

/** The parser's time grows with the square of it, and worse. */
const MAX_NESTING = 500

/**
 * Parses a template, with Handlebars' rules for white space (https://handlebarsjs.com/guide/expressions.html#whitespace-control),
 * or with Go's, where it begins with `{{! whitespace: go }}`.
 */
export function parse(text: string): Parsed {
  if (nestingOf(text) > MAX_NESTING) return { ok: false, problem: TOO_DEEP }
  const nul = text.indexOf('\0')
  if (nul !== -1)
    return { ok: false, problem: { ...placeAt(text, nul), message: 'a NUL byte: a template is text in UTF-8' } }
  // What an editor has put before it is no part of the file that is written.
  const template = text.replace(/^\ufeff/, '')
  const whiteSpace = whiteSpaceOf(template)
  if (whiteSpace !== null && whiteSpace !== 'go') return { ok: false, problem: unknownWhiteSpace(whiteSpace) }
  const disguised = disguiseBraces(template)
  try {
    const isGo = whiteSpace === 'go'
    const program = isGo ? Handlebars.parseWithoutProcessing(disguised.text) : Handlebars.parse(disguised.text)
    if (isGo) trimAsGo(program)
    const visitor = new Handlebars.Visitor()
    visitor.ContentStatement = (content) => {
      content.value = disguised.reveal(content.value)
    }
    visitor.accept(program)
    return { ok: true, program }
  } catch (error) {
    return { ok: false, problem: problemOf(error) }
  }
}

function unknownWhiteSpace(value: string): TemplateProblem {
  return { line: 1, column: 1, message: `whitespace is "go", or not given, not "${printable(value, MAX_SHOWN)}"` }
}

/** Returns how many blocks, or parentheses within one {{ }}, are open at most; roughly. Each {{else if}} is in the one before. */
function nestingOf(text: string): number {
  let [blocks, chain, parentheses, most] = [0, 0, 0, 0]
  let isInTag = false
  for (const [token] of text.matchAll(/\{\{~?(?:[#/]|\^(?=[^~}])|\s*else\s+(?=[^\s~}]))?|\}\}|[()]/g)) {
    if (token.startsWith('{{') || token === '}}') {
      isInTag = token !== '}}'
      parentheses = 0
    }
    if (token.endsWith('#') || token.endsWith('^')) blocks++
    else if (token.includes('else')) chain++
    else if (token.endsWith('/')) [blocks, chain] = [Math.max(0, blocks - 1), 0]
    else if (isInTag && token === '(') parentheses++
    else if (isInTag && token === ')') parentheses--
    most = Math.max(most, blocks + chain, parentheses)
  }
  return most
}

/** Returns where the character at `index` stands. */
export function placeAt(text: string, index: number): Place {
  const lines = text.slice(0, index).split('\n')
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 }
}

/** Returns where a node begins: the parser counts columns from 0. */
export function placeOf({ start }: hbs.AST.SourceLocation): Place {
  return { line: start.line, column: start.column + 1 }
}

function problemOf(error: unknown): TemplateProblem {
  if (error instanceof RangeError) return TOO_DEEP
  if (error instanceof Handlebars.Exception) {
    const { lineNumber, column } = error as { lineNumber?: unknown; column?: unknown }
    return {
      line: typeof lineNumber === 'number' ? lineNumber : null,
      column: typeof column === 'number' ? column + 1 : null,
      // The place is put behind it: `if doesn't match each - 1:3`.
      message: error.message.replace(/ - \d+:\d+$/, ''),
    }
  }
  return { ...stoppedAt(), message: explain(error instanceof Error ? error.message : '') }
}

/** Returns where the parser stopped. Its errors are texts with a drawing; the place is in its lexer. */
function stoppedAt(): { line: number | null; column: number | null } {
  const { Parser } = Handlebars as unknown as {
    Parser?: { lexer?: { yylloc?: { first_line: number; first_column: number } } }
  }
  const place = Parser?.lexer?.yylloc
  return place === undefined ? { line: null, column: null } : { line: place.first_line, column: place.first_column + 1 }
}

const UNEXPECTED: Readonly<Record<string, string>> = {
  EOF: 'the template ends here, and a {{ or a block is still open',
  INVALID: 'this cannot stand here',
  INVERSE: '{{else}} is in no block',
  OPEN_INVERSE_CHAIN: '{{else}} is in no block',
  OPEN_ENDBLOCK: 'a block is closed that is not open',
  CLOSE: '}} comes too early',
  CLOSE_SEXPR: ') closes nothing',
  CLOSE_UNESCAPED: '}}} closes nothing',
  EQUALS: '= stands for nothing here',
}

function explain(message: string): string {
  const got = /, got '(\w+)'$/.exec(message)?.[1]
  return (got === undefined ? undefined : UNEXPECTED[got]) ?? 'the syntax is wrong here'
}

const OUTSIDE = /\{\{~?!--[^]*?--~?\}\}|\{\{~?![^]*?\}\}|\{{2,}/g
const INSIDE = /"(?:\\"|[^"])*"|'(?:\\'|[^'])*'|\}{2,}/g

/** U+FDD0 to U+FDEF are no characters, and are in no file. */
const NO_CHARACTERS = Array.from({ length: 32 }, (_item, index) => String.fromCharCode(0xfdd0 + index))

export interface Disguised {
  readonly text: string
  /** Gives a part of the text as it was. */
  reveal(part: string): string
}

/**
 * Disguises each brace of the text right behind a tag: `{"port": {{port}}}`. Handlebars would take the three for the end of
 * `{{{port}}}`, so that such a brace goes through its parser as a character that is no brace, and that stands nowhere else in
 * the text. All else stays in its place.
 */
export function disguiseBraces(text: string): Disguised {
  const standIn = NO_CHARACTERS.find((char) => !text.includes(char))
  if (standIn === undefined || !text.includes('}}}')) return { text, reveal: (part) => part }
  let [disguised, done] = ['', 0]
  for (const brace of bracesBehindTags(text)) {
    disguised += text.slice(done, brace) + standIn
    done = brace + 1
  }
  return { text: disguised + text.slice(done), reveal: (part) => part.replaceAll(standIn, '}') }
}

function* bracesBehindTags(text: string): Generator<number> {
  for (let at = 0; ;) {
    const open = next(OUTSIDE, text, at)
    if (open === null) return
    at = open.end
    const width = open.text.length
    // A comment, or a block of raw text.
    if (width > 3) continue
    let token = next(INSIDE, text, at)
    while (token !== null && !token.text.startsWith('}')) token = next(INSIDE, text, token.end)
    if (token === null) return
    at = token.end
    if (token.text.length > width) yield token.end - token.text.length + width
  }
}

function next(pattern: RegExp, text: string, from: number): { readonly text: string; readonly end: number } | null {
  const search = new RegExp(pattern, 'g')
  search.lastIndex = from
  const match = search.exec(text)
  return match === null ? null : { text: match[0], end: search.lastIndex }
}
