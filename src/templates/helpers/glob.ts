/** Go's `path.Match`, whose patterns confd takes for keys. */
import { HelperError } from '../engine/helper.ts'

interface Chunk {
  /** Whether any text without a slash may come before it. */
  readonly afterStar: boolean
  readonly parts: readonly Part[]
}

type Part =
  | { readonly kind: 'char'; readonly char: string }
  /** `?`: any but a slash. */
  | { readonly kind: 'any' }
  /** `[a-z]`: unlike `?`, this may be a slash, in Go too. */
  | { readonly kind: 'class'; readonly negated: boolean; readonly ranges: readonly (readonly [string, string])[] }

/**
 * Compiles `pattern`: `*` and `?` never cross a slash, `[a-z]`, `[^a]`, a backslash takes a character as it is.
 * Matches the whole name, choosing the shortest text for each `*` as Go does, so it never takes longer than
 * pattern times name. Source: https://pkg.go.dev/path#Match
 * @throws HelperError where Go has ErrBadPattern.
 */
export function compileGlob(pattern: string): (name: string) => boolean {
  const chunks = parse(Array.from(pattern))
  const start = startOf(chunks)
  return (name) => name.startsWith(start) && matches(chunks, Array.from(name))
}

/** Returns the common beginning of all matches: one look at it is enough for most names. */
function startOf([first]: readonly Chunk[]): string {
  const parts = first === undefined || first.afterStar ? [] : first.parts
  const end = parts.findIndex(({ kind }) => kind !== 'char')
  return (end === -1 ? parts : parts.slice(0, end)).map((part) => (part.kind === 'char' ? part.char : '')).join('')
}

/** Returns why a pattern is malformed, or null. */
export function faultOf(pattern: string): string | null {
  try {
    compileGlob(pattern)
    return null
  } catch (error) {
    if (error instanceof HelperError) return error.message
    throw error
  }
}

function parse(pattern: readonly string[]): Chunk[] {
  const chunks: { afterStar: boolean; parts: Part[] }[] = [{ afterStar: false, parts: [] }]
  for (let at = 0; at < pattern.length;) {
    const char = pattern[at] ?? ''
    let last = chunks.at(-1)
    if (char === '*') {
      if (last?.afterStar !== true || last.parts.length > 0) chunks.push({ afterStar: true, parts: [] })
      at++
      continue
    }
    last = chunks.at(-1)
    if (char === '[') {
      const [part, end] = parseClass(pattern, at + 1)
      last?.parts.push(part)
      at = end
    } else if (char === '?') {
      last?.parts.push({ kind: 'any' })
      at++
    } else {
      const [literal, end] = char === '\\' ? parseEscape(pattern, at) : [char, at + 1]
      last?.parts.push({ kind: 'char', char: literal })
      at = end
    }
  }
  return chunks
}

function parseClass(pattern: readonly string[], start: number): [Part, number] {
  const negated = pattern[start] === '^'
  const ranges: [string, string][] = []
  let at = negated ? start + 1 : start
  for (;;) {
    if (pattern[at] === ']' && ranges.length > 0) return [{ kind: 'class', negated, ranges }, at + 1]
    if (pattern[at] === ']' || pattern[at] === '-') throw malformed('a class needs a character first')
    const [low, afterLow] = parseEscape(pattern, at)
    const [high, afterHigh] = pattern[afterLow] === '-' ? parseBound(pattern, afterLow + 1) : [low, afterLow]
    ranges.push([low, high])
    at = afterHigh
  }
}

function parseBound(pattern: readonly string[], at: number): [string, number] {
  if (pattern[at] === ']' || pattern[at] === '-') throw malformed('a range has no end')
  return parseEscape(pattern, at)
}

function parseEscape(pattern: readonly string[], start: number): [string, number] {
  const at = pattern[start] === '\\' ? start + 1 : start
  const char = pattern[at]
  if (char === undefined) throw malformed(at > start ? 'a backslash is the last character' : 'a [ is not closed')
  return [char, at + 1]
}

function malformed(why: string): HelperError {
  return new HelperError(`malformed pattern: ${why}`)
}

function matches(chunks: readonly Chunk[], name: readonly string[]): boolean {
  let at = 0
  for (const [index, { afterStar, parts }] of chunks.entries()) {
    const isLast = index === chunks.length - 1
    if (afterStar && parts.length === 0) return !name.includes('/', at)
    for (;;) {
      const end = endOf(parts, name, at)
      if (end !== null && (!isLast || end === name.length)) {
        at = end
        break
      }
      if (!afterStar || at >= name.length || name[at] === '/') return false
      at++
    }
  }
  return at === name.length
}

function endOf(parts: readonly Part[], name: readonly string[], start: number): number | null {
  const fits = parts.every((part, offset) => {
    const char = name[start + offset]
    return char !== undefined && isOne(part, char)
  })
  return fits ? start + parts.length : null
}

function isOne(part: Part, char: string): boolean {
  switch (part.kind) {
    case 'char':
      return part.char === char
    case 'any':
      return char !== '/'
    case 'class': {
      const code = codeOf(char)
      return part.ranges.some(([low, high]) => codeOf(low) <= code && code <= codeOf(high)) !== part.negated
    }
  }
}

function codeOf(char: string): number {
  return char.codePointAt(0) ?? 0
}
