/** Types of the values of templates and hooks, but for commands. Pure. */
import type { Fault } from '../file/problem.ts'
import { type Form, oneOrList, type ValueType } from '../values/form.ts'
import { bad, good, show, type Parsed, type ParsedParts } from '../values/parsed.ts'
import { FILE_PATH_FORM, filePath } from '../values/types.ts'

/** The path of a template, relative to the configuration file, or absolute. */
export const SOURCE: ValueType<Parsed<string>> = { parse: sourcePath, form: FILE_PATH_FORM }

function sourcePath(value: unknown): Parsed<string> {
  if (value === undefined || value === null || value === '')
    return bad('is required: the path of the template, relative to the configuration file')
  return typeof value === 'string' ? filePath(value) : bad(`${show(value)} is not the path of a file`)
}

const MAX_ID = 2 ** 32 - 2

/** Returns the type of a user or a group, by name or number. */
export function account(what: 'user' | 'group'): ValueType<Parsed<string>> {
  const message = `must be the name or the number of a ${what}`
  const parse = (value: unknown): Parsed<string> => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= MAX_ID)
      return good(String(value))
    if (typeof value !== 'string') return bad(typeof value === 'boolean' ? `${message}: quote it` : message)
    return /^[^\s:/-][^\s:/]*$/.test(value) ? good(value) : bad(message)
  }
  const form: Form = { type: ['string', 'integer'], pattern: '^[^\\s:/-][^\\s:/]*$', minimum: 0, maximum: MAX_ID }
  return { parse, form }
}

const OCTAL = /^(?:0|0o)?[0-7]{3,4}$/
const USUAL = /^(?:[46][046]{2}|[57][057]{2})$/

/**
 * Permission bits: `'0644'`. Unquoted, 0644 is octal in YAML 1.1 and comes as 420, and 644 comes as itself. Those numbers
 * count that are permissions one would give: no such number is another mode when it is read as octal digits.
 */
export const PERMISSIONS: ValueType<Parsed<number>> = {
  parse: (value) => {
    if (typeof value === 'string' && OCTAL.test(value)) return good(parseInt(value.replace('o', ''), 8))
    if (typeof value === 'number' && USUAL.test(value.toString(8))) return good(value)
    return bad(`${show(value)} is not how permissions are written: octal and quoted, like '0644'`)
  },
  form: {
    anyOf: [
      { type: 'string', pattern: OCTAL.source },
      {
        type: 'integer',
        enum: Array.from({ length: 0o1000 }, (_, bits) => bits).filter((bits) => USUAL.test(bits.toString(8))),
      },
    ],
  },
}

/** The key that keys are read below: a slash before and none after, the root empty. */
export const KEY_PREFIX: ValueType<Parsed<string>> = {
  parse: (value) =>
    typeof value === 'string' ? good(slashed(value)) : bad(`${show(value)} is not the name of a key, like /app`),
  form: { type: 'string' },
}

/** Keys below the prefix; each with a slash before, `/` for all. */
export const KEYS: ValueType<ParsedParts<readonly string[]>> = {
  parse: keyNames,
  form: oneOrList({ type: 'string', minLength: 1 }, 0),
}

function keyNames(value: unknown): ParsedParts<readonly string[]> {
  const names: readonly unknown[] = Array.isArray(value) ? value : [value]
  const faults = names.flatMap((name, index): Fault[] => {
    if (typeof name === 'string' && name !== '') return []
    const message = `${show(name)} is not the name of a key, like /db (all: /)`
    return [{ path: Array.isArray(value) ? [String(index)] : [], message }]
  })
  const texts = names.filter((name) => typeof name === 'string').map((name) => slashed(name) || '/')
  return { value: [...new Set(texts)], faults }
}

function slashed(key: string): string {
  return `/${key}`.replace(/\/+/g, '/').replace(/\/$/, '')
}
