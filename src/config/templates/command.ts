/** Commands of templates and hooks: what they may hold, and what fills it. */
import { resolve } from 'node:path'
import { nearest } from '../../text/suggestion.ts'
import { isMapping } from '../../text/unknown-shape.ts'
import type { CommandConfig } from '../config.ts'
import type { Fault } from '../file/problem.ts'
import type { Form, ValueType } from '../values/form.ts'
import type { ParsedParts } from '../values/parsed.ts'

/** Text for the shell, or the words of a command that runs without one. */
type Command = CommandConfig['command']

/**
 * What stands for the staged file and for its destination, as confd's people know it from `{{.src}}` and `{{.dest}}`.
 */
export const PLACEHOLDERS = ['staged', 'destination'] as const

export type Placeholder = (typeof PLACEHOLDERS)[number]

/** `{{staged}}`, `{{ destination }}`: finds all of them, the name is the first group. */
export const PLACEHOLDER = new RegExp(`\\{\\{\\s*(${PLACEHOLDERS.join('|')})\\s*\\}\\}`, 'g')

/** Returns the names of the placeholders in a command. */
export function placeholdersIn(command: Command): readonly string[] {
  return wordsOf(command).flatMap((word) => [...word.matchAll(PLACEHOLDER)].map(([, name = '']) => name))
}

/** Returns the words of a command; text for the shell is one word. */
export function wordsOf(command: Command): readonly string[] {
  return typeof command === 'string' ? [command] : command
}

/**
 * Returns the program that a command begins with, as it may be shown; null: it does not look like one.
 * It may be a variable with a password, or a whole command.
 */
export function programIn(command: Command): string | null {
  const [program = ''] = typeof command === 'string' ? command.trim().split(/\s+/, 1) : command
  return /^[\w./+-]+$/.test(program.replace(PLACEHOLDER, 'x')) ? program : null
}

/** Of a list whose program is not found, and is not to be shown. */
export const NO_PROGRAM =
  'the first entry of the list does not look like a program: each word of a command is an entry of its own, or all of ' +
  'it is text, which goes to the shell'

/**
 * Returns what is wrong with the braces in a command or a word of it; null: nothing. Shows nothing of it but a name.
 */
function wrongBraces(text: string): string | null {
  const rest = text.replace(PLACEHOLDER, ' ')
  if (!rest.includes('{{')) return null
  const [, dot = '', name = ''] = /\{\{\s*(\.?)([A-Za-z_][\w.]{0,30})\s*\}\}/.exec(rest) ?? []
  if (name === '') return `{{ begins something else than a name: ${KNOWN}`
  const word = name.toLowerCase()
  const meant = Object.hasOwn(CONFD, word) ? CONFD[word] : nearest(word, PLACEHOLDERS)
  return `{{${dot}${name}}} ${meant === undefined || meant === null ? `is not known: ${KNOWN}` : `is not known: write {{${meant}}}`}`
}

/** confd's names for them. */
const CONFD: Readonly<Record<string, Placeholder>> = { src: 'staged', dest: 'destination' }

const KNOWN = 'there are {{staged}} and {{destination}}; a command with other braces in it belongs into a script'

