import { isAbsolute, normalize } from 'node:path'
import { z } from 'zod'
import { bad, good, isMisread, show, type Parsed, type ParsedParts } from './parsed.ts'
import { nearest } from '../../text/suggestion.ts'

/** Returns the schema of a mapping; null is what an empty section is in YAML. */
export function section<T extends z.core.$ZodShape>(shape: T) {
  return z.preprocess((value) => value ?? {}, z.strictObject(shape))
}

/** Returns the schema of a required value with a parser of ours, whose message is complete. */
export function field<T>(parse: (value: unknown) => Parsed<T>) {
  return z.unknown().transform(transformation(parse))
}

/** Returns the schema of a value that may be left out; a key without a value (`timeout:`) is one that is not there. */
export function optional<T, const D>(parse: (value: unknown) => Parsed<T>, fallback: D) {
  return z
    .unknown()
    .optional()
    .transform(
      transformation<T | D>((value) => (value === undefined || value === null ? good(fallback) : parse(value))),
    )
}

/** Returns the schema of a value whose parts have places of their own. */
export function parts<T>(parse: (value: unknown) => ParsedParts<T>) {
  return z
    .unknown()
    .optional()
    .transform((input, context): T => {
      const { value, faults } = parse(input)
      for (const { path, message } of faults) context.addIssue({ code: 'custom', message, input, path: [...path] })
      return value ?? z.NEVER
    })
}

/** Returns the same schema for a value that may be left out. */
export function optionalParts<T, const D>(parse: (value: unknown) => ParsedParts<T>, fallback: D) {
  const whole = parts(parse)
  return z
    .unknown()
    .optional()
    .transform((input, context): T | D => {
      if (input === undefined || input === null) return fallback
      const { success, data, error } = whole.safeParse(input)
      if (success) return data
      for (const { path, message } of error.issues) context.addIssue({ code: 'custom', message, input, path })
      return z.NEVER
    })
}

function transformation<T>(parse: (value: unknown) => Parsed<T>) {
  return (value: unknown, context: z.RefinementCtx): T => {
    const parsed = parse(value)
    if (parsed.ok) return parsed.value
    context.addIssue({ code: 'custom', message: parsed.message, input: value })
    return z.NEVER
  }
}

/** Returns the schema of a key that a later version will have. */
export function later(advice = '') {
  return optional((): Parsed<null> => bad(`not available in this version: remove it${advice}`), null)
}

/** Returns a parser that refuses 0. */
export function positive(parse: (value: unknown) => Parsed<number>) {
  return (value: unknown): Parsed<number> => {
    const parsed = parse(value)
    return parsed.ok && parsed.value === 0 ? bad('must be longer than 0') : parsed
  }
}

/** Returns a parser of a whole number of at least `min`. */
export function integer(min: number, advice = '') {
  return (value: unknown): Parsed<number> =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min
      ? good(value)
      : bad(`${show(value)} is not a whole number of ${min} or more${advice}`)
}

/** Returns a parser of one of `valid`; one of `planned` (null: anything else) is refused as not there yet. */
export function oneOf<const T extends string>(
  valid: readonly T[],
  planned: readonly string[] | null = [],
  synonyms: Readonly<Record<string, T>> = {},
) {
  return (value: unknown): Parsed<T> => {
    const found = valid.find((word) => word === value)
    if (found !== undefined) return good(found)
    const options = `${valid.length > 1 ? 'one of ' : ''}${valid.join(', ')}`
    if (value === undefined || value === null) return bad(`is required: ${options}`)
    if (typeof value === 'string' && (planned === null || planned.includes(value)))
      return bad(`${show(value)} is not available in this version: use ${options}`)
    const word = typeof value === 'string' ? value.trim().toLowerCase().replaceAll('_', '-') : ''
    const synonym = Object.hasOwn(synonyms, word) ? synonyms[word] : undefined
    const near = synonym ?? nearest(word, [...valid, ...(planned ?? [])])
    return bad(`${show(value)} is not ${options}${near === null ? '' : `; did you mean "${near}"?`}`)
  }
}

/** Parses true or false. */
export function boolean(value: unknown): Parsed<boolean> {
  return typeof value === 'boolean' ? good(value) : bad('must be true or false, without quotes')
}

/** Returns a parser of a name that is shown, asked for and put into metrics. */
export function plainName(what: string) {
  return (value: unknown): Parsed<string> => {
    if (typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(value)) return good(value)
    if (isMisread(value)) return bad('must be text: quote it')
    return bad(`the name of a ${what} is made of letters, digits, _, . and -, beginning with a letter or digit`)
  }
}

/** Parses an absolute path. */
export function absolutePath(value: unknown): Parsed<string> {
  if (value === '') return bad('is empty: an absolute path is needed')
  return typeof value === 'string' && isAbsolute(value) ? good(value) : bad(`${show(value)} is not an absolute path`)
}

/** Parses the absolute path of a file that is written. */
export function destinationPath(value: unknown): Parsed<string> {
  if (value === undefined || value === null || value === '')
    return bad('is required: the absolute path of the file to write')
  if (typeof value !== 'string' || !isAbsolute(value)) return bad(`${show(value)} is not an absolute path`)
  const path = filePath(value)
  return path.ok ? good(normalize(value)) : path
}

/** Parses the path of a file, as text that is not empty. */
export function filePath(path: string): Parsed<string> {
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(path)) return bad('holds a control character')
  return /(^|\/)\.{0,2}$/.test(path) ? bad(`${show(path)} is a directory: a file name is needed, too`) : good(path)
}
