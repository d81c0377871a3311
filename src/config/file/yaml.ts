/** YAML 1.1 as PyYAML reads it. Pure. */
import { LineCounter, parseDocument, isScalar, isSeq, visit, type Document, type Tags } from 'yaml'
import type { Place, Remark } from './problem.ts'
import { KeyFinder, keysIn, offsetOf } from './yaml-keys.ts'
import { mistakesIn } from './yaml-mistakes.ts'

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
    const errors = mistakesIn(document, text, at)
    if (errors.length > 0) return { ok: false, errors }
    const misread = keepKeys(document)
    const pairs = keysIn(document)
    const keys = new KeyFinder(document)
    const placed = (some: typeof pairs): PlacedKey[] =>
      some.map(({ path, key }) => ({ ...at(offsetOf(key) ?? 0), path }))
    return {
      ok: true,
      value: document.toJS({ maxAliasCount: 1000 }) as unknown,
      duplicates: placed(pairs.filter(({ isAgain }) => isAgain)),
      misread: placed(pairs.filter(({ key }) => misread.has(key))),
      locate: (path) => {
        const { offset } = keys.find(path)
        return offset === null ? null : at(offset)
      },
      depth: (path) => keys.find(path).depth,
    }
  } catch {
    // What is left: aliases that expand without end, nesting deeper than the stack. The error is dropped because its
    // text can quote the file.
    return { ok: false, errors: [{ line: 1, column: 1, message: 'not valid YAML: aliases or nesting without end' }] }
  }
}

/** Makes `y`, `1e3`, `.`, `08` and `08:30` text, as in PyYAML: the library reads other types. */
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
 * Makes every key the text that is written, and returns those that PyYAML takes for another. `- on: open` of the hooks
 * is none of them, though `on` is true also as a key in YAML 1.1: Patroni has no list whose entries have such a key.
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
