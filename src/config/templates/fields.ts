import { isAbsolute, normalize } from 'node:path'
import { PRIMARY_STATES, type PrimaryState } from '../config.ts'
import { wrongBraces } from './command.ts'
import { oneOf } from '../values/fields.ts'
import { bad, good, show, type Parsed, type ParsedParts } from '../values/parsed.ts'
import { isMapping } from '../../text/unknown-shape.ts'
import type { Fault } from '../file/problem.ts'

// What the keys of a template and of a hook can be. No message shows a command or a variable: they can hold secrets.

type Command = string | readonly string[]

/** A text for the shell, or a list without one, with `{{staged}}` and `{{destination}}`. */
export const templateCommand = commandOf(wrongBraces)

/** The same without placeholders: a hook is told by its environment. */
export const hookCommand = commandOf((text) =>
  text.includes('{{')
    ? 'a hook has nothing between {{ and }}: what has happened is in its environment, like PATRONI_ROUTER_STATE and ' +
      'PATRONI_ROUTER_MEMBER'
    : null,
)

function commandOf(wrong: (text: string) => string | null) {
  const fault = (word: unknown, index: number): string | null => {
    if (typeof word !== 'string') return ask(word)
    return index === 0 && word.trim() === '' ? 'is empty: a command is needed' : (broken(word) ?? wrong(word))
  }
  return (value: unknown): ParsedParts<Command> => {
    if (typeof value === 'string') {
      const message = fault(value, 0)
      return { value, faults: message === null ? [] : [{ path: [], message }] }
    }
    if (!Array.isArray(value)) return { value: null, faults: [{ path: [], message: noCommand(value) }] }
    const words: readonly unknown[] = value
    const faults = words.flatMap((word, index): Fault[] => {
      const message = fault(word, index)
      return message === null ? [] : [{ path: [String(index)], message }]
    })
    const empty = { path: [], message: 'is an empty list: the program comes first, then its arguments' }
    return { value: words.filter((word) => typeof word === 'string'), faults: words.length === 0 ? [empty] : faults }
  }
}

function noCommand(value: unknown): string {
  const needed = 'text, which goes to the shell, or a list of text, the program and its arguments'
  return (value ?? null) === null ? `is required: ${needed}` : `must be ${needed}`
}

/** `[haproxy, -f, {{staged}}]` is a mapping for YAML. */
function ask(word: unknown): string {
  return isMapping(word) ? `must be text: quote it, like '{{staged}}'` : 'must be text: quote it'
}

function broken(text: string): string | null {
  return text.includes('\0') ? 'holds a null character' : null
}

/** Relative to the configuration file, or absolute. */
export function sourcePath(value: unknown): Parsed<string> {
  if (value === undefined || value === null || value === '')
    return bad('is required: the template, as seen from the configuration file')
  return typeof value === 'string' ? filePath(value) : bad(`${show(value)} is not the path of a file`)
}

export function destinationPath(value: unknown): Parsed<string> {
  if (value === undefined || value === null || value === '')
    return bad('is required: the absolute path of the file to write')
  if (typeof value !== 'string' || !isAbsolute(value)) return bad(`${show(value)} is not an absolute path`)
  const path = filePath(value)
  return path.ok ? good(normalize(value)) : path
}

function filePath(path: string): Parsed<string> {
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(path)) return bad('holds a control character')
  return /(^|\/)\.{0,2}$/.test(path) ? bad(`${show(path)} is a directory: a file name is needed, too`) : good(path)
}

/** A user or a group, by name or number. */
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
 * Permission bits: `'0644'`. Unquoted, 0644 is octal in YAML 1.1 and comes as 420, and 644 comes as itself. Those numbers
 * count that are permissions one would give: no such number is another mode when it is read as octal digits.
 */
export function permissions(value: unknown): Parsed<number> {
  if (typeof value === 'string' && /^(?:0|0o)?[0-7]{3,4}$/.test(value)) return good(parseInt(value.replace('o', ''), 8))
  if (typeof value === 'number' && /^(?:[46][046]{2}|[57][057]{2})$/.test(value.toString(8))) return good(value)
  return bad(`${show(value)} is not how permissions are written: octal and quoted, like '0644'`)
}

/** Variables for commands. */
export function variables(value: unknown): ParsedParts<Readonly<Record<string, string>>> {
  if (!isMapping(value)) return { value: null, faults: [{ path: [], message: 'must be a mapping like {NAME: text}' }] }
  const faults = Object.entries(value).flatMap(([name, text]): Fault[] => {
    const message = !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
      ? 'is not the name of a variable'
      : name.startsWith('PATRONI_ROUTER_')
        ? 'is set by patroni-router: use another name'
        : typeof text !== 'string'
          ? 'must be text: quote it'
          : broken(text)
    return message === null ? [] : [{ path: [name], message }]
  })
  const texts = Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return { value: Object.fromEntries(texts), faults }
}

/** Where keys are read; as the result, with a slash before and none after, the root empty. */
export function keyPrefix(value: unknown): Parsed<string> {
  return typeof value === 'string' ? good(slashed(value)) : bad(`${show(value)} is not the name of a key, like /app`)
}

/** Below the prefix; each with a slash before, `/` for all. */
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

/** What Patroni's callbacks, HAProxy and habit call them. */
const STATE_SYNONYMS: Readonly<Record<string, PrimaryState | 'any'>> = {
  ...{ primary: 'open', leader: 'open', master: 'open', up: 'open', ready: 'open' },
  ...{ switchover: 'switching', failover: 'switching', stopping: 'switching', promotion: 'promoting' },
  ...{ down: 'none', lost: 'none', absent: 'none', 'no-primary': 'none' },
  ...{ all: 'any', change: 'any', 'on-role-change': 'any', '*': 'any' },
}

const state = oneOf([...PRIMARY_STATES, 'any'], [], STATE_SYNONYMS)

/** One state of the primary, several, or `any`. */
export function states(value: unknown): ParsedParts<readonly PrimaryState[]> {
  const names: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (names.length === 0)
    return { value: null, faults: [{ path: [], message: 'names no state: without one it is never run' }] }
  const parsed = names.map((name) => state(name))
  const faults = parsed.flatMap((each, index): Fault[] =>
    each.ok ? [] : [{ path: Array.isArray(value) ? [String(index)] : [], message: each.message }],
  )
  const found = parsed.flatMap((each) => (each.ok ? [each.value] : []))
  return { value: PRIMARY_STATES.filter((name) => found.includes(name) || found.includes('any')), faults }
}
