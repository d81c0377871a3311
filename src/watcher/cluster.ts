/** A Patroni cluster as its keys in the DCS describe it. Plain, immutable, structured-cloneable data. */
import { isDeepStrictEqual } from 'node:util'
import { asNumber, asObject, asText, parseJson } from '../text/unknown-shape.ts'
import { type Member, memberName, parseMember } from './members/member.ts'
import { printable } from '../text/printable.ts'

export interface Cluster {
  /** The leader that the DCS names. `session` changes whenever the lock was released and taken again. */
  readonly leader: { readonly name: string; readonly session: string } | null
  /** false: where this comes from there is no leader lock to read, so `leader` is always null. */
  readonly hasLock: boolean
  /** The leader that the members name where there is no lock to read: a claim that only a full proof confirms. */
  readonly claimed: string | null
  /** Sorted by name. */
  readonly members: readonly Member[]
  /** Keys that could not be understood; they harm no other. Sorted by name. */
  readonly ignoredKeys: readonly IgnoredKey[]
  /** The system identifier (`initialize`). */
  readonly systemId: string | null
  readonly ttlMs: number | null
  readonly paused: boolean
  readonly standbyCluster: boolean
  readonly failover: FailoverRequest | null
  /** The leader's position, of `status` or the older `optime/leader`; bytes. */
  readonly optime: number | null
  /** The synchronous replicas (`sync`), in lower case: PostgreSQL compares their names without regard to case. */
  readonly syncStandbys: readonly string[]
  /** They are a quorum of candidates (`synchronous_mode: quorum`, since Patroni 4.0), of which some are synchronous. */
  readonly quorum: boolean
}

export interface IgnoredKey {
  /** Fit to be shown. */
  readonly key: string
  readonly reason: string
}

/** The `failover` key. */
export interface FailoverRequest {
  readonly leader: string | null
  readonly member: string | null
  /** Milliseconds since the epoch; null: now. */
  readonly scheduledAt: number | null
}

/** One key below the cluster's prefix. `session` identifies its creation (etcd: the create revision). */
export interface KeyValue {
  readonly value: string
  readonly session: string
}

/** Larger values than this are not Patroni's. Bytes, roughly: UTF-16 units. */
const MAX_VALUE_LENGTH = 1024 * 1024

/** Longest part of a key or value of no known form that is shown. */
const MAX_SHOWN = 80

/** Parses a member, as `parseMember` does. */
type ParseMember = typeof parseMember

/** Parses the keys of one cluster after each change: a member whose value is as before is the same object. */
export class ClusterParser {
  readonly #parse: ParseMember
  #parsed: ReadonlyMap<string, { readonly value: string; readonly member: Member | string }> = new Map()

  constructor(parse: ParseMember = parseMember) {
    this.#parse = parse
  }

