/** Tells templates of another kind: that is said once, instead of an error for each of their tags. */
import { placeAt } from './parse.ts'
import type { TemplateProblem } from './template.ts'

interface Dialect {
  readonly name: string
  /** Each with what is shown of it; `$1` is what was found. */
  readonly marks: readonly (readonly [RegExp, string])[]
  readonly advice: string
}

/** The first bar of a tag, without the one of `as |x|`. */
const BEFORE_BAR = /\{\{(?:(?!\bas\s*\|)[^{}|])*\|/

/**
 * Of Go's tags some would be right here, too: such a text is one of Go's only if something is wrong with it. Each mark is
 * in a tag: the text around the tags may have `$x = 1`, `-}}` or `|` in any language.
 */
const GO: Dialect = {
  name: 'a Go template',
  marks: [
    [/\{\{-?\s*(range|printf?|println|define)\b/, '{{$1'],
    [/\{\{-?\s*(keyOrDefault|keyExists|key|service|secret|template|block|include)(?=\s+")/, '{{$1'],
    [/\{\{-?\s*(end|break|continue)\s*-?\}\}/, '{{$1}}'],
    [/\{\{(?!~?[#/])[^{}]*?(\$\w+)\s*:?=/, '$1 := ...'],
    [/\{\{-?\s*(\$[\w.]*|\.\w[\w.]*)\s*-?\}\}/, '{{$1}}'],
    [/\{\{(?!~?[#/])[^{}]*\)(\.\w+)/, '{{(...)$1'],
    [/\{\{[^{}]*`/, '{{`...`'],
    [/\{\{-?\s*\/\*/, '{{/*'],
    [/\{\{-\s/, '{{-'],
    [/\{\{[^{}]*\s-\}\}/, '-}}'],
    [new RegExp(`${BEFORE_BAR.source}(?!\\|)[^{}]*\\}\\}`), '{{... | ...}}'],
    [/\{\{-?\s*[\w(][^{}]*?[\s(](\$[\w.]*|\.[A-Za-z_][\w.]*)(?![\w.]|\s*:?=)/, '{{... $1'],
  ],
  advice: 'see docs/migrating-from-confd.md',
}

/** Nothing of these means anything here: it would be written as it is. */
const OTHERS: readonly Dialect[] = [
  {
    name: 'a Jinja template',
    marks: [
      [
        /\{%[-+]?\s*(if|for|set|macro|block|extends|include|import|from|raw|with)\b(?:(?!\{%)[^\n])*?%\}/,
        '{% $1 ... %}',
      ],
      [new RegExp(`${BEFORE_BAR.source}(?:\\s*\\w+\\s*\\|)*\\s*(\\w+)\\([^{}]*\\}\\}`), '{{... | $1(...)}}'],
    ],
    advice: 'here it is Handlebars, see docs/templates.md',
  },
  {
    name: 'an ERB template',
    marks: [[/<%[-=]?\s(?:(?!<%)[^\n])*?%>/, '<% ... %>']],
    advice: 'here it is Handlebars, see docs/templates.md',
  },
]

/** Shown of one text. */
const MOST_MARKS = 3

/** Returns what is said of a text that is written in another language, or null. `isWrong`: it has problems as one of ours. */
export function dialectProblem(text: string, isWrong: boolean): TemplateProblem | null {
  const bare = withoutQuoted(withoutComments(text))
  for (const dialect of isWrong ? [...OTHERS, GO] : OTHERS) {
    const found = dialect.marks.flatMap(([mark, shown]) => marksIn(bare, mark, shown)).sort((a, b) => a.index - b.index)
    const [first] = found
    if (first === undefined) continue
    const marks = [...new Set(found.map(({ shown }) => shown))].slice(0, MOST_MARKS).join(', ')
    const message = `this is ${dialect.name} (${marks}): ${dialect.advice}`
    return { ...placeAt(bare, first.index), message }
  }
  return null
}

function marksIn(
  text: string,
  mark: RegExp,
  shown: string,
): readonly { readonly index: number; readonly shown: string }[] {
  return [...text.matchAll(new RegExp(mark, 'g'))].map((match) => ({
    index: match.index,
    shown: shown.replace('$1', () => match[1] ?? ''),
  }))
}

/** Blanks what is no tag of ours: `\{{`, which writes braces, and comments. */
function withoutComments(text: string): string {
  const search = new Search(text)
  return blanked(text, /(?<!\\)\\\{\{|\{\{~?!(?:--)?/g, ([open], from) => {
    const inside = from + open.length
    if (open.startsWith('\\')) return { parts: [[from, inside]], end: inside }
    const longEnd = Math.min(search.end('--}}', inside), search.end('--~}}', inside))
    const end = open.endsWith('--') && longEnd < Infinity ? longEnd : search.end('}}', from + open.indexOf('!'))
    return end === Infinity ? null : { parts: [[from, end]], end }
  })
}

/** Blanks what is in quotes and in brackets in a tag: that can be any text, as everywhere around tags. */
function withoutQuoted(text: string): string {
  const search = new Search(text)
  return blanked(text, /\{(?=\{)/g, (_open, from) => {
    const parts: Part[] = []
    let at = from + 2
    for (;;) {
      const next = new RegExp(SPECIAL)
      next.lastIndex = at
      const found = next.exec(text)
      if (found?.[0] === '}}') return { parts, end: next.lastIndex }
      const close = CLOSING[found?.[0] ?? '']
      if (found === null || close === undefined) return null
      const start = found.index + 1
      let end = search.end(close, start)
      while (close === '"' && text[end - 2] === '\\') end = search.end(close, end)
      if (end === Infinity) return null
      parts.push([start, end - 1])
      at = end
    }
  })
}

/** What ends the plain part of a tag. */
const SPECIAL = /\}\}|[{}"'[]/g
const CLOSING: Readonly<Record<string, string>> = { '"': '"', "'": "'", '[': ']' }

type Part = readonly [from: number, end: number]

/** Blanks the parts that `partsOf` finds in a text that begins with `open`, up to its end; null: it does not begin so. */
function blanked(
  text: string,
  open: RegExp,
  partsOf: (match: RegExpExecArray, from: number) => { readonly parts: readonly Part[]; readonly end: number } | null,
): string {
  let [bare, done, past] = ['', 0, 0]
  for (const match of text.matchAll(open)) {
    if (match.index < past) continue
    const found = partsOf(match, match.index)
    for (const [from, end] of found?.parts ?? []) {
      bare += text.slice(done, from) + blank(text.slice(from, end))
      done = end
    }
    past = found?.end ?? past
  }
  return bare + text.slice(done)
}

/** Looks for ends: through no part of the text twice, so that a thousand comments without one take no time. */
class Search {
  readonly #text: string
  readonly #found = new Map<string, { readonly from: number; readonly end: number }>()

  constructor(text: string) {
    this.#text = text
  }

  /** Returns where `end`, looked for from there on, is over; Infinity: there is none. */
  end(end: string, from: number): number {
    const known = this.#found.get(end)
    if (known !== undefined && known.from <= from && from <= known.end - end.length) return known.end
    const at = this.#text.indexOf(end, from)
    const found = { from, end: at === -1 ? Infinity : at + end.length }
    this.#found.set(end, found)
    return found.end
  }
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ')
}
