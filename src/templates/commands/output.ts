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

  /** A writer for one stream; what comes in pieces of a character is put together. */
  stream(): (chunk: Buffer) => void {
    const decoder = new StringDecoder('utf8')
    return (chunk) => {
      const text = this.#text + decoder.write(chunk)
      this.#text = text.length > 2 * RAW_LENGTH ? text.slice(-RAW_LENGTH) : text
    }
  }

  /** Lines fit to be shown, at most OUTPUT_BYTES of them, without blanks at the end. */
  toString(): string {
    const lines = stripVTControlCharacters(this.#text).replaceAll('\t', '    ').split(/\r*\n/)
    return lastBytes(lines.map((line) => printable(line, Infinity)).join('\n'), OUTPUT_BYTES).trimEnd()
  }
}

/** The end of `text`, of whole characters. */
function lastBytes(text: string, max: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= max) return text
  let start = bytes.length - max
  // The bytes of a character but its first are 10xxxxxx.
  while (((bytes[start] ?? 0) & 0xc0) === 0x80) start++
  return bytes.toString('utf8', start)
}
