/** Reads what a template gives to a helper: what is not of the wanted kind is an error that says which argument and why. */
import { bytesOfText } from '../../text/binary-text.ts'
import { HelperError } from '../engine/helper.ts'
import type { Shape } from '../engine/shape.ts'
import { UnsafeText } from '../engine/unsafe.ts'

/**
 * Returns a text, safe or not; numbers and flags are texts as they would be written. `what` names the argument: `the key`.
 * @throws HelperError where it is none.
 */
export function textOf(given: unknown, what: string): string {
  const value = scalarOf(given)
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new HelperError(`${what} ${isAbsent(value) ? 'is not there' : `is ${kindOf(value)}, not a text`}`)
}

export function listOf(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new HelperError(`${what} ${isAbsent(value) ? 'is not there' : `is ${kindOf(value)}, not a list`}`)
}

export function recordOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value
  throw new HelperError(`${what} ${isAbsent(value) ? 'is not there' : `is ${kindOf(value)}, which has no names`}`)
}

/**
 * Returns a safe integer; a text with digits is none, as in Go: that is what `atoi` is for.
 * @throws HelperError where it is none.
 */
export function integerOf(value: unknown, what: string): number {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return value
    throw new HelperError(`${what} is not a whole number between -(2^53-1) and 2^53-1`)
  }
  if (isAbsent(value)) throw new HelperError(`${what} is not there`)
  throw new HelperError(
    `${what} is ${kindOf(value)}, not a number${typeof scalarOf(value) === 'string' ? ' (atoi makes one of it)' : ''}`,
  )
}

/** Returns a field of that name, or null: nothing is found in a prototype. */
export function fieldOf(record: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : null
}

/** Makes a record without a prototype, so that no name in it means anything. */
export function newRecord(fields: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return Object.assign(Object.create(null) as Record<string, unknown>, fields)
}

export function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof UnsafeText)
}

/** Returns the text that is not safe itself, to be worked on or compared; all else as it is. */
export function scalarOf(value: unknown): unknown {
  return value instanceof UnsafeText ? value.text : value
}

export function kindOf(value: unknown): string {
  if (isAbsent(value)) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof scalarOf(value) === 'string') return 'a text'
  if (typeof value === 'number') return 'a number'
  if (typeof value === 'boolean') return 'a flag'
  return 'a record'
}

/** Compares texts as Go does: by their bytes, which for JavaScript's units differs beyond U+FFFF. */
export function byBytes(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(bytesOfText(a), bytesOfText(b))
}

export function listShape(of: Shape): Shape {
  return { kind: 'list', of }
}

/** Returns the shape of what is in a list of this shape. */
export function elementOf(shape: Shape | undefined): Shape {
  if (shape?.kind === 'list') return shape.of
  if (shape?.kind === 'maybe') return elementOf(shape.of)
  return { kind: 'any' }
}

/** Returns the one shape that all of them have, or `any`. */
export function commonShape(shapes: readonly Shape[]): Shape {
  const [first, ...rest] = shapes
  if (first === undefined) return { kind: 'any' }
  const text = JSON.stringify(first)
  return rest.every((shape) => JSON.stringify(shape) === text) ? first : { kind: 'any' }
}

export function presentShape(shape: Shape): Shape {
  return shape.kind === 'maybe' ? shape.of : shape
}