/** What ends a path in a command; one with a blank in it is between quotes, or a word of a list. */
const SEPARATOR = /['"=:;,|&()<>`]|\s/

/** Where a command runs. `home`: null where it is not known. Absolute. */
interface Whereabouts {
  readonly directory: string
  readonly home: string | null
}

/**
 * Returns whether a command names a file, however it is spelled (`//etc/x`, `./x`, `~/x`): as a word, as the value of
 * an option, or at the end of one (`-f/etc/x`). Follows no links, and no `cd`.
 */
export function mentions(command: Command, path: string, { directory, home }: Whereabouts): boolean {
  const quoted = wordsOf(command).flatMap((word) => [word, ...word.split(/['"]/)])
  const parts = quoted.flatMap((word) => [word, ...word.split(SEPARATOR)])
  return (
    parts
      .flatMap((part) => [part, part.replace(/^-\w/, ''), part.replace(/^-[\w-]*/, '')])
      // Any other word may be a program, or anything.
      .filter((part) => /[/.]/.test(part))
      .map((part) => (home === null ? part : part.replace(/^(?:~|\$HOME|\$\{HOME\})(?=\/)/, home)))
      .some((part) => resolve(directory, part) === path)
  )
}

// No message shows a command or a variable: they can hold secrets.

/** Text that may have braces in it only around the name of a placeholder, and one that may have none. */
const WITH_PLACEHOLDERS = `(?:[^{\\u0000]|\\{(?!\\{)|\\{(?=${PLACEHOLDER.source})|${PLACEHOLDER.source})*`
const WITHOUT_BRACES = '(?:[^{\\u0000]|\\{(?!\\{))*'

/** Text for the shell, or a list without one, with `{{staged}}` and `{{destination}}`. */
export const TEMPLATE_COMMAND = commandOf(wrongBraces, WITH_PLACEHOLDERS)

/** The same without placeholders: a hook finds in its environment what has happened. */
export const HOOK_COMMAND = commandOf(
  (text) =>
    text.includes('{{')
      ? 'a hook has no placeholders: its environment says what happened, like PATRONI_ROUTER_STATE and ' +
        'PATRONI_ROUTER_MEMBER'
      : null,
  WITHOUT_BRACES,
)

function commandOf(wrong: (text: string) => string | null, pattern: string): ValueType<ParsedParts<Command>> {
  const fault = (word: unknown, index: number): string | null => {
    if (typeof word !== 'string') return ask(word)
    return index === 0 && word.trim() === '' ? 'is empty: a command is needed' : (broken(word) ?? wrong(word))
  }
  const parse = (value: unknown): ParsedParts<Command> => {
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
  const word: Form = { type: 'string', pattern: `^${pattern}$` }
  const first: Form = { type: 'string', pattern: `^(?=[\\s\\S]*\\S)${pattern}$` }
  return { parse, form: { anyOf: [first, { type: 'array', items: [first], additionalItems: word, minItems: 1 }] } }
}

function noCommand(value: unknown): string {
  const needed = 'text, which goes to the shell, or a list of text, the program and its arguments'
  return (value ?? null) === null ? `is required: ${needed}` : `must be ${needed}`
}

/** Returns the message for a word that is no text: `[haproxy, -f, {{staged}}]` is a mapping for YAML. */
function ask(word: unknown): string {
  return isMapping(word) ? `must be text: quote it, like '{{staged}}'` : 'must be text: quote it'
}

function broken(text: string): string | null {
  return text.includes('\0') ? 'holds a null character' : null
}

const RESERVED = 'PATRONI_ROUTER_'
const VARIABLE = '[A-Za-z_][A-Za-z0-9_]*'

/** Variables for commands. */
export const VARIABLES: ValueType<ParsedParts<Readonly<Record<string, string>>>> = {
  parse: variables,
  form: {
    type: 'object',
    propertyNames: { pattern: `^(?!${RESERVED})${VARIABLE}$` },
    additionalProperties: { type: 'string', pattern: '^[^\\u0000]*$' },
  },
}

function variables(value: unknown): ParsedParts<Readonly<Record<string, string>>> {
  if (!isMapping(value)) return { value: null, faults: [{ path: [], message: 'must be a mapping like {NAME: text}' }] }
  const faults = Object.entries(value).flatMap(([name, text]): Fault[] => {
    const message = !new RegExp(`^${VARIABLE}$`).test(name)
      ? 'is not the name of a variable'
      : name.startsWith(RESERVED)
        ? 'is set by patroni-router: use another name'
        : typeof text !== 'string'
          ? 'must be text: quote it'
          : broken(text)
    return message === null ? [] : [{ path: [name], message }]
  })
  const texts = Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return { value: Object.fromEntries(texts), faults }
}
