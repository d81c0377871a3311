/** Keys of a YAML document, and where they are written. Pure. */
import { isAlias, isMap, isScalar, isSeq, type Document, type Pair, type YAMLMap } from 'yaml'

/** Returns all keys that are text, each with its path and its node, and whether the mapping has it already. */
export function keysIn(document: Document.Parsed): { path: readonly string[]; key: unknown; isAgain: boolean }[] {
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
  walk(document.contents, [])
  return found
}

/** Where a key is written: the offset of it, or else of the nearest one above it, and how many keys of the path are written. */
export interface FoundKey {
  readonly offset: number | null
  readonly depth: number
}

/** Finds keys of a document that does not change any more: many of them, each without a look at all the others. */
export class KeyFinder {
  readonly #document: Document.Parsed
  readonly #pairs = new Map<YAMLMap, ReadonlyMap<string | null, Pair>>()

  constructor(document: Document.Parsed) {
    this.#document = document
  }

  find(path: readonly string[]): FoundKey {
    let node: unknown = this.#document.contents
    let offset: number | null = null
    let depth = 0
    for (const key of path) {
      const target = isAlias(node) ? node.resolve(this.#document) : node
      if (isMap(target)) {
        const pair = this.#pairOf(target, key, 0)
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

  /** Returns the pair that counts: the last of duplicates, else one that is merged in with `<<`. */
  #pairOf(map: YAMLMap, key: string, depth: number): Pair | null {
    const own = this.#pairsOf(map).get(key)
    if (own !== undefined || depth > 20) return own ?? null
    for (const source of map.items.filter(isMerge).flatMap((pair) => sourcesOf(this.#document, pair))) {
      const merged = isMap(source) ? this.#pairOf(source, key, depth + 1) : null
      if (merged !== null) return merged
    }
    return null
  }

  #pairsOf(map: YAMLMap): ReadonlyMap<string | null, Pair> {
    const known = this.#pairs.get(map)
    if (known !== undefined) return known
    const pairs = new Map(map.items.map((pair) => [keyOf(pair), pair]))
    this.#pairs.set(map, pairs)
    return pairs
  }
}

/** Returns whether a pair merges others in; a `<<` in quotes is a key like any other. */
export function isMerge({ key }: Pair): boolean {
  return isScalar(key) && (typeof key.value === 'symbol' || (key.value === '<<' && key.type === 'PLAIN'))
}

/** Returns the nodes that a pair with `<<` merges in. */
export function sourcesOf(document: Document.Parsed, { value }: Pair): unknown[] {
  const resolved = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node)
  const whole = resolved(value)
  return isSeq(whole) ? whole.items.map(resolved) : [whole]
}

/** Returns the text of a key once `keepKeys` (yaml.ts) has been there; null: it is a collection. */
function keyOf({ key }: Pair): string | null {
  if (!isScalar(key)) return null
  return typeof key.value === 'symbol' ? '<<' : typeof key.value === 'string' ? key.value : ''
}

export function offsetOf(node: unknown): number | null {
  if (!isScalar(node) && !isMap(node) && !isSeq(node) && !isAlias(node)) return null
  return node.range?.[0] ?? null
}
