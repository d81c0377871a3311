/** The end of what a command writes, with both its outputs in the order in which they came. */
import { StringDecoder } from 'node:string_decoder'
import { stripVTControlCharacters } from 'node:util'
import { printable } from '../../text/printable.ts'

/** As much of an output as is kept. Bytes in UTF-8. */
export const OUTPUT_BYTES = 4096
/** What is kept until it is shown, as colours and the like go before it is cut: a word in colour takes some five times its length. */
const RAW_LENGTH = 16 * OUTPUT_BYTES

export class Output {
  #text = ''

  /** Returns a writer for one stream. It joins characters that arrive in pieces. */
  stream(): (chunk: Buffer) => void {
    const decoder = new StringDecoder('utf8')
    return (chunk) => {
      const text = this.#text + decoder.write(chunk)
      this.#text = text.length > 2 * RAW_LENGTH ? text.slice(-RAW_LENGTH) : text
    }
  }

  /** Returns lines fit to be shown, at most OUTPUT_BYTES of them, without blanks at the end. */
  toString(): string {
    const lines = stripVTControlCharacters(this.#text).replaceAll('\t', '    ').split(/\r*\n/)
    return lastBytes(lines.map((line) => printable(line, Infinity)).join('\n'), OUTPUT_BYTES).trimEnd()
  }
}

/** Returns the end of `text`, of whole characters. */
function lastBytes(text: string, max: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= max) return text
  let start = bytes.length - max
  // The bytes of a character but its first are 10xxxxxx.
  while (((bytes[start] ?? 0) & 0xc0) === 0x80) start++
  return bytes.toString('utf8', start)
}

/** What is said where an error is: `[ALERT] (12) : config :`, `nginx: [emerg]`, `FATAL:`, `psql: error:`, `sh: 1: x: not found`. */
const ERROR =
  /\b(?:alert|emerg|crit|fatal|panic|error|fail(?:ed|ure)?|invalid|unknown|unexpected|not found|no such|not permitted|not allowed|denied|refused|cannot|can't|could not|unable|expect(?:s|ed)|unsupported|syntax)\b/i

/** What only sums up, or only warns. */
const SUMMARY =
  /errors? found in configuration|error\(s\) found|\btest (?:is successful|failed)|^(?:job for|see ")|\[(?:warning|notice|warn|info|debug)\s*\]|^\s*(?:warning|notice|info|debug)\b/i

/** Returns the first line that reports an error, else the last one; empty: nothing was written. */
export function reasonLineOf(output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const telling = lines.filter((line) => !SUMMARY.test(line))
  for (const some of [telling, lines]) {
    const line = some.find((each) => ERROR.test(each)) ?? some.at(-1)
    if (line !== undefined) return line
  }
  return ''
}
