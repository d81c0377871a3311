/** Reading values of unknown shape: what is not of the wanted kind is null, never an exception. */
import { printable } from './printable.ts'

/** Parses JSON; undefined: `text` is none. */
export function parseJson(text: string | null): unknown {
  if (text === null) return undefined
  try {
    return JSON.parse(text)
  } catch {
    // Whatever is wrong with the text, it is not ours to repair: the caller decides what its absence means.
    return undefined
  }
}

/** A mapping of JSON or YAML, whatever is in it. */
export type Mapping = Readonly<Record<string, unknown>>

/** Returns whether `value` is a mapping of JSON or YAML, which has dates as well. */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}

/** Returns `value` if it is a mapping, else an empty one. */
export function mappingOf(value: unknown): Mapping {
  return isMapping(value) ? value : {}
}

/** Returns `value` if it is a list, else an empty one. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** Returns `value` if it is a mapping; else null. */
export function asObject(value: unknown): Mapping | null {
  return isMapping(value) ? value : null
}

/** Returns `value` if it is text that is not empty; else null. */
export function asText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** Returns `value` as a short text for people to read; null: it is not text, or empty. */
export function asLabel(value: unknown): string | null {
  const text = asText(value)
  return text === null ? null : printable(text, 64)
}

/** Returns the number that `value` is or spells; else null. */
export function asNumber(value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : null
}
