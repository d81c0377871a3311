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

/** A key of the file, and where it is written. */
export interface PlacedKey extends Place {
  readonly path: readonly string[]
}

export type YamlFile =
  | { readonly ok: false; readonly errors: readonly Remark[] }
  | {
      readonly ok: true
      readonly value: unknown
      /** Keys that are written once more in their mapping: PyYAML lets the last one win. */
      readonly duplicates: readonly PlacedKey[]
      /** Keys that are text here, and something else for PyYAML: `no`, `010`, `1.50`. */
      readonly misread: readonly PlacedKey[]
      /** Where a key is written, or else the nearest one above it. */
      readonly locate: (path: readonly string[]) => Place | null
      /** How many keys of a path are written. */
      readonly depth: (path: readonly string[]) => number
    }

/** What is wrong with a key that is `misread`. */
export const MISREAD = 'is not read as text: put it in quotes'

/** One of the codes of `MEANING`, and where. */
interface Stumble {
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
    const found = [...document.errors, ...document.warnings].map(({ code, pos }) => ({ code, offset: pos[0] }))
    const keys = [...collectionsAsKeys(document, text), ...wrongMerges(document)]
    const strange = [...wrongAliases(document), ...keys, ...unprintable(text)]
    const errors = [...indentation(found, text), ...strange].map(({ code, offset }) => ({
      ...at(offset),
      message: `not valid YAML: ${MEANING[code] ?? 'it cannot be understood from here on'}`,
    }))
    if (errors.length > 0) return { ok: false, errors: firstOfEachLine(errors) }
    const misread = keepKeys(document)
    const pairs = pairsOf(document.contents)
    const placed = (some: typeof pairs): PlacedKey[] =>
      some.map(({ path, key }) => ({ ...at(offsetOf(key) ?? 0), path }))
    return {
      ok: true,
      value: document.toJS({ maxAliasCount: 1000 }) as unknown,
      duplicates: placed(pairs.filter(({ isAgain }) => isAgain)),
      misread: placed(pairs.filter(({ key }) => misread.has(key))),
      locate: (path) => {
        const { offset } = find(document, path)
        return offset === null ? null : at(offset)
      },
      depth: (path) => find(document, path).depth,
    }
  } catch {
    // What is left: aliases that expand without end, nesting deeper than the stack. The error is dropped because its
    // text can quote the file.
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

/**
 * Makes every key the text that is written, and returns those that PyYAML takes for another. `- on: open` of the hooks is
 * none of them, though `on` is true also as a key in YAML 1.1: Patroni has no list whose entries have such a key.
 */
function keepKeys(document: Document.Parsed): ReadonlySet<unknown> {
  const misread = new Set<unknown>()
  visit(document, {
    Map: (_key, node, path) => {
      for (const { key } of node.items) {
        if (!isScalar(key) || key.source === undefined || ['string', 'symbol'].includes(typeof key.value)) continue
        const isOn = isSeq(path.at(-1)) && /^(?:on|On|ON)$/.test(key.source)
        if (!isOn && String(key.value) !== key.source) misread.add(key)
        key.value = isOn ? 'on' : key.source
      }
    },
  })
  return misread
}

/** Of nothing, and those that would never end: PyYAML builds them, and Patroni fails on them or ignores them. */
function wrongAliases(document: Document.Parsed): Stumble[] {
  const found: Stumble[] = []
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
function unprintable(text: string): Stumble[] {
  const found = text.matchAll(/[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu)
  return Array.from(found, ({ index }) => ({ code: 'UNPRINTABLE', offset: index }))
}

/**
 * `scope: {{ cluster }}`, `? [a]`: PyYAML fails on them. What stands for a file in a command has a message of its own.
 */
function collectionsAsKeys(document: Document.Parsed, text: string): Stumble[] {
  const found: Stumble[] = []
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

/** `<<` of text, a number or a list of such: PyYAML fails on it. */
function wrongMerges(document: Document.Parsed): Stumble[] {
  const found: Stumble[] = []
  visit(document, {
    Pair: (_key, pair) => {
      if (isMerge(pair) && !sourcesOf(document, pair).every(isMap))
        found.push({ code: 'MERGE_OF_OTHERS', offset: offsetOf(pair.key) ?? 0 })
    },
  })
  return found
}

/**
 * The parser takes a line that is indented too far for a part of the value before, and that for a key: here the error is at
 * that line, once for a block of them. A wrong indentation is not at the empty lines before it.
 */
function indentation(errors: readonly Stumble[], text: string): readonly Stumble[] {
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

/** One slip makes the parser stumble several times on the same line. */
function firstOfEachLine(errors: readonly Remark[]): Remark[] {
  const sorted = errors.toSorted((a, b) => a.line - b.line || a.column - b.column)
  return sorted.filter((error, index) => error.line !== sorted[index - 1]?.line)
}

/** All pairs with a key of text, and whether the key is in the mapping already. */
function pairsOf(root: unknown): { path: readonly string[]; key: unknown; isAgain: boolean }[] {
  const found: { path: readonly string[]; key: unknown; isAgain: boolean }[] = []
  const walk = (node: unknown, above: readonly string[]): void => {
    if (isSeq(node)) node.items.forEach((item, index) => walk(item, [...above, String(index)]))
    if (!isMap(node)) return
    const seen = new Set<string>()
    for (const pair of node.items) {
      const key = keyOf(pair)
      if (key === null) continue
      const path = [...above, key]
      found.push({ path, key: pair.key, isAgain: seen.has(key) && key !== '<<' })
      seen.add(key)
      walk(pair.value, path)
    }
  }
  walk(root, [])
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
  for (const source of map.items.filter(isMerge).flatMap((pair) => sourcesOf(document, pair))) {
    const merged = isMap(source) ? pairOf(document, source, key, depth + 1) : null
    if (merged !== null) return merged
  }
  return null
}

/** A `<<` in quotes is a key like any other. */
function isMerge({ key }: Pair): boolean {
  return isScalar(key) && (typeof key.value === 'symbol' || (key.value === '<<' && key.type === 'PLAIN'))
}

/** What a pair with `<<` merges in. */
function sourcesOf(document: Document.Parsed, { value }: Pair): unknown[] {
  const resolved = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node)
  const whole = resolved(value)
  return isSeq(whole) ? whole.items.map(resolved) : [whole]
}

/** After `keepKeys`. */
function keyOf({ key }: Pair): string | null {
  if (!isScalar(key)) return null
  return typeof key.value === 'symbol' ? '<<' : typeof key.value === 'string' ? key.value : ''
}

function offsetOf(node: unknown): number | null {
  if (!isScalar(node) && !isMap(node) && !isSeq(node) && !isAlias(node)) return null
  return node.range?.[0] ?? null
}
