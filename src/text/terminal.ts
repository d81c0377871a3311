/**
 * Text for a terminal. Names and reasons come out of the DCS, where users with write access to a key can put an escape
 * sequence: nothing of them reaches a terminal before it has been through here.
 */

/**
 * Control, format, private and unassigned characters, all that is invisible or breaks lines, and what moves or swallows
 * its neighbours: combining marks and their like, and writing from right to left, which takes the columns along.
 */
const DECEPTIVE = new RegExp(
  [
    String.raw`[\p{C}\p{M}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Emoji_Modifier}\p{Regional_Indicator}]`,
    String.raw`(?! )\p{Zs}`,
    // Vowels and finals of Hangul syllables.
    String.raw`[\u1160-\u11ff\ud7b0-\ud7ff]`,
    String.raw`[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]`,
  ].join('|'),
  'gu',
)

/** The same in JSON, where only what a terminal acts upon, or does not show, has to go. */
const DECEPTIVE_IN_JSON = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

/** East_Asian_Width W or F, which JavaScript does not know. */
const WIDE = new RegExp(
  String.raw`[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3` +
    String.raw`\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}` +
    String.raw`\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]`,
  'u',
)

/** Returns `text` in one line in which every character is seen: an escape character reads `\x1b`. */
export function visible(text: string): string {
  return text.normalize('NFC').replace(DECEPTIVE, (character) => {
    const code = character.codePointAt(0) ?? 0
    if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`
    return code <= 0xffff ? `\\u${code.toString(16).padStart(4, '0')}` : `\\u{${code.toString(16)}}`
  })
}

/**
 * Returns one line of JSON with the same meaning as `JSON.stringify(value)`, and nothing in it that a terminal acts
 * upon.
 */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value).replace(DECEPTIVE_IN_JSON, (character) =>
    Array.from({ length: character.length }, (_, at) => escapedUnit(character.charCodeAt(at))).join(''),
  )
}

function escapedUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}

/** Returns how many columns `text` takes, which has been through `visible`. */
export function widthOf(text: string): number {
  let width = 0
  for (const character of text) width += WIDE.test(character) ? 2 : 1
  return width
}

/** Shortens `text`, which has been through `visible`, to at most `width` columns; `...` stands for what is left out. */
export function shorten(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let kept = ''
  let used = 3
  for (const character of text) {
    used += widthOf(character)
    if (used > width) break
    kept += character
  }
  return `${kept}...`
}

/**
 * Shortens as `shorten` does, with the `...` in the middle, or `tailWidth` columns before the end: names differ there
 * as much as at the beginning.
 */
export function shortenMiddle(text: string, width: number, tailWidth = Math.floor((width - 3) / 2)): string {
  if (widthOf(text) <= width) return text
  if (width < 5) return shorten(text, width)
  let tail = ''
  for (const character of Array.from(text).toReversed()) {
    if (widthOf(character + tail) > tailWidth) break
    tail = character + tail
  }
  return shorten(text, width - widthOf(tail)) + tail
}

/** Breaks `start` and `text` at spaces into lines of at most `width` columns; all but the first begin with `indent`. */
export function wrap(start: string, text: string, width: number, indent: string): string {
  const lines: string[] = []
  let line = start
  let empty = true
  for (const word of text.split(' ')) {
    const longer = empty ? line + word : `${line} ${word}`
    if (!empty && widthOf(longer) > width) {
      lines.push(line)
      line = indent + word
    } else line = longer
    empty = false
  }
  return [...lines, line].map((each) => shorten(each, width)).join('\n')
}

/**
 * Breaks lines as `wrap` does, with words that are too long for a line shortened in the middle: names and addresses
 * differ at their ends.
 */
export function wrapNames(start: string, text: string, width: number, indent: string): string {
  const room = Math.max(0, width - widthOf(indent))
  const words = text.split(' ').map((word) => shortenMiddle(word, room))
  return wrap(start, words.join(' '), width, indent)
}
