/**
 * A brace of the text right behind a tag: `{"port": {{port}}}`. Handlebars would take the three for the end of `{{{port}}}`,
 * so that such a brace goes through its parser as a character that is no brace, and that stands nowhere else in the text.
 */

const OUTSIDE = /\{\{~?!--[^]*?--~?\}\}|\{\{~?![^]*?\}\}|\{{2,}/g
const INSIDE = /"(?:\\"|[^"])*"|'(?:\\'|[^'])*'|\}{2,}/g

/** U+FDD0 to U+FDEF are no characters, and are in no file. */
const NO_CHARACTERS = Array.from({ length: 32 }, (_item, index) => String.fromCharCode(0xfdd0 + index))

export interface Disguised {
  readonly text: string
  /** Gives a part of the text as it was. */
  reveal(part: string): string
}

/** Disguises the braces behind tags; all else stays in its place. */
export function disguiseBraces(text: string): Disguised {
  const guise = NO_CHARACTERS.find((char) => !text.includes(char))
  if (guise === undefined || !text.includes('}}}')) return { text, reveal: (part) => part }
  let [disguised, done] = ['', 0]
  for (const brace of bracesBehindTags(text)) {
    disguised += text.slice(done, brace) + guise
    done = brace + 1
  }
  return { text: disguised + text.slice(done), reveal: (part) => part.replaceAll(guise, '}') }
}

function* bracesBehindTags(text: string): Generator<number> {
  for (let at = 0; ;) {
    const open = next(OUTSIDE, text, at)
    if (open === null) return
    at = open.end
    const width = open.text.length
    // A comment, or a block of raw text.
    if (width > 3) continue
    let token = next(INSIDE, text, at)
    while (token !== null && !token.text.startsWith('}')) token = next(INSIDE, text, token.end)
    if (token === null) return
    at = token.end
    if (token.text.length > width) yield token.end - token.text.length + width
  }
}

function next(pattern: RegExp, text: string, from: number): { readonly text: string; readonly end: number } | null {
  const search = new RegExp(pattern, 'g')
  search.lastIndex = from
  const match = search.exec(text)
  return match === null ? null : { text: match[0], end: search.lastIndex }
}
