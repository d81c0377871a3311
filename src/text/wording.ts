/** Numbers, durations and reasons as people read them. Pure. */

/** Returns `1 session`, `2 sessions`. */
export function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** Returns `a, b or c`. */
export function alternatives(names: readonly string[]): string {
  const last = names.at(-1) ?? ''
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} or ${last}`
}

/** Returns ` (a, b)`, to follow a name; nothing where there are no details. */
export function inParentheses(details: readonly string[]): string {
  return details.length === 0 ? '' : ` (${details.join(', ')})`
}

/** Returns `0.2 s`, `45 s`: for durations of seconds. */
export function inSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`
}

/** Makes a sentence of a reason: capital letter, full stop. */
export function sentence(text: string): string {
  const end = /[.!?]$/.test(text) || text === '' ? '' : '.'
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${end}`
}

/** Returns a duration in its two largest units: `0.4s`, `12s`, `2m10s`, `3h05m`, `4d02h`. */
export function age(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`
  const whole = Math.round(seconds)
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
  if (whole < 60) return `${whole}s`
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h${two((whole % 3600) / 60)}m`
  return `${Math.floor(whole / 86_400)}d${two((whole % 86_400) / 3600)}h`
}

/** Returns a time in UTC, as in the log: `2026-11-20 03:12:44Z`. */
export function instant(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime())
    ? '?'
    : date
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/, 'Z')
}
