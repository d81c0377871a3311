/** How numbers are said to people. Pure. */

/** `1 session`, `2 sessions`. */
export function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** `0.2 s`, `45 s`: for what lasts seconds. */
export function inSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`
}

/** A reason as a sentence of its own: capital letter, full stop. */
export function sentence(text: string): string {
  const end = /[.!?]$/.test(text) || text === '' ? '' : '.'
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${end}`
}
