/** Values of the keys of templates and hooks, but for commands. Pure. */
import type { Fault } from '../file/problem.ts'
import { filePath } from '../values/fields.ts'
import { bad, good, show, type Parsed, type ParsedParts } from '../values/parsed.ts'

/** Parses the path of a template, relative to the configuration file, or absolute. */
export function sourcePath(value: unknown): Parsed<string> {
  if (value === undefined || value === null || value === '')
    return bad('is required: the template, as seen from the configuration file')
  return typeof value === 'string' ? filePath(value) : bad(`${show(value)} is not the path of a file`)
}

/** Returns a parser of a user or a group, by name or number. */
export function account(what: 'user' | 'group') {
  const message = `must be the name or the number of a ${what}`
  return (value: unknown): Parsed<string> => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value < 2 ** 32 - 1)
      return good(String(value))
    if (typeof value !== 'string') return bad(typeof value === 'boolean' ? `${message}: quote it` : message)
    return /^[^\s:/-][^\s:/]*$/.test(value) ? good(value) : bad(message)
  }
}

/**
 * Parses permission bits: `'0644'`. Unquoted, 0644 is octal in YAML 1.1 and comes as 420, and 644 comes as itself.
 * Those numbers count that are permissions one would give: no such number is another mode when it is read as octal
 * digits.
 */
export function permissions(value: unknown): Parsed<number> {
  if (typeof value === 'string' && /^(?:0|0o)?[0-7]{3,4}$/.test(value)) return good(parseInt(value.replace('o', ''), 8))
  if (typeof value === 'number' && /^(?:[46][046]{2}|[57][057]{2})$/.test(value.toString(8))) return good(value)
  return bad(`${show(value)} is not how permissions are written: octal and quoted, like '0644'`)
}

/** Parses the key that keys are read below: a slash before and none after, the root empty. */
export function keyPrefix(value: unknown): Parsed<string> {
  return typeof value === 'string' ? good(slashed(value)) : bad(`${show(value)} is not the name of a key, like /app`)
}

/** Parses keys below the prefix; each with a slash before, `/` for all. */
export function keyNames(value: unknown): ParsedParts<readonly string[]> {
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
