/** One of several addresses, and its place below the key that has them. */
export interface Entry {
  readonly path: readonly string[]
  readonly value: unknown
}

/** A list or a text, each with commas between what it has: `[a, 'b,c']` is a, b and c. Empty when there is nothing. */
export function entriesOf(value: unknown): readonly Entry[] {
  const split = (item: unknown, path: readonly string[]): Entry[] =>
    typeof item === 'string' ? item.split(',').map((part) => ({ path, value: part.trim() })) : [{ path, value: item }]
  if (Array.isArray(value)) return value.flatMap((item: unknown, index) => split(item, [String(index)]))
  return value === undefined || value === null ? [] : split(value, [])
}
