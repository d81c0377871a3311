/** Commands of the configuration: what they may hold, and what fills it. */
import { nearest } from './problem.ts'

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

/** Whether a path is written out in a command: a word, the value of an option, or the end of one (`-f/etc/x`). */
export function mentions(command: string | readonly string[], path: string): boolean {
  return wordsOf(command).some((word) => {
    for (let at = word.indexOf(path); at !== -1; at = word.indexOf(path, at + 1)) {
      const isStart = /(?:^|[\s'"=:;,|&()<>`]|(?:^|\s)-[\w-]*)$/.test(word.slice(0, at))
      if (isStart && /^(?:$|[\s'"=:;,|&()<>`])/.test(word.slice(at + path.length))) return true
    }
    return false
  })
}
