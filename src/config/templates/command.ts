/** Commands of the configuration: what they may hold, and what fills it. */
import { resolve } from 'node:path'
import { nearest } from '../../text/suggestion.ts'

/** What stands for the staged file and for its destination, as confd's people know it from `{{.src}}` and `{{.dest}}`. */
export const PLACEHOLDERS = ['staged', 'destination'] as const

export type Placeholder = (typeof PLACEHOLDERS)[number]

/** `{{staged}}`, `{{ destination }}`: finds all of them, the name is the first group. */
export const PLACEHOLDER = new RegExp(`\\{\\{\\s*(${PLACEHOLDERS.join('|')})\\s*\\}\\}`, 'g')

/** The placeholders in a command. */
export function placeholdersIn(command: string | readonly string[]): readonly string[] {
  return wordsOf(command).flatMap((word) => [...word.matchAll(PLACEHOLDER)].map(([, name = '']) => name))
}

/** A text for the shell is one word here. */
export function wordsOf(command: string | readonly string[]): readonly string[] {
  return typeof command === 'string' ? [command] : command
}

/**
 * The program that a command begins with, as it may be shown; null: what stands there does not look like one. It may be a
 * variable with a password, or a whole command.
 */
export function programIn(command: string | readonly string[]): string | null {
  const [program = ''] = typeof command === 'string' ? command.trim().split(/\s+/, 1) : command
  return /^[\w./+-]+$/.test(program.replace(PLACEHOLDER, 'x')) ? program : null
}

/** Of a list whose program is not found, and is not to be shown. */
export const NO_PROGRAM =
  'the first entry of the list does not look like a program: each word of a command is an entry of its own, or all of ' +
  'it is text, which goes to the shell'

/** What is wrong with the braces in a command or a word of it; null: nothing. Shows nothing of it but a name. */
export function wrongBraces(text: string): string | null {
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
export interface Whereabouts {
  readonly directory: string
  readonly home: string | null
}

/**
 * Whether a command names a file, however it is spelled (`//etc/x`, `./x`, `~/x`): as a word, as the value of an option, or
 * at the end of one (`-f/etc/x`). Follows no links, and no `cd`.
 */
export function mentions(command: string | readonly string[], path: string, { directory, home }: Whereabouts): boolean {
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
