/** What the demo's PostgreSQL cannot do, and why: refused with a reason rather than with a puzzling error. Pure. */
import { isCopyIn } from './context.ts'
import type { Frame } from './frames.ts'

export interface Refusal {
  readonly sqlState: string
  readonly message: string
  readonly hint: string
}

/** What the error of a refusal is known by, in a field that it has no use for: the name of a schema. */
export const REFUSED = 'demo_refused_this'

const ONE_DATABASE = 'the demo has one database, postgres, which all members share'
const NO_FILES = 'the demo has no files: its PostgreSQL runs in memory, in WebAssembly'
const NO_STANDBY = 'the demo has one database behind all members, so that there is no replication and no recovery'
const NO_SERVER_SETTINGS = 'the demo has no settings of the server'

/** Of one statement, with literals as `''` and without comments. The first one that fits. */
const RULES: readonly (readonly [statement: RegExp, message: string, hint?: string])[] = [
  [/^create database\b/, `${ONE_DATABASE}: CREATE DATABASE is not possible`, 'Use CREATE SCHEMA.'],
  [/^drop database\b/, `${ONE_DATABASE}: DROP DATABASE is not possible`, 'Use DROP SCHEMA.'],
  [
    /^alter database \S+ (rename|owner|set tablespace|(with )?(allow|connection|is_template))\b/,
    `${ONE_DATABASE}: ALTER DATABASE is not possible`,
  ],
  [/^alter system\b/, NO_SERVER_SETTINGS, 'Use SET in the session.'],
  [/\bpg_reload_conf *\(/, NO_SERVER_SETTINGS, 'Use SET in the session.'],
  [/^create tablespace\b/, `${NO_FILES}: CREATE TABLESPACE is not possible`],
  [
    /^copy (\(.*\)|\S+( ?\([^)]*\))?) (from|to) *''/,
    `${NO_FILES}: COPY reads and writes the client's alone`,
    'Use \\copy in psql, or COPY ... FROM STDIN and TO STDOUT.',
  ],
  [/\b(pg_read_file|pg_read_binary_file|pg_ls_dir|pg_stat_file|lo_import|lo_export) *\(/, NO_FILES],
  [/^load\b/, `${NO_FILES}: LOAD is not possible`],
  [/^create extension (?!(if not exists )?"?plpgsql\b)/, 'the demo has no extension but plpgsql'],
  [/^(create|alter) (subscription|server|foreign data wrapper)\b/, 'the demo has no connections to other servers'],
  [/\bpg_(create|copy)_(physical|logical)_replication_slot *\(/, NO_STANDBY],
  [
    /\bpg_(promote|wal_replay_pause|wal_replay_resume) *\(/,
    NO_STANDBY,
    'Use the key s, or POST /switchover of a REST API, as patronictl does.',
  ],
  [/\bpg_(backup_start|backup_stop) *\(/, NO_STANDBY],
  [/^prepare transaction\b/, 'the demo has no prepared transactions: all sessions share one server session'],
  [
    /^listen\b/,
    'the demo delivers no notifications to other sessions: all share one server session',
    'Poll a table instead.',
  ],
]

/** Returns why the demo, the protocol or a replica has to refuse what the server session would do; null: it has not. */
export function refusalOf(message: Frame, sql: string, readOnly: boolean): Refusal | null {
  const refused = (text: string, hint = '', sqlState = '0A000'): Refusal => ({ sqlState, message: text, hint })
  if (message.type === 'F') return refused('the demo has no function calls of the fastpath interface')
  if (runsProgram(sql))
    return refused(`the demo has no processes: COPY TO PROGRAM and COPY FROM PROGRAM are not possible`)
  if (isCopyIn(sql) === null || (message.type === 'P' && isCopyIn(sql) !== false))
    return refused('the demo takes COPY FROM STDIN only as a statement by itself')
  for (const statement of statementsOf(sql))
    for (const [pattern, text, hint] of RULES) if (pattern.test(statement)) return refused(text, hint)
  // As hot_standby does; else default_transaction_read_only would be a replica's only protection.
  return readOnly && escapesReadOnly(sql)
    ? refused('cannot set transaction read-write mode during recovery', '', '25006')
    : null
}

/** Returns a statement that fails with `refusal`, and a transaction with it. */
export function failing({ sqlState, message, hint }: Refusal): string {
  const quoted = (text: string): string => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
  const withHint = hint === '' ? '' : `, HINT = ${quoted(hint)}`
  return `DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '${sqlState}', MESSAGE = ${quoted(message)}, SCHEMA = '${REFUSED}'${withHint}; END $$`
}

/** Comments, literals and quoted names, in this order of what begins first. */
const TOKENS = /--[^\n]*|\/\*[^]*?\*\/|\be'(?:\\[^]|''|[^'\\])*'|'(?:''|[^'])*'|\$(\w*)\$[^]*?\$\1\$|"(?:""|[^"])*"/gi

/** Returns the statements in `sql`, in lower case with single spaces; of literals only `''` remains, of comments a space. */
function statementsOf(sql: string): readonly string[] {
  const plain = sql.replace(TOKENS, (token) =>
    /^(--|\/\*)/.test(token) ? ' ' : token.startsWith('"') ? token.replaceAll(/[;\s]/g, '_') : `''`,
  )
  return plain.split(';').map((each) => each.replace(/\s+/g, ' ').trim().toLowerCase())
}

/** Returns whether a statement runs a program: there are no processes, and PGlite does not survive the attempt. */
function runsProgram(sql: string): boolean {
  const plain = sql.replace(/\/\*[^]*?\*\/|--[^\n]*/g, ' ')
  return /\bcopy\b[^]*\b(to|from)\s+program\s*(e?'|u&'|\$)/i.test(plain)
}

function escapesReadOnly(sql: string): boolean {
  return (
    /\bread\s+write\b/i.test(sql) || /transaction_read_only\W+(to\W+)?'?(off?|f|fa|fal|fals|false|no?|0)\b/i.test(sql)
  )
}
