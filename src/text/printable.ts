/** Text of strangers (keys, names, answers) made fit for a log line or a terminal. */

/** Control and formatting characters, lone surrogates, line separators, and what stands for bytes that are not UTF-8. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029\ufffd]/gu
/** Stands for what was left out. */
export const REPLACEMENT = '\ufffd'

/** Returns `text` with U+FFFD for what could deceive a reader, and for the rest of what is longer than `maxLength`. */
export function printable(text: string, maxLength: number): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength - 1)}${REPLACEMENT}` : text
  return cut.replace(UNPRINTABLE, REPLACEMENT)
}
