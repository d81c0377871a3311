/**
 * Bytes as text, and back: what is UTF-8 is that text, and each byte that is none is a lone surrogate, U+DC80 to
 * U+DCFF, which no UTF-8 gives. (Python calls it `surrogateescape`.) A text without such a surrogate is what it always
 * is.
 */
import { isUtf8 } from 'node:buffer'

const VALID =
  /(?:\p{ASCII}|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})+|[^]/gu

const ESCAPED = /([\udc80-\udcff])/u
const ALL_ESCAPED = /[\udc80-\udcff]/gu

/** Returns the text that stands for `bytes`. */
export function textOfBytes(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString()
  return bytes.toString('latin1').replace(VALID, (part) => {
    const piece = Buffer.from(part, 'latin1')
    return isUtf8(piece) ? piece.toString() : String.fromCharCode(0xdc00 + part.charCodeAt(0))
  })
}

/** Returns the bytes that `text` stands for. */
export function bytesOfText(text: string): Buffer {
  if (!hasBytes(text)) return Buffer.from(text)
  const parts = text.split(ESCAPED)
  return Buffer.concat(
    parts.map((part, index) => (index % 2 === 0 ? Buffer.from(part) : Buffer.of(part.charCodeAt(0) - 0xdc00))),
  )
}

/** Returns how many bytes `text` stands for. */
export function byteCount(text: string): number {
  // A lone surrogate counts as three.
  return Buffer.byteLength(text) - 2 * (text.match(ALL_ESCAPED)?.length ?? 0)
}

/** Returns whether a text stands for bytes that are not UTF-8. */
export function hasBytes(text: string): boolean {
  return ESCAPED.test(text)
}
