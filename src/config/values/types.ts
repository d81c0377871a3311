/** Kinds of values that several sections have. Pure. */
import { isAbsolute, normalize } from 'node:path'
import { nearest } from '../../text/suggestion.ts'
import type { Form, ValueType } from './form.ts'
import { bad, good, isMisread, show, type Parsed } from './parsed.ts'

/** Returns the kind of a whole number of at least `min`. */
export function integer(min: number, advice = ''): ValueType<Parsed<number>> {
  return {
    parse: (value) =>
      typeof value === 'number' && Number.isSafeInteger(value) && value >= min
        ? good(value)
        : bad(`${show(value)} is not a whole number of ${min} or more${advice}`),
    form: { type: 'integer', minimum: min, maximum: Number.MAX_SAFE_INTEGER },
  }
}

/** Returns the kind of one of `valid`; one of `planned` (null: any other) is refused as not available yet. */
export function oneOf<const T extends string>(
  valid: readonly T[],
  planned: readonly string[] | null = [],
  synonyms: Readonly<Record<string, T>> = {},
): ValueType<Parsed<T>> {
  const parse = (value: unknown): Parsed<T> => {
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
  return { parse, form: { type: 'string', enum: [...valid] } }
}

export const BOOLEAN: ValueType<Parsed<boolean>> = {
  parse: (value) => (typeof value === 'boolean' ? good(value) : bad('must be true or false, without quotes')),
  form: { type: 'boolean' },
}

const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/
export const PLAIN_NAME_FORM: Form = { type: 'string', pattern: PLAIN_NAME.source }

/** Returns the kind of a name that is shown, looked up and put into metrics. */
export function plainName(what: string): ValueType<Parsed<string>> {
  const parse = (value: unknown): Parsed<string> => {
    if (typeof value === 'string' && PLAIN_NAME.test(value)) return good(value)
    if (isMisread(value)) return bad('must be text: quote it')
    return bad(`the name of a ${what} is made of letters, digits, _, . and -, beginning with a letter or digit`)
  }
  return { parse, form: PLAIN_NAME_FORM }
}

export const ABSOLUTE_PATH: ValueType<Parsed<string>> = {
  parse: (value) => {
    if (value === '') return bad('is empty: an absolute path is needed')
    return typeof value === 'string' && isAbsolute(value) ? good(value) : bad(`${show(value)} is not an absolute path`)
  },
  form: { type: 'string', pattern: '^/' },
}

const CONTROL = '\\u0000-\\u001f\\u007f'
const CONTROL_CHARACTER = new RegExp(`[${CONTROL}]`)
/** Text that is the path of a file: what `filePath` accepts. */
const FILE = `(?![\\s\\S]*(?:^|/)\\.{0,2}$)[^${CONTROL}]+$`
export const FILE_PATH_FORM: Form = { type: 'string', pattern: `^${FILE}` }

/** The absolute path of a file that is written. */
export const DESTINATION: ValueType<Parsed<string>> = {
  parse: (value) => {
    if (value === undefined || value === null || value === '')
      return bad('is required: the absolute path of the file to write')
    if (typeof value !== 'string' || !isAbsolute(value)) return bad(`${show(value)} is not an absolute path`)
    const path = filePath(value)
    return path.ok ? good(normalize(value)) : path
  },
  form: { type: 'string', pattern: `^(?=/)${FILE}` },
}

/** Parses the path of a file, as text that is not empty. */
export function filePath(path: string): Parsed<string> {
  if (CONTROL_CHARACTER.test(path)) return bad('holds a control character')
  return /(^|\/)\.{0,2}$/.test(path) ? bad(`${show(path)} is a directory: a file name is needed, too`) : good(path)
}
