/** Whether a text is a template of another kind: then that is said once, instead of an error for each of its tags. */
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
 * Of Go's tags some would be right here, too: such a text is one of Go's only if something is wrong with it. Each mark stands
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
  advice: 'see docs/templates.md, Coming from confd',
}

/** Nothing of these means anything here: it would be written as it is. */
const OTHERS: readonly Dialect[] = [
  {
    name: 'a Jinja template',
    marks: [
      [/\{%[-+]?\s*(if|for|set|macro|block|extends|include|import|from|raw|with)\b[^\n]*?%\}/, '{% $1 ... %}'],
      [new RegExp(`${BEFORE_BAR.source}(?:\\s*\\w+\\s*\\|)*\\s*(\\w+)\\([^{}]*\\}\\}`), '{{... | $1(...)}}'],
    ],
    advice: 'here it is Handlebars, see docs/templates.md',
  },
  {
    name: 'an ERB template',
    marks: [[/<%[-=]?\s[^\n]*?%>/, '<% ... %>']],
    advice: 'here it is Handlebars, see docs/templates.md',
  },
]

/** Shown of one text. */
const MOST_MARKS = 3

/** No tags of ours: `\{{`, which writes braces, and comments. */
const NO_TAG = /(?<!\\)\\\{\{|\{\{~?!(?:--[^]*?--~?\}\}|[^]*?\}\})/g

/** Any text can be in quotes and in brackets, as everywhere around tags. */
const QUOTED = /"[^"\\]*(?:\\(?:"|(?!"))[^"\\]*)*"|'[^']*'|\[[^\]]*\]/g
const TAG = new RegExp(`\\{\\{[^{}"'[]*(?:(?:${QUOTED.source})[^{}"'[]*)*\\}\\}`, 'g')

/** What is said of a text that is written in another language; `isWrong`: it has problems as one of ours. null: it is not. */
export function dialectProblem(text: string, isWrong: boolean): TemplateProblem | null {
  const bare = text
    .replace(NO_TAG, blank)
    .replace(TAG, (tag) =>
      tag.replace(QUOTED, (quoted) => `${quoted[0] ?? ''}${blank(quoted.slice(1, -1))}${quoted.at(-1) ?? ''}`),
    )
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

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ')
}