  /** See `parseCluster`. */
  parse(keys: ReadonlyMap<string, KeyValue>): Cluster {
    const before = this.#parsed
    const parsed = new Map<string, { readonly value: string; readonly member: Member | string }>()
    const cluster = parseCluster(keys, (name, value) => {
      const known = before.get(name)
      const found = known?.value === value ? known : { value, member: this.#parse(name, value) }
      parsed.set(name, found)
      return found.member
    })
    this.#parsed = parsed
    return cluster
  }
}

/**
 * Understands the keys of one cluster, given relative to its prefix. Tolerant as Patroni is (dcs/__init__.py): never
 * throws, and a value that makes no sense is as if the key were absent, or is ignored with a reason.
 */
export function parseCluster(keys: ReadonlyMap<string, KeyValue>, parse: ParseMember = parseMember): Cluster {
  const members: Member[] = []
  const ignoredKeys: IgnoredKey[] = []
  for (const [key, { value }] of keys) {
    if (!key.startsWith('members/')) continue
    const parsed = value.length > MAX_VALUE_LENGTH ? 'the value is too large' : parse(key.slice(8), value)
    if (typeof parsed === 'string') ignoredKeys.push({ key: printable(key, MAX_SHOWN), reason: parsed })
    else members.push(parsed)
  }
  const text = (key: string): string | null => {
    const value = keys.get(key)?.value ?? null
    return value === null || value === '' || value.length > MAX_VALUE_LENGTH ? null : value
  }
  const leader = keys.get('leader')
  const systemId = text('initialize')
  const config = asObject(parseJson(text('config')))
  const ttl = asNumber(config?.['ttl'])
  return {
    leader:
      leader === undefined || leader.value === '' ? null : { name: memberName(leader.value), session: leader.session },
    members: members.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    hasLock: true,
    claimed: null,
    ignoredKeys: ignoredKeys.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
    systemId: systemId === null ? null : printable(systemId, MAX_SHOWN),
    ttlMs: ttl === null ? null : ttl * 1000,
    paused: isTrue(config?.['pause']),
    standbyCluster: isStandbyCluster(asObject(config?.['standby_cluster'])),
    failover: parseFailover(text('failover')),
    optime: parseOptime(text('status')) ?? parseOptime(text('optime/leader')),
    syncStandbys: parseSync(text('sync')),
    quorum: isQuorum(config?.['synchronous_mode']),
  }
}

/** Returns the leader that the DCS names or, where there is no lock to read, the members. */
export function namedBy({ leader, claimed }: Pick<Cluster, 'leader' | 'claimed'>): string | null {
  return leader?.name ?? claimed
}

/** Returns whether nothing but the members, and the leader's position, has changed. */
export function isSameButMembers(one: Cluster, other: Cluster): boolean {
  const rest = (cluster: Cluster): Cluster => ({ ...cluster, members: [], optime: null })
  return one === other || isDeepStrictEqual(rest(one), rest(other))
}

/** Returns whether the DCS says nothing of it, as where there is no such cluster. */
export function isEmpty({ members, leader, claimed, systemId }: Cluster): boolean {
  return members.length === 0 && leader === null && claimed === null && systemId === null
}

/** Parses a boolean as leniently as Patroni (utils.py, parse_bool). */
function isTrue(value: unknown): boolean {
  return value === true || value === 1 || (typeof value === 'string' && /^(on|true|yes|1)$/i.test(value))
}

/** Returns whether Patroni commits by quorum (its global config, is_quorum_commit_mode). */
function isQuorum(value: unknown): boolean {
  return typeof value === 'string' && value.toLowerCase() === 'quorum'
}

/** Returns whether it is a standby cluster: any of the three keys makes it one (Patroni's global config). */
function isStandbyCluster(section: Readonly<Record<string, unknown>> | null): boolean {
  return section !== null && ['host', 'port', 'restore_command'].some((key) => Boolean(section[key]))
}

/** Parses JSON, or the legacy `leader:member`; `{}` once it is cleared (Failover.from_node). */
function parseFailover(value: string | null): FailoverRequest | null {
  if (value === null) return null
  const json = parseJson(value)
  const [oldLeader, oldMember] = json === undefined ? value.split(':', 2).map((part) => part.trim()) : []
  const legacy = { leader: oldLeader, member: oldMember }
  const object: Readonly<Record<string, unknown>> = json === undefined ? legacy : (asObject(json) ?? {})
  const [leader = null, member = null] = [object['leader'], object['member']].map((name) => {
    const text = asText(name)
    return text === null ? null : memberName(text)
  })
  if (leader === null && member === null) return null
  return { leader, member, scheduledAt: parseTime(object['scheduled_at']) }
}

/** Parses `{"leader":"pg1","sync_standby":"pg2,pg3"}`; without a leader it is void (SyncState.from_node, `voters`). */
function parseSync(value: string | null): readonly string[] {
  const sync = asObject(parseJson(value))
  const names = asText(sync?.['leader']) === null ? [] : (asText(sync?.['sync_standby'])?.split(',') ?? [])
  return names.map((name) => memberName(name.trim()).toLowerCase()).filter((name) => name !== '')
}

/** Parses `scheduled_switchover` of `/cluster`; null where there is none. */
export function parseScheduled(value: unknown): FailoverRequest | null {
  const { at, from, to } = asObject(value) ?? {}
  const scheduledAt = parseTime(at)
  const [leader = null, member = null] = [asText(from), asText(to)].map((name) =>
    name === null ? null : memberName(name),
  )
  return scheduledAt === null ? null : { leader, member, scheduledAt }
}

/**
 * Parses a time. A time that cannot be read is in the far future: a switchover at an unknown time is not requested for
 * now.
 */
function parseTime(value: unknown): number | null {
  if (value === undefined || value === null || value === '') return null
  // Without this check `tomorrow 5` is a day in 2001 to Date.parse.
  const time = typeof value === 'string' && /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(time) ? Number.MAX_SAFE_INTEGER : time
}

function parseOptime(value: string | null): number | null {
  const json = parseJson(value)
  return asNumber(json) ?? asNumber(asObject(json)?.['optime'])
}
