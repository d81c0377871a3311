import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Pair,
  type Tags,
  type YAMLMap,
} from 'yaml'

export interface Place {
  readonly line: number
  readonly column: number
}

/** A place in the text and what is wrong or doubtful there, in words that repeat nothing of the text. */
export interface Remark extends Place {
  readonly message: string
}

/** A key that is written twice in one mapping: PyYAML lets the last one win. */
export interface DuplicateKey extends Place {
  readonly path: readonly string[]
}

export type YamlFile =
  | { readonly ok: false; readonly errors: readonly Remark[] }
  | {
      readonly ok: true
      readonly value: unknown
      readonly duplicates: readonly DuplicateKey[]
      /** Where a key is written, or else the nearest one above it. */
      readonly locate: (path: readonly string[]) => Place | null
      /** How many keys of a path are written. */
      readonly depth: (path: readonly string[]) => number
    }

/** The parser's own messages can quote the text, and the text can hold passwords: only its codes are used. */
const MEANING: Readonly<Record<string, string>> = {
  BAD_ALIAS: `an alias without its anchor: quote a value that begins with *, like '*:5000'`,
  BAD_DQ_ESCAPE: 'an unknown \\ escape inside double quotes: single quotes take text as it is',
  BAD_INDENT: 'wrong indentation, or a { or [ that is not closed',
  MAPPING_AS_KEY: 'a { } as a key: quote a value that begins with {{',
  BAD_SCALAR_START: 'a value cannot begin with this character: quote it',
  BLOCK_AS_IMPLICIT_KEY: 'a second ": " on the line: quote the value',
  BLOCK_IN_FLOW: 'an indented block inside { } or [ ]',
  MISSING_CHAR: 'something is missing here: a closing quote or bracket, a comma, or the ": " after a key',
  MULTILINE_IMPLICIT_KEY: 'a key without ": ", or a key on more than one line',
  MULTIPLE_DOCS: 'a second document (---): only one is read',
  TAB_AS_INDENT: 'a tab as indentation: use spaces',
  RECURSIVE_ALIAS: 'an alias of what it is itself a part of',
  TAG_RESOLVE_FAILED: 'an unknown !tag: leave it out',
  UNPRINTABLE: 'a control character or a line separator, which YAML does not allow: in double quotes it can be escaped',
  UNEXPECTED_TOKEN: 'something is left over here: quote a value that begins with [, { or a quote but goes on after it',
}

/** Parses YAML 1.1 as PyYAML's `safe_load` (Patroni's reader) does. All syntax errors at once; throws nothing. */
export function parseYaml(source: string): YamlFile {
  // These end a line in YAML 1.1.
  const text = source.replace(/\r(?!\n)|\u0085/g, '\n')
  const lines = new LineCounter()
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  try {
    const document = parseDocument(text, {
      version: '1.1',
      schema: 'yaml-1.1',
      merge: true,
      customTags: likePyYaml,
      uniqueKeys: false,
      // Pretty errors carry an excerpt of the source.
      prettyErrors: false,
      logLevel: 'error',
      lineCounter: lines,
    })
    const found = [...document.errors, ...document.warnings].map((error) => ({
      code: error.code,
      offset: error.pos[0],
    }))
    const strange = [...wrongAliases(document), ...mappingsAsKeys(document, text), ...unprintable(text)]
    const errors = [...found, ...strange].map(({ code, offset }) => ({
      ...at(offset),
      message: `not valid YAML: ${MEANING[code] ?? 'it cannot be understood from here on'}`,
    }))
    if (errors.length > 0) return { ok: false, errors: firstOfEachLine(errors) }
    keepOn(document)
    return {
      ok: true,
      value: document.toJS({ maxAliasCount: 1000 }) as unknown,
      duplicates: duplicateKeys(document).map(({ path, offset }) => ({ ...at(offset), path })),
      locate: (path) => {
        const { offset } = find(document, path)
        return offset === null ? null : at(offset)
      },
      depth: (path) => find(document, path).depth,
    }
  } catch {
    // What is left: aliases that expand without end, merges of what is no mapping, nesting deeper than the stack. The
    // error is dropped because its text can quote the file.
    return { ok: false, errors: [{ line: 1, column: 1, message: 'not valid YAML: aliases or nesting without end' }] }
  }
}

/** The library takes `y`, `1e3`, `.`, `08` and `08:30` for other types than PyYAML, where all of them are text. */
function likePyYaml(tags: Tags): Tags {
  const tests: readonly (readonly [string, RegExp])[] = [
    ['yes', /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/],
    ['no', /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/],
    ['1e3', /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)[eE][-+][0-9]+$/],
    ['0.5', /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)$/],
    ['8', /^[-+]?(?:0|[1-9][0-9_]*)$/],
    ['8:30', /^[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+$/],
    [
      '2001-01-01',
      /^\d{4}-(?:\d\d-\d\d$|\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?$)/,
    ],
  ]
  return tags.map((tag) => {
    if (typeof tag === 'string' || tag.collection !== undefined) return tag
    const test = tests.find(([sample]) => tag.test?.test(sample))?.[1]
    return test === undefined ? tag : { ...tag, test }
  })
}

