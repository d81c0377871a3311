/** One member of a Patroni cluster, from its key `members/NAME`. */
import { isDeepStrictEqual } from 'node:util'
import type { Address, Tag } from '../view.ts'
import { parseApiUrl, parseConnUrl } from './conn-url.ts'
import { asLabel, asNumber, asObject, asText, parseJson } from '../../text/unknown-shape.ts'
import { printable } from '../../text/printable.ts'

export interface Member {
  readonly name: string
  /** Address of its Postgres; null while it has none (a member that is still being created). */
  readonly host: string | null
  readonly port: number
  /** Where its pooler is (`proxy_url`, since Patroni 2.1.5); null where it has none. */
  readonly proxy: Address | null
  /** Scheme, host and port of its REST API, without a path: `http://10.0.0.1:8008`. */
  readonly restUrl: string | null
  /** As Patroni wrote it, which lags by up to a loop: never a reason to route. */
  readonly role: string
  readonly state: string
  readonly timeline: number | null
  /** Position in bytes: written on a primary, replayed (or received) on a replica. */
  readonly position: number | null
  readonly replicationState: string | null
  readonly version: string | null
  readonly tags: Readonly<Record<string, Tag>>
  readonly pendingRestart: boolean
}

/**
 * Parses the value of one member key, of Patroni 2.1 to 4.1 (reference: dcs/__init__.py, Member.from_node).
 * Returns a reason where it cannot be understood; the reason holds no part of the value.
 */
export function parseMember(name: string, value: string): Member | string {
  if (!isMemberName(name)) return 'not a member name'
  const legacy = /^postgres(ql)?:\/\//.test(value)
  const fields: Readonly<Record<string, unknown>> | null = legacy ? { conn_url: value } : asObject(parseJson(value))
  if (fields === null) return 'the value is not a JSON object'
  const connUrl = asText(fields['conn_url'])
  const address = connUrl === null ? null : parseConnUrl(connUrl)
  if (typeof address === 'string') return `conn_url ${address}`
  const proxyUrl = asText(fields['proxy_url'])
  const proxy = proxyUrl === null ? null : parseConnUrl(proxyUrl)
  if (typeof proxy === 'string') return `proxy_url ${proxy}`
  const apiUrl = asText(fields['api_url']) ?? (connUrl === null ? null : legacyApiUrl(connUrl))
  const restUrl = apiUrl === null ? null : parseApiUrl(apiUrl)
  if (apiUrl !== null && restUrl === null) return 'api_url is not an http or https URL'
  return {
    name,
    host: address?.host ?? null,
    port: address?.port ?? DEFAULT_PORT,
    proxy,
    restUrl,
    role: asLabel(fields['role']) ?? 'unknown',
    state: asLabel(fields['state']) ?? 'unknown',
    timeline: asNumber(fields['timeline']),
    position: asNumber(fields['xlog_location']) ?? asNumber(fields['replay_lsn']),
    replicationState: asLabel(fields['replication_state']),
    version: asLabel(fields['version']),
    tags: parseTags(fields['tags']),
    pendingRestart: Boolean(fields['pending_restart']),
  }
}

/** Returns whether nothing but the position of a member has changed. */
export function isSameButPosition(one: Member, other: Member): boolean {
  return one === other || isDeepStrictEqual({ ...one, position: null }, { ...other, position: null })
}

/** Longest name of a member. */
const MAX_NAME = 255

function isMemberName(name: string): boolean {
  return name !== '' && !/[/\ufffd]/.test(name) && name === memberName(name)
}

/**
 * Returns a name as it may be shown and logged. A name that had to be changed for that holds U+FFFD, so it is no
 * member's.
 */
export function memberName(text: string): string {
  return printable(text, MAX_NAME)
}

/** Returns the tags with plain values only; nested ones could be deeper than anything can print. */
function parseTags(value: unknown): Readonly<Record<string, Tag>> {
  const entries = Object.entries(asObject(value) ?? {})
  return Object.fromEntries(entries.filter((entry): entry is [string, Tag] => isTag(entry[1])))
}

function isTag(value: unknown): value is Tag {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

const DEFAULT_PORT = 5432

/**
 * Returns the REST API of Patroni before 1.0, which kept it in conn_url:
 * `postgres://...?application_name=http://10.0.0.1:8008/patroni`.
 */
function legacyApiUrl(connUrl: string): string | null {
  const query = connUrl.indexOf('?')
  return query < 0 ? null : asText(new URLSearchParams(connUrl.slice(query)).get('application_name'))
}
