/** What a template engine was to fill in, and has not. No message shows a value. Pure. */
import { isMapping } from './parsed.ts'
import type { Fault } from './problem.ts'
import type { Remark } from './yaml.ts'

/**
 * Jinja, Helm and Go; ERB; envsubst and shells; autoconf; Windows. `{{staged}}` and `{{destination}}` are the router's own.
 */
const MARKS: readonly (readonly [mark: RegExp, shown: string])[] = [
  [/\{\{(?!\s*(?:staged|destination|\.?src|\.?dest)\s*\}\})|\{%|\{#/, '{{ }}, {% %}'],
  [/<%/, '<% %>'],
  [/\$\{/, '${ }'],
  [/@[A-Z][A-Z0-9_]*@/, '@ @'],
  [/%[A-Z][A-Z0-9_]*%/, '% %'],
]

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

/** One message in the place of those about the YAML, if they come from marks of a template; null: they do not. */
export function unrendered(text: string, errors: readonly Remark[]): Remark | null {
  const found = text.split(/\r?\n/).flatMap((line, index) => {
    const bare = line.replace(/(^|\s)#.*$/, '')
    const marks = MARKS.filter(([mark]) => mark.test(bare))
    const column = Math.min(...marks.map(([mark]) => bare.search(mark))) + 1
    return marks.map(([, shown]) => ({ line: index + 1, column, shown }))
  })
  const [first] = found
  // An error can be seen but on the next line.
  const isCause = errors.some((error) => found.some(({ line }) => line === error.line || line === error.line - 1))
  if (first === undefined || !isCause) return null
  const shown = [...new Set(found.map((each) => each.shown))].join(', ')
  const { line, column } = first
  return { line, column, message: `this looks like a template that was not rendered (${shown})` }
}

/** Sections with names, addresses and paths. */
const SECTIONS = [
  ...['scope', 'namespace', 'name', 'citus', 'etcd3', 'ctl', 'restapi', 'rest', 'file', 'state_dir', 'admin', 'proxy'],
  ...['track', 'templates', 'hooks', 'clusters', 'logging'],
]
/** What may well have such marks, or is secret, or is not read here. */
const NOT_LOOKED_AT: ReadonlySet<string> = new Set([
  ...['password', 'keyfile_password', 'authentication', 'auth', 'check', 'reload', 'command', 'env', 'listen'],
  ...['connect_address', 'ciphers', 'allowlist', 'http_extra_headers', 'https_extra_headers'],
])

/** Values that hold a placeholder, each with its place. */
export function unfilled(tree: Readonly<Record<string, unknown>>): Fault[] {
  return SECTIONS.flatMap((name) => unfilledIn(tree[name], [name]))
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
