import type { Fault } from '../file/problem.ts'

/** What came of one value of the configuration: the value, or what is wrong with it (without its key and place). */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string }

/** What came of a value that has parts. The place of a fault starts at the value itself. */
export interface ParsedParts<T> {
  readonly value: T | null
  readonly faults: readonly Fault[]
}

export function good<T>(value: T): Parsed<T> {
  return { ok: true, value }
}

export function bad(message: string): Parsed<never> {
  return { ok: false, message }
}

/** Returns a value for an error message, on one line. Never for a value of a section that can hold secrets. */
export function show(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (value instanceof Date) return 'a date'
  if (typeof value === 'object') return 'a mapping'
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (typeof value !== 'string') return 'something else'
  if (value.includes('@')) return 'this text'
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value)
}

/**
 * Returns the same of a value that can hold a secret, as of what stands where a section should: of a text nothing is
 * shown.
 */
export function showKind(value: unknown): string {
  return typeof value === 'string' ? 'text' : typeof value === 'number' ? 'a number' : show(value)
}

/** Returns whether a name without quotes was read as something else: `no`, `010`, `1.50`, `2024-01-01`. */
export function isMisread(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean' || value instanceof Date
}

/** One of several addresses, and its place below the key that has them. */
export interface Entry {
  readonly path: readonly string[]
  readonly value: unknown
}

/**
 * Splits a list or a text, each with commas between its entries: `[a, 'b,c']` is a, b and c. Empty when there is
 * nothing.
 */
export function entriesOf(value: unknown): readonly Entry[] {
  const split = (item: unknown, path: readonly string[]): Entry[] =>
    typeof item === 'string' ? item.split(',').map((part) => ({ path, value: part.trim() })) : [{ path, value: item }]
  if (Array.isArray(value)) return value.flatMap((item: unknown, index) => split(item, [String(index)]))
  return value === undefined || value === null ? [] : split(value, [])
}
