/** What a member's PostgreSQL answers to a startup packet. Pure. */
import type { Identity } from './context.ts'
import { frame, int32 } from './frames.ts'
import { fatalError } from '../../pgwire.ts'

export interface Greeting {
  readonly state: 'up' | 'starting' | 'stopping'
  readonly identity: Identity
  readonly serverVersion: string
}

/** What a client needs for a cancel request. */
export interface BackendKey {
  readonly pid: number
  readonly secret: number
}

export interface Welcome {
  readonly answer: Buffer
  /** What the session begins with; null: it does not begin, and the connection is to be closed. */
  readonly settings: ReadonlyMap<string, string> | null
}

const DATABASE = 'postgres'

/** Accepts any user, without a password. `minor`: of the protocol version that the client requests. */
export function greet(
  { state, identity, serverVersion }: Greeting,
  parameters: ReadonlyMap<string, string>,
  backendKey: BackendKey,
  minor: number,
): Welcome {
  const refused = (sqlState: string, message: string, hint = ''): Welcome => {
    return { answer: fatalError(sqlState, message, hint), settings: null }
  }
  if (state === 'starting') return refused('57P03', 'the database system is starting up')
  if (state === 'stopping') return refused('57P03', 'the database system is shutting down')
  if (isOn(parameters.get('replication'))) return refused('0A000', 'the demo has no replication protocol')
  const database = parameters.get('database') ?? parameters.get('user') ?? ''
  if (database !== DATABASE)
    return refused(
      '3D000',
      `database "${database}" does not exist`,
      `The demo has one, ${DATABASE}: psql -d ${DATABASE}`,
    )
  const settings = settingsOf(parameters)
  const newer = [...parameters.keys()].filter((name) => name.startsWith('_pq_.'))
  const negotiation = minor > 0 || newer.length > 0 ? [frame('v', int32(0), int32(newer.length), ...newer)] : []
  const status = Object.entries({ ...STATUS, ...Object.fromEntries(reported(settings)) })
  const answer = Buffer.concat([
    ...negotiation,
    frame('R', int32(0)),
    ...[...status, ['server_version', serverVersion], ['in_hot_standby', identity.readOnly ? 'on' : 'off']].map(
      ([name = '', value = '']) => frame('S', name, value),
    ),
    frame('K', int32(backendKey.pid), int32(backendKey.secret)),
    frame('Z', Buffer.from('I')),
  ])
  return { answer, settings }
}

/** What PostgreSQL reports to every client. */
const STATUS: Readonly<Record<string, string>> = {
  application_name: '',
  client_encoding: 'UTF8',
  DateStyle: 'ISO, MDY',
  default_transaction_read_only: 'off',
  integer_datetimes: 'on',
  IntervalStyle: 'postgres',
  is_superuser: 'on',
  scram_iterations: '4096',
  server_encoding: 'UTF8',
  session_authorization: 'postgres',
  standard_conforming_strings: 'on',
  TimeZone: 'UTC',
}

function reported(settings: ReadonlyMap<string, string>): readonly (readonly [string, string])[] {
  return Object.keys(STATUS).flatMap((name) => {
    const value = [...settings].find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
    return value === undefined ? [] : [[name, value] as const]
  })
}

/** Returns the settings in a startup packet, those in `options` (`-c name=value`) included. */
function settingsOf(parameters: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const own = [...parameters].filter(([name]) => !NO_SETTING.has(name) && !name.startsWith('_pq_.'))
  const options = [...(parameters.get('options') ?? '').matchAll(/(?:-c\s*|--)([\w.-]+)=((?:\\.|\S)*)/g)]
  return new Map([...own, ...options.map(optionOf)].flatMap(([name, value]) => withEncoding(name, value)))
}

/**
 * Replaces the encoding: every session uses UTF-8, or bytes as they are, and ParameterStatus reports it. PGlite does not
 * survive a conversion.
 */
function withEncoding(name: string, value: string): [string, string][] {
  if (name.toLowerCase() !== 'client_encoding') return [[name, value]]
  // PostgreSQL looks at letters and digits alone: `utf-8`, `Unicode`.
  return value.replace(/[^a-z0-9]/gi, '').toLowerCase() === 'sqlascii' ? [[name, 'SQL_ASCII']] : []
}

function optionOf([, name = '', value = '']: RegExpExecArray): [string, string] {
  return [name.replaceAll('-', '_'), value.replace(/\\(.)/g, '$1')]
}

const NO_SETTING: ReadonlySet<string> = new Set(['user', 'database', 'replication', 'options'])

function isOn(value = ''): boolean {
  return /^(on|true|yes|1|database)$/i.test(value)
}
