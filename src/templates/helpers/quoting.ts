/** Text of strangers, made fit for what will read it: each target's own rules, or a refusal. */
import { bytesOfText, hasBytes } from '../../text/binary-text.ts'
import { HelperError, type Helper } from '../engine/helper.ts'
import { ANY, TEXT } from '../engine/shape.ts'
import { isAbsent, isRecord, scalarOf, textOf } from './arguments.ts'

type Quoting = (value: unknown) => string

/** Control characters, which no line of a configuration holds, and halves of characters, which no file holds. */
const UNWRITABLE = /[\p{Cc}\p{Cs}\u2028\u2029]/u
/** What one of the common readers of INI files takes for something else: comments, quotes, escapes, interpolation. */
const INI_MEANING = /["'`;#\\%$]|^\s|\s$/

const TARGETS: Readonly<Record<string, Quoting>> = {
  /** Configuration manual 2.2: between single quotes everything is itself, and a single quote cannot be. */
  haproxy: (value) => strong(lineOf(value, 'haproxy')),
  /** pgbouncer.ini, a value in a connection string of [databases]: loader.c, cstr_unquote_value. */
  pgbouncer: (value) => `'${lineOf(value, 'pgbouncer').replaceAll(`'`, `''`)}'`,
  /** A name in SQL, and both fields of PgBouncer's auth_file: a quote is doubled. */
  ident: (value) => `"${lineOf(value, 'ident').replaceAll('"', '""')}"`,
  /** ngx_conf_file.c, ngx_conf_read_token: no way is known to it to write a dollar sign that begins no variable. */
  nginx: (value) => {
    const text = lineOf(value, 'nginx')
    if (text.includes('$')) throw new HelperError('nginx cannot be given a text with a dollar sign')
    return `"${text.replace(/["\\]/g, '\\$&')}"`
  },
  /** A value of a connection string: fe-connect.c, conninfo_parse. */
  libpq: (value) => `'${lineOf(value, 'libpq').replace(/['\\]/g, '\\$&')}'`,
  /** A field of a password file: fe-connect.c, passwordFromFile. There `*` alone is any, and a # begins a comment. */
  pgpass: (value) => lineOf(value, 'pgpass').replace(/[:\\]|^#|^\*$/g, '\\$&'),
  /** A value of postgresql.conf: guc-file.l, where a backslash escapes too. */
  postgresql: (value) => `'${lineOf(value, 'postgresql').replaceAll('\\', '\\\\').replaceAll(`'`, `''`)}'`,
  /** One word of a POSIX shell (2.2.2, single quotes): any bytes but NUL. */
  shell: (value) => {
    const text = textOf(value, 'the value')
    if (/[\0\ud800-\udc7f\udd00-\udfff]/u.test(text))
      throw new HelperError('a shell cannot be given a text with a NUL or half a character')
    return strong(text)
  },
  json: jsonOf,
  /** Every JSON text is a YAML value, since YAML 1.2; what 1.1 reads differently is escaped. */
  yaml: jsonOf,
  /** An attribute between quotes, or text between tags. */
  xml: (value) => lineOf(value, 'xml').replace(/[&<>"'\ufffe\uffff]/g, xmlEntity),
  /** As it is, where pgbouncer.ini, Python's configparser, systemd and git would read the same; they share no quoting. */
  ini: (value) => {
    const text = lineOf(value, 'ini')
    if (INI_MEANING.test(text)) throw new HelperError('ini has no quoting for this text that all readers share')
    return text
  },
}

const NAMES = Object.keys(TARGETS).join(', ')

export const QUOTING_HELPERS: readonly Helper[] = [
  {
    name: 'quote',
    usage: 'quote TARGET VALUE',
    arity: { min: 2, max: 2 },
    returns: () => TEXT,
    checkLiterals: ([target]) =>
      typeof target === 'string' && Object.hasOwn(TARGETS, target) ? null : `the target is one of ${NAMES}`,
    unsafe: 'quotes',
    run: ([target, value]) => {
      const quoting = Object.hasOwn(TARGETS, String(target)) ? TARGETS[String(target)] : undefined
      if (quoting === undefined) throw new HelperError(`the target is one of ${NAMES}`)
      return quoting(value)
    },
  },
  {
    name: 'serverName',
    usage: 'serverName TEXT',
    arity: { min: 1, max: 1 },
    returns: () => TEXT,
    unsafe: 'quotes',
    run: ([value]) => serverName(textOf(value, 'the text')),
  },
  {
    name: 'raw',
    usage: 'raw VALUE',
    arity: { min: 1, max: 1 },
    returns: ([shape]) => shape ?? ANY,
    unsafe: 'quotes',
    run: ([value]) => scalarOf(value),
  },
]

/** Returns a name for a server (HAProxy's configuration manual, "server": ASCII letters, digits and `_.:-`). The colon escapes, so that no two texts become the same. */
function serverName(text: string): string {
  if (text === '') throw new HelperError('an empty text is not a valid name of a server')
  if (/^[\w.-]+$/.test(text)) return text
  const escaped = (char: string): string => bytesOfText(char).toString('hex').toUpperCase().replace(/../g, ':$&')
  return Array.from(text, (char) => (/[\w.-]/.test(char) ? char : escaped(char))).join('')
}

function lineOf(value: unknown, target: string): string {
  const text = textOf(value, 'the value')
  if (hasBytes(text)) throw new HelperError(`${target} cannot be given bytes that are not UTF-8`)
  if (UNWRITABLE.test(text)) throw new HelperError(`${target} cannot be given a text with a control character`)
  return text
}

function strong(text: string): string {
  return `'${text.replaceAll(`'`, `'\\''`)}'`
}

/** Escapes what YAML 1.1 treats as no character or as a line break in both. */
function jsonOf(value: unknown): string {
  if (isAbsent(value)) throw new HelperError('the value is not there')
  return jsonText(value).replace(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Names are sorted: the same value gives the same text. */
function jsonText(given: unknown): string {
  const value = scalarOf(given)
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`
  if (isRecord(value)) {
    const fields = Object.keys(value)
      .sort()
      .map((name) => `${JSON.stringify(name)}:${jsonText(value[name])}`)
    return `{${fields.join(',')}}`
  }
  if (typeof value === 'string' && hasBytes(value))
    throw new HelperError('JSON cannot be given bytes that are not UTF-8')
  return JSON.stringify(value ?? null)
}

function xmlEntity(char: string): string {
  if (char === '\ufffe' || char === '\uffff') throw new HelperError('xml has no such character')
  return `&#${char.charCodeAt(0)};`
}
