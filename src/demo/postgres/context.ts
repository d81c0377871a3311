/**
 * What belongs to one session of many that share a server session: its settings, and what it sees of its member. Pure.
 */
import { type Frame, sqlOf } from './frames.ts'

/** The member that a session is on, as SQL shows it. */
export interface Identity {
  readonly member: string
  readonly port: number
  /** A replica. */
  readonly readOnly: boolean
}

/**
 * Makes the functions that tell a server where and what it is tell it of the member, for they know nothing in here.
 * `SHOW demo.member` gives its name.
 */
export const PREPARE_DATABASE = [
  ...replaced('pg_is_in_recovery', 'boolean', `coalesce(current_setting('demo.in_recovery', true), '') = 'on'`),
  ...replaced('inet_server_addr', 'inet', `'127.0.0.1'::inet`),
  ...replaced('inet_server_port', 'integer', `nullif(current_setting('demo.port', true), '')::integer`),
  // A client that terminates its own backend would end the one server session of all.
  ...replaced('pg_backend_pid', 'integer', `nullif(current_setting('demo.backend_pid', true), '')::integer`),
  // It does not survive a conversion from UTF-8 that has something to convert; without them it refuses other encodings.
  'SET allow_system_table_mods = on',
  `DELETE FROM pg_catalog.pg_conversion WHERE pg_catalog.pg_encoding_to_char(conforencoding) = 'UTF8'`,
  'RESET allow_system_table_mods',
].join(';\n')

function replaced(name: string, type: string, expression: string): readonly string[] {
  return [
    `ALTER FUNCTION pg_catalog.${name}() RENAME TO ${name}_of_pglite`,
    `CREATE FUNCTION pg_catalog.${name}() RETURNS ${type} LANGUAGE sql STABLE AS $$ SELECT ${expression} $$`,
  ]
}

/** Reads the settings of a session, in a form that `takeover` accepts. */
export const ASK_SETTINGS = `SELECT name, setting FROM pg_catalog.pg_settings WHERE source = 'session'
  UNION ALL SELECT 'role', pg_catalog.current_setting('role') WHERE pg_catalog.current_setting('role') <> 'none'`

/** Takes the server session over for another session: nothing of the one before remains. */
export function takeover(identity: Identity, backendPid: number, settings: ReadonlyMap<string, string>): string {
  const all = [
    ...settings,
    ['demo.member', identity.member],
    ['demo.port', String(identity.port)],
    ['demo.in_recovery', identity.readOnly ? 'on' : 'off'],
    ['demo.backend_pid', String(backendPid)],
    ...(identity.readOnly ? [['default_transaction_read_only', 'on']] : []),
  ]
  const sets = all.map(([name = '', value = '']) => `pg_catalog.set_config(${quoted(name)}, ${quoted(value)}, false)`)
  return `RESET SESSION AUTHORIZATION; RESET ALL; SELECT ${sets.join(', ')}`
}

function quoted(text: string): string {
  return `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}

/** Returns whether a statement may change settings of its session. */
export function touchesSettings(sql: string): boolean {
  return /\b(set|set_config|reset|discard)\b/i.test(sql)
}

/** Returns whether a statement may take back what `takeover` has set. */
export function resetsSettings(sql: string): boolean {
  return /\b(reset|discard|demo\.)/i.test(sql)
}

/** Returns whether a statement drops the prepared statements of the server session, those of all sessions that is. */
export function dropsStatements(sql: string): boolean {
  return /\b(discard\s+all|deallocate\s+(prepare\s+)?all)\b/i.test(sql)
}

/** Returns whether a statement may make temporary tables, which all sessions would see. */
export function makesTemporary(sql: string): boolean {
  return /\btemp(orary)?\b/i.test(sql)
}

/**
 * Returns whether a statement is a COPY that reads what the client sends; null where it does not stand alone, as it has
 * to in here.
 */
export function isCopyIn(sql: string): boolean | null {
  if (!/\bfrom\s+stdin\b/i.test(sql)) return false
  return /^(\s|--[^\n]*\n)*copy\s[^;]*\bfrom\s+stdin\b[^;]*;?\s*$/i.test(sql) ? true : null
}

/** Returns the words that the first statement begins with, for a message: no value is among them. */
export function firstWords(messages: readonly Frame[]): string {
  const sql = messages.map(sqlOf).find((each) => each !== '') ?? ''
  return /^\s*([a-z_]+(\s+[a-z_]+){0,2})\b/i.exec(sql)?.[1]?.replace(/\s+/g, ' ') ?? ''
}

/** Returns how long a statement sleeps that does nothing else. Milliseconds; null: it does more. */
export function loneSleepMs(messages: readonly Frame[]): number | null {
  const [first] = messages
  if (first?.type !== 'Q' || messages.length > 1) return null
  const found = /^\s*select\s+(?:pg_catalog\.)?pg_sleep\s*\(\s*(\d{1,6}(?:\.\d*)?)\s*\)\s*;?\s*$/i.exec(sqlOf(first))
  return found === null ? null : Number(found[1]) * 1000
}
