/** Whether a text is a template of another kind: then that is said once, instead of an error for each of its tags. */
import type { TemplateProblem } from './render.ts'

interface Dialect {
  readonly name: string
  /** Each with what is shown of it; `$1` is what was found. */
  readonly marks: readonly (readonly [RegExp, string])[]
  readonly advice: string
}

/** Of Go's tags some would be right here, too: such a text is one of Go's only if something is wrong with it. */
const GO: Dialect = {
  name: 'a Go template',
  marks: [
    [/\{\{-?\s*(range|printf?|println|define)\b/, '{{$1'],
    [/\{\{-?\s*(keyOrDefault|keyExists|key|service|secret)(?=\s+")/, '{{$1'],
    [/\{\{-?\s*end\s*-?\}\}/, '{{end}}'],
    [/(\$\w+)\s*:?=/, '$1 := ...'],
    [/\{\{-?\s*(\$\w+|\.\w[\w.]*)\s*-?\}\}/, '{{$1}}'],
    [/\{\{-?\s*\/\*/, '{{/*'],
    [/\{\{-\s/, '{{-'],
    [/\s-\}\}/, '-}}'],
    [/\{\{(?![#!])[^{}|]*\|[^{}|]*\}\}/, '{{... | ...}}'],
  ],
  advice: 'see docs/templates.md, Coming from confd',
}

/** Nothing of these means anything here: it would be written as it is. */
const OTHERS: readonly Dialect[] = [
  {
    name: 'a Jinja template',
    marks: [
      [/\{%[-+]?\s*(if|for|set|macro|block|extends|include|import|from|raw|with)\b[^\n]*?%\}/, '{% $1 ... %}'],
      [/\{\{(?![#!])[^{}|]*\|\s*(\w+)\([^{}|]*\}\}/, '{{... | $1(...)}}'],
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

/** What is said of a text that is written in another language; `isWrong`: it has problems as one of ours. null: it is not. */
export function dialectProblem(text: string, isWrong: boolean): TemplateProblem | null {
  const bare = text.replace(/\{\{~?!(?:--[^]*?--~?\}\}|[^]*?\}\})/g, (comment) => comment.replace(/[^\n]/g, ' '))
  for (const dialect of isWrong ? [...OTHERS, GO] : OTHERS) {
    const found = dialect.marks.flatMap(([mark, shown]) => marksIn(bare, mark, shown)).sort((a, b) => a.index - b.index)
    const [first] = found
    if (first === undefined) continue
    const before = bare.slice(0, first.index).split('\n')
    const marks = [...new Set(found.map(({ shown }) => shown))].slice(0, MOST_MARKS).join(', ')
    const message = `this is ${dialect.name} (${marks}): ${dialect.advice}`
    return { line: before.length, column: (before.at(-1) ?? '').length + 1, message }
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
    shown: shown.replace('$1', match[1] ?? ''),
  }))
}
