/** What a rendering would change in a file, as a unified diff for a person. */
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'
import { visible } from '../text/terminal.ts'

/** Two long texts with nothing in common take minutes. Milliseconds. */
const TIMEOUT_MS = 1000

const [BOLD, RED, GREEN, CYAN, RESET] = ['\x1b[1m', '\x1b[31m', '\x1b[32m', '\x1b[36m', '\x1b[0m']

/**
 * Renders a unified diff; empty where both are the same. `before`: null where there is no such file. No text can act on
 * a terminal: all but line ends and tabs is made visible.
 */
export function renderDiff(destination: string, before: string | null, after: string, isColoured: boolean): string {
  if (before === after) return ''
  const old = before === null ? '/dev/null' : destination
  const options = { headerOptions: FILE_HEADERS_ONLY, context: 3, timeout: TIMEOUT_MS }
  const patch = createTwoFilesPatch(old, destination, before ?? '', after, undefined, undefined, options)
  if (patch === undefined) return `${visible(destination)}: differs in more lines than can be compared\n`
  const lines = patch.replace(/\n$/, '').split('\n')
  // An empty file that is to be made has no hunks.
  return lines.map((line, at) => `${coloured(line, at < 2, isColoured)}\n`).join('')
}

function coloured(line: string, isHeader: boolean, isColoured: boolean): string {
  const shown = line.split('\t').map(visible).join('\t')
  const colour = isHeader ? BOLD : COLOURS[line.charAt(0)]
  return isColoured && colour !== undefined ? colour + shown + RESET : shown
}

const COLOURS: Readonly<Record<string, string>> = { '-': RED, '+': GREEN, '@': CYAN }
