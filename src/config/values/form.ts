/**
 * The form of a value as JSON Schema (draft-07, which editors understand best), beside its parser. A form accepts whatever
 * the parser accepts, and refuses what no pattern can miss. Pure.
 */
import type { z } from 'zod'

export type Form = z.core.JSONSchema.JSONSchema

/** A kind of value. */
export interface ValueType<T> {
  readonly parse: (value: unknown) => T
  readonly form: Form
}

const NULL: Form = { type: 'null' }

/** Returns the form of a value that may be left out: for YAML a key without a value has the value null. */
export function orNull(form: Form): Form {
  if (form.anyOf !== undefined) return { ...form, anyOf: [...form.anyOf, NULL] }
  const types = form.type === undefined ? [] : [form.type].flat()
  const widened: Form = types.length === 0 ? form : { ...form, type: [...types, 'null'] }
  return form.enum === undefined ? widened : { ...widened, enum: [...form.enum, null] }
}

/** Returns the form of one value or a list of at least `min` of them. */
export function oneOrList(one: Form, min: number): Form {
  return { anyOf: [one, { type: 'array', items: one, minItems: min }] }
}

/** Returns a pattern of one entry or several with commas between. */
export function withCommas(entry: string): string {
  return `^\\s*(?:${entry})\\s*(?:,\\s*(?:${entry})\\s*)*$`
}

/** Returns a pattern of whole numbers up to the number of digits that `limit` has, with any zeros before. */
export function digitsOf(limit: number): string {
  return `0*\\d{1,${String(limit).length}}`
}

const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const LABEL = '[A-Za-z0-9_-]+'
/** An IPv4 address, or a name that is not made of digits and dots alone. */
export const HOST = `(?:${OCTET}(?:\\.${OCTET}){3}|(?![\\d.]+(?![A-Za-z0-9_.-]))${LABEL}(?:\\.${LABEL})*\\.?)`
/** An IPv6 address, as far as its characters go. */
export const IPV6 = '(?=[^\\]\\s]*:[^\\]\\s]*:)[0-9A-Fa-f:.]+(?:%[^\\s\\],/?#@;]+)?'
/** 0 to 65535. */
export const ANY_PORT = '0*(?:6553[0-5]|655[0-2]\\d|65[0-4]\\d\\d|6[0-4]\\d{3}|[0-5]?\\d{1,4})'
/** 1 to 65535. */
export const PORT = `(?!0+(?!\\d))${ANY_PORT}`
