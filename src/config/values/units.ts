import { MAX_TIMER_MS } from '../../clock.ts'
import { digitsOf, type Form, type ValueType } from './form.ts'
import { bad, good, show, type Parsed } from './parsed.ts'

const MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 }
const DURATION_TEXT = /^(?:(?<h>\d+(?:\.\d+)?)h)?(?:(?<m>\d+(?:\.\d+)?)m)?(?:(?<s>\d+(?:\.\d+)?)s)?(?:(?<ms>\d+)ms)?$/
const BYTES: Readonly<Record<string, number>> = { B: 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 }
const SIZE_TEXT = /^(\d+) *(B|kB|MB|GB|TB)$/

/** Parses `500ms`, `3s`, `1m30s`, `2h`, `1.5s`, or a bare `0`, to milliseconds. */
export function parseDuration(value: unknown): Parsed<number> {
  const text = typeof value === 'string' ? value.trim() : null
  if (value === 0 || text === '0') return good(0)
  if (typeof value === 'number' || (text !== null && /^\d+(\.\d+)?$/.test(text)))
    return bad(`${show(value)} needs a unit: ms, s, m or h, like 3s`)
  const groups: Partial<Record<string, string>> | undefined = text ? DURATION_TEXT.exec(text)?.groups : undefined
  if (groups === undefined) return bad(`${show(value)} is not a duration like 500ms, 3s, 1m30s or 2h`)
  const ms = Object.entries(groups).reduce((sum, [unit, n]) => sum + Number(n ?? 0) * (MS[unit] ?? 0), 0)
  if (ms > MAX_TIMER_MS) return bad(`${show(value)} is too long: at most 596h`)
  return good(ms === 0 ? 0 : Math.max(1, Math.round(ms)))
}

/** In single units, up to the longest there can be: no pattern adds them up. */
const UNITS = Object.entries(MS)
  .map(([unit, ms]) => `(?:${digitsOf(Math.floor(MAX_TIMER_MS / ms))}${unit === 'ms' ? '' : '(?:\\.\\d+)?'}${unit})?`)
  .join('')
const DURATION_FORM: Form = {
  type: ['string', 'integer'],
  pattern: `^\\s*(?:0|(?=\\d)${UNITS})\\s*$`,
  minimum: 0,
  maximum: 0,
}

export const DURATION: ValueType<Parsed<number>> = { parse: parseDuration, form: DURATION_FORM }

/** A duration that is not 0. */
export const POSITIVE_DURATION: ValueType<Parsed<number>> = {
  parse: (value) => {
    const parsed = parseDuration(value)
    return parsed.ok && parsed.value === 0 ? bad('must be longer than 0') : parsed
  },
  form: { type: 'string', pattern: `^\\s*(?=[^1-9]*[1-9])${UNITS}\\s*$` },
}

/**
 * Parses `16MB` or a bare number, to bytes; the units of PostgreSQL and of Patroni's `?lag=`: powers of 1024, `kB` so
 * spelt.
 */
export function parseSize(value: unknown): Parsed<number> {
  const text = typeof value === 'string' ? value.trim() : value
  if (typeof text === 'number' && Number.isSafeInteger(text) && text >= 0) return good(text)
  if (typeof text !== 'string') return bad(`${show(value)} is not a size like 16MB`)
  const match = SIZE_TEXT.exec(/^\d+$/.test(text) ? `${text}B` : text)
  const bytes = match === null ? NaN : Number(match[1]) * (BYTES[match[2] ?? ''] ?? NaN)
  return Number.isSafeInteger(bytes) ? good(bytes) : bad(`${show(value)} is not a size like 16MB (${unitHint(text)})`)
}

export const SIZE: ValueType<Parsed<number>> = {
  parse: parseSize,
  form: {
    type: ['string', 'integer'],
    pattern: `^\\s*${digitsOf(Number.MAX_SAFE_INTEGER)}(?: *(?:${Object.keys(BYTES).join('|')}))?\\s*$`,
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
  },
}

/** Returns the remedy for `16mb`, `16M` and `16MiB`, which PostgreSQL and Patroni do not read. */
function unitHint(text: string): string {
  const [, number = '', letter = ''] = /^(\d+) *([kmgt])i?b?$/i.exec(text) ?? []
  const unit = Object.keys(BYTES).find((name) => name.length === 2 && name[0]?.toLowerCase() === letter.toLowerCase())
  return unit === undefined ? 'B, kB, MB, GB or TB' : `did you mean "${number}${unit}"?`
}

/** Returns a size as one would write it, for messages: `16MB`. */
export function formatSize(bytes: number): string {
  const [unit, size] = Object.entries(BYTES).findLast(([, size]) => bytes % size === 0 && bytes >= size) ?? ['B', 1]
  return `${bytes / size}${unit}`
}

/** Returns a duration as one would write it, for messages: `1m30s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return ms === 0 ? '0' : `${ms}ms`
  let rest = ms
  let text = ''
  for (const [unit, size] of Object.entries(MS)) {
    const count = Math.floor(rest / size)
    rest -= count * size
    if (count > 0) text += `${count}${unit}`
  }
  return text
}
