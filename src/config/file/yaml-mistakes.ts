/** Mistakes in a YAML text, also those that only PyYAML refuses, in words that repeat nothing of the text. Pure. */
import { isAlias, isMap, isSeq, visit, type Document } from 'yaml'
import type { Place, Remark } from './problem.ts'
import { isMerge, offsetOf, sourcesOf } from './yaml-keys.ts'

/** One of the codes of `MEANING`, and where. */
interface Mistake {
  readonly code: string
  readonly offset: number
}

/** The parser's own messages can quote the text, and the text can hold passwords: only its codes are used. */
const MEANING: Readonly<Record<string, string>> = {
  BAD_ALIAS: `an alias without its anchor: quote a value that begins with *, like '*:5000'`,
  BAD_DQ_ESCAPE: 'an unknown \\ escape inside double quotes: single quotes take text as it is',
  BAD_INDENT: 'wrong indentation, or a { or [ that is not closed',
  BAD_SCALAR_START: 'a value cannot begin with this character: quote it',
  BLOCK_AS_IMPLICIT_KEY: 'a second ": " on the line: quote the value',
  INDENTED_MORE: 'this line is indented more than the key before, which has a value already',
  BLOCK_IN_FLOW: 'an indented block inside { } or [ ]',
  LIST_AS_KEY: 'a list as a key: quote a key that begins with [',
  MAPPING_AS_KEY: 'a { } as a key: quote a value that begins with {{',
  MERGE_OF_OTHERS: '<< takes a mapping, or a list of them',
  MISSING_CHAR: 'something is missing here: a closing quote or bracket, a comma, or the ": " after a key',
  MULTILINE_IMPLICIT_KEY: 'a key without ": ", or a key on more than one line',
  MULTIPLE_DOCS: 'a second document (---): only one is read',
  TAB_AS_INDENT: 'a tab as indentation: use spaces',
  RECURSIVE_ALIAS: 'an alias of what it is itself a part of',
  TAG_RESOLVE_FAILED: 'an unknown !tag: leave it out',
  UNPRINTABLE: 'a control character or a line separator, which YAML does not allow: in double quotes it can be escaped',
  UNEXPECTED_TOKEN:
    'something is left over here: quote a value that begins with [, { or a quote but continues after it',
}

/** Finds all mistakes, in order, one on each line. `at`: the place of an offset in the text. */
export function mistakesIn(document: Document.Parsed, text: string, at: (offset: number) => Place): readonly Remark[] {
  const found = [...document.errors, ...document.warnings].map(({ code, pos }) => ({ code, offset: pos[0] }))
  const keys = [...collectionsAsKeys(document, text), ...wrongMerges(document)]
  const mistakes = [...indentation(found, text), ...wrongAliases(document), ...keys, ...unprintable(text)]
  return firstOfEachLine(
    mistakes.map(({ code, offset }) => ({
      ...at(offset),
      message: `not valid YAML: ${MEANING[code] ?? 'it cannot be understood from here on'}`,
    })),
  )
}

/** Finds aliases of nothing, and endless ones: PyYAML builds them, and Patroni fails on them or ignores them. */
function wrongAliases(document: Document.Parsed): Mistake[] {
  const found: Mistake[] = []
  visit(document, {
    Alias: (_key, node, path) => {
      const target = node.resolve(document)
      const offset = node.range?.[0] ?? 0
      if (target === undefined) found.push({ code: 'BAD_ALIAS', offset })
      else if (path.includes(target)) found.push({ code: 'RECURSIVE_ALIAS', offset })
    },
  })
  return found
}

/** Finds PyYAML's `NON_PRINTABLE`, and old separators that end a line for it. */
function unprintable(text: string): Mistake[] {
  const found = text.matchAll(/[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu)
  return Array.from(found, ({ index }) => ({ code: 'UNPRINTABLE', offset: index }))
}

/**
 * Finds `scope: {{ cluster }}` and `? [a]`: PyYAML fails on them. A placeholder of a command has a message of its own.
 */
function collectionsAsKeys(document: Document.Parsed, text: string): Mistake[] {
  const found: Mistake[] = []
  visit(document, {
    Pair: (_key, { key }) => {
      const target = isAlias(key) ? key.resolve(document) : key
      const offset = offsetOf(key) ?? 0
      if (isSeq(target)) found.push({ code: 'LIST_AS_KEY', offset })
      const isOurs = /^\{\s*(?:staged|destination)\s*\}\}/.test(text.slice(offset, offset + 80))
      if (isMap(target) && !isOurs) found.push({ code: 'MAPPING_AS_KEY', offset })
    },
  })
  return found
}

/** Finds `<<` of text, a number or a list of such: PyYAML fails on it. */
function wrongMerges(document: Document.Parsed): Mistake[] {
  const found: Mistake[] = []
  visit(document, {
    Pair: (_key, pair) => {
      if (isMerge(pair) && !sourcesOf(document, pair).every(isMap))
        found.push({ code: 'MERGE_OF_OTHERS', offset: offsetOf(pair.key) ?? 0 })
    },
  })
  return found
}

/**
 * Moves errors of indentation. The parser reads a line that is indented too far as a part of the value before, and that as a key: here the error
 * is at that line, once for a block of them. A wrong indentation is not at the empty lines before it.
 */
function indentation(errors: readonly Mistake[], text: string): readonly Mistake[] {
  const startOf = (offset: number): number => text.lastIndexOf('\n', offset - 1)
  const values = new Set(
    errors.flatMap(({ code, offset }) => (code === 'BLOCK_AS_IMPLICIT_KEY' ? startOf(offset) : [])),
  )
  const told = new Set<number>()
  return errors.flatMap(({ code, offset }) => {
    if (code === 'BAD_INDENT')
      return { code, offset: offset + lengthOf(/^(?:[ \t]*(?:#[^\n]*)?\r?\n)*(?=[^\n]*\S)/, text, offset) }
    if (code === 'MULTILINE_IMPLICIT_KEY') return values.has(startOf(offset)) ? [] : { code, offset }
    const before = code === 'BLOCK_AS_IMPLICIT_KEY' ? lengthOf(/^(?:(?![^\n]*:\s)[^\n]*\n)+[ \t]*/, text, offset) : 0
    if (before === 0) return { code, offset }
    told.add(startOf(offset + before))
    return told.has(startOf(offset)) ? [] : { code: 'INDENTED_MORE', offset: offset + before }
  })
}

function lengthOf(pattern: RegExp, text: string, offset: number): number {
  return pattern.exec(text.slice(offset))?.[0].length ?? 0
}

/** Returns the first error of each line: one slip causes several. */
function firstOfEachLine(errors: readonly Remark[]): Remark[] {
  const sorted = errors.toSorted((a, b) => a.line - b.line || a.column - b.column)
  return sorted.filter((error, index) => error.line !== sorted[index - 1]?.line)
}
