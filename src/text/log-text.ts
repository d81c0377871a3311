/** The log for eyes: one line an entry, out of pino's JSON. Pure. */
import { visible } from './terminal.ts'
import type { Mapping } from './unknown-shape.ts'

/**
 * Formats a line of the log for a terminal: `2026-11-20 03:12:44.123Z WARN  message key=value`. Without colours it has
 * the same text.
 */
export function logText(json: string, hasColours: boolean): string {
  const entry = parsed(json)
  return entry === null ? `${visible(json.trimEnd())}\n` : entryText(entry, hasColours)
}

/** Formats an entry of the log as `logText` does. */
export function entryText({ time, level, msg, err, ...fields }: Mapping, hasColours: boolean): string {
  const isConnection = fields['event'] === 'connection'
  const message = visible(text(msg))
  const paint = painter(hasColours)
  const when = paint('dim', visible(text(time)).replace('T', ' '))
  const style = STYLES[text(level)] ?? 'plain'
  const word = paint(style, visible(text(level)).toUpperCase().padEnd(5))
  const said = style === 'plain' ? message : paint(style, message)
  const rest = detailsOf(fields, message, isConnection)
  const lines = [`${when} ${word} ${said}${rest === '' ? '' : ` ${paint('dim', rest)}`}`, ...stackOf(err)]
  return `${lines.join('\n')}\n`
}

type Style = 'plain' | 'dim' | 'yellow' | 'red'

const STYLES: Readonly<Record<string, Style>> = {
  trace: 'dim',
  debug: 'dim',
  note: 'dim',
  warn: 'yellow',
  error: 'red',
  fatal: 'red',
}

const CODES: Readonly<Record<Exclude<Style, 'plain'>, string>> = { dim: '2', yellow: '33', red: '1;31' }

function painter(hasColours: boolean): (style: Style, text: string) => string {
  return (style, plain) => (hasColours && style !== 'plain' ? `\x1b[${CODES[style]}m${plain}\x1b[0m` : plain)
}

/** Returns the fields whose values are not in the message; `hasNumbers`: and every number, which may be a part of another. */
function detailsOf(fields: Mapping, message: string, hasNumbers: boolean): string {
  const isShown = (value: unknown): boolean => {
    if (Array.isArray(value)) return value.some(isShown)
    return (hasNumbers && typeof value === 'number') || !words.includes(visible(text(value)).toLowerCase())
  }
  const words = message.toLowerCase()
  return Object.entries(fields)
    .filter(([key]) => key !== 'event')
    .filter(([, value]) => value !== null && value !== '' && isShown(value))
    .map(([key, value]) => `${visible(key)}=${quoted(visible(text(value)))}`)
    .join(' ')
}

function quoted(value: string): string {
  return /[\s"=]/.test(value) ? JSON.stringify(value) : value
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
}

function stackOf(error: unknown): readonly string[] {
  const stack = typeof error === 'object' && error !== null && 'stack' in error ? error.stack : null
  return typeof stack === 'string' ? stack.split('\n').map((line) => `    ${visible(line.trim())}`) : []
}

function parsed(json: string): Mapping | null {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? { ...value } : null
  } catch {
    // pino writes nothing else, and a line that cannot be read is better than none.
    return null
  }
}
