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

/** A value for an error message, on one line. Never for a value of a section that can hold secrets. */
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

/** The same of a value that can hold a secret, as of what stands where a section should: of a text nothing is shown. */
export function showKind(value: unknown): string {
  return typeof value === 'string' ? 'text' : typeof value === 'number' ? 'a number' : show(value)
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}

/** Whether a name without quotes was taken for something else: `no`, `010`, `1.50`, `2024-01-01`. */
export function isMisread(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean' || value instanceof Date
}