/** `- on: open` of the hooks: as a key, too, `on` is true in YAML 1.1. Patroni has no list whose entries have such a key. */
function keepOn(document: Document.Parsed): void {
  visit(document, {
    Map: (_key, node, path) => {
      if (!isSeq(path.at(-1))) return
      for (const { key } of node.items) if (isScalar(key) && key.value === true && key.source === 'on') key.value = 'on'
    },
  })
}

/** Of nothing, and those that would never end: PyYAML builds them, and Patroni fails on them or ignores them. */
function wrongAliases(document: Document.Parsed): { code: string; offset: number }[] {
  const found: { code: string; offset: number }[] = []
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

/** PyYAML's `NON_PRINTABLE`, and what it takes for the end of a line beside those of today. */
function unprintable(text: string): { code: string; offset: number }[] {
  const found = text.matchAll(/[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu)
  return Array.from(found, ({ index }) => ({ code: 'UNPRINTABLE', offset: index }))
}

/** `scope: {{ cluster }}`: PyYAML fails on it. What stands for a file in a command has a message of its own. */
function mappingsAsKeys(document: Document.Parsed, text: string): { code: string; offset: number }[] {
  const found: { code: string; offset: number }[] = []
  visit(document, {
    Pair: (_key, { key }) => {
      const offset = isMap(key) ? (key.range?.[0] ?? 0) : null
      const isOurs = /^\{\s*(?:staged|destination)\s*\}\}/.test(text.slice(offset ?? 0, (offset ?? 0) + 80))
      if (offset !== null && !isOurs) found.push({ code: 'MAPPING_AS_KEY', offset })
    },
  })
  return found
}

/** One slip makes the parser stumble several times on the same line. */
function firstOfEachLine(errors: readonly Remark[]): Remark[] {
  const sorted = errors.toSorted((a, b) => a.line - b.line || a.column - b.column)
  return sorted.filter((error, index) => error.line !== sorted[index - 1]?.line)
}

function duplicateKeys(document: Document.Parsed): { path: string[]; offset: number }[] {
  const found: { path: string[]; offset: number }[] = []
  const walk = (node: unknown, path: readonly string[]): void => {
    if (isSeq(node)) node.items.forEach((item, index) => walk(item, [...path, String(index)]))
    if (!isMap(node)) return
    const seen = new Set<string>()
    for (const pair of node.items) {
      const key = keyOf(pair)
      if (key === null) continue
      if (seen.has(key) && key !== '<<') found.push({ path: [...path, key], offset: offsetOf(pair.key) ?? 0 })
      seen.add(key)
      walk(pair.value, [...path, key])
    }
  }
  walk(document.contents, [])
  return found
}

function find(document: Document.Parsed, path: readonly string[]): { offset: number | null; depth: number } {
  let node: unknown = document.contents
  let offset: number | null = null
  let depth = 0
  for (const key of path) {
    const target = isAlias(node) ? node.resolve(document) : node
    if (isMap(target)) {
      const pair = pairOf(document, target, key, 0)
      if (pair === null) break
      node = pair.value
      offset = offsetOf(pair.key)
    } else if (isSeq(target)) {
      node = target.items[Number(key)]
      if (node === undefined) break
      offset = offsetOf(node)
    } else break
    depth++
  }
  return { offset, depth }
}

/** The pair that counts: the last of duplicates, else one that is merged in with `<<`. */
function pairOf(document: Document.Parsed, map: YAMLMap, key: string, depth: number): Pair | null {
  const own = map.items.findLast((pair) => keyOf(pair) === key)
  if (own !== undefined || depth > 20) return own ?? null
  for (const { value } of map.items.filter((pair) => keyOf(pair) === '<<')) {
    for (const source of isSeq(value) ? value.items : [value]) {
      const target = isAlias(source) ? source.resolve(document) : source
      const merged = isMap(target) ? pairOf(document, target, key, depth + 1) : null
      if (merged !== null) return merged
    }
  }
  return null
}

function keyOf(pair: Pair): string | null {
  if (!isScalar(pair.key)) return null
  const value: unknown = pair.key.value
  if (typeof value === 'symbol') return '<<'
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
}

function offsetOf(node: unknown): number | null {
  if (!isScalar(node) && !isMap(node) && !isSeq(node) && !isAlias(node)) return null
  return node.range?.[0] ?? null
}
