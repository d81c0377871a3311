/** What a template engine was to fill in, and has not. No message shows a value. Pure. */
import { isMapping, type Mapping } from '../../text/unknown-shape.ts'
import type { DcsSection } from '../dcs/kind.ts'
import type { Fault, Remark } from './problem.ts'

/**
 * Jinja, Helm and Go; ERB; envsubst and shells; autoconf; Windows. `{{staged}}` and `{{destination}}` are the router's
 * own.
 */
const MARKS: readonly (readonly [mark: RegExp, shown: string])[] = [
  [/\{\{(?!\s*(?:staged|destination|\.?src|\.?dest)\s*\}\})|\{%|\{#/, '{{ }}, {% %}'],
  [/<%/, '<% %>'],
  [/\$\{/, '${ }'],
  [/@[A-Z][A-Z0-9_]*@/, '@ @'],
  [/%[A-Z][A-Z0-9_]*%/, '% %'],
]

/** Marks that YAML reads as text, and the character that is an error in them where no text can have it. */
const STUMBLES_AT: Readonly<Record<string, number>> = { '${ }': 1, '@ @': 0, '% %': 0 }

/** Besides those, in a value: Kubernetes, shells, documents, systemd, Python, Ruby, Concourse. */
const IN_VALUES: readonly (readonly [mark: RegExp, shown: string])[] = [
  ...MARKS,
  [/\$\([A-Za-z_][\w.-]*\)/, '$( )'],
  [/\$[A-Za-z_]{2,}|(?<![\w$])\$[A-Za-z_]/, '$'],
  [/<[A-Za-z][\w .-]*>/, '< >'],
  [/__[A-Z][A-Z_]*__/, '__ __'],
  [/^%[A-Za-z]$/, '%'],
  [/%\([A-Za-z_]\w*\)s/, '%( )s'],
  [/#\{[^}]+\}/, '#{ }'],
  [/\(\(\s*[A-Za-z_][\w.-]*\s*\)\)/, '(( ))'],
  [/\[\[\s*[A-Za-z_][\w .-]*\]\]/, '[[ ]]'],
  [/`[^`]+`/, '` `'],
]

interface Mark {
  readonly line: number
  readonly column: number
  readonly shown: string
}

/** Replaces the errors from the first one on that comes from a mark of a template by one message about that mark. */
export function unrendered(text: string, errors: readonly Remark[]): readonly Remark[] {
  const lines = text.split(/\r?\n/)
  const found = marksOf(lines)
  const causes = errors.map((error) => {
    // An error can be seen but on the next line.
    const before = lines.slice(0, error.line - 1).findLastIndex((line) => line.trim() !== '') + 1
    return found.filter((mark) => isCause(mark, error, before))
  })
  const first = causes.findIndex((marks) => marks.length > 0)
  const cause = causes[first]?.[0]
  if (cause === undefined) return errors
  const shown = [...new Set(causes.flat().map((mark) => mark.shown))].join(', ')
  const { line, column } = cause
  const message = `this looks like a template that was not rendered (${shown})`
  return [...errors.slice(0, first), { line, column, message }]
}

/** Returns the marks in order. Text in quotes has none, and PATRONI_ROUTER_... is set by the router. */
function marksOf(lines: readonly string[]): readonly Mark[] {
  return lines.flatMap((line, index) => {
    const bare = line
      .replace(QUOTED, (quoted) => ' '.repeat(quoted.length))
      .replaceAll('${PATRONI_ROUTER_', (name) => ' '.repeat(name.length))
      .replace(/(^|\s)#.*$/, '')
    const marks = MARKS.flatMap(([mark, shown]) =>
      [...bare.matchAll(new RegExp(mark, 'g'))].map((match) => ({ line: index + 1, column: match.index + 1, shown })),
    )
    return marks.toSorted((a, b) => a.column - b.column)
  })
}

/** A value or a key in quotes that are closed on its line. */
const QUOTED = /(?<=^\s*|[[{,]\s*|[:-]\s+)(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')(?=\s*(?:$|[\]},:]|\s#))/g

/** Returns whether a mark explains an error. `before`: the line with text before that of the error. */
function isCause({ line, column, shown }: Mark, error: Remark, before: number): boolean {
  const at = STUMBLES_AT[shown]
  if (at !== undefined) return error.line === line && error.column === column + at
  return line === error.line || line === before
}

/** Sections with names, addresses and paths, besides those of the DCS. */
const SECTIONS = [
  ...['scope', 'namespace', 'name', 'citus', 'ctl', 'restapi', 'state_dir', 'admin', 'proxy'],
  ...['track', 'templates', 'hooks', 'clusters', 'logging'],
]
/** What may well have such marks, or is secret, or is not read here. */
const NOT_LOOKED_AT: ReadonlySet<string> = new Set([
  ...['password', 'keyfile_password', 'authentication', 'auth', 'check', 'reload', 'command', 'env', 'listen'],
  ...['connect_address', 'ciphers', 'allowlist', 'http_extra_headers', 'https_extra_headers'],
])

/** Returns the values that hold a placeholder, each with its place. */
export function unfilled(tree: Mapping, kinds: readonly DcsSection[]): Fault[] {
  return [...SECTIONS, ...kinds.map(({ name }) => name)].flatMap((name) => unfilledIn(tree[name], [name]))
}

function unfilledIn(value: unknown, path: readonly string[]): Fault[] {
  if (NOT_LOOKED_AT.has(path.at(-1) ?? '')) return []
  if (Array.isArray(value)) return value.flatMap((item: unknown, index) => unfilledIn(item, [...path, String(index)]))
  if (isMapping(value)) return Object.entries(value).flatMap(([key, below]) => unfilledIn(below, [...path, key]))
  if (typeof value !== 'string') return []
  // A URL may have a password.
  const bare = value.replace(/\/\/.*@/, '//')
  const found = IN_VALUES.find(([mark]) => mark.test(bare))
  return found === undefined ? [] : [{ path, message: `holds a placeholder that was not filled in (${found[1]})` }]
}
