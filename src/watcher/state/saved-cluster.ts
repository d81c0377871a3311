/**
 * The last known cluster as it is kept for a start without DCS: what to check the members for, and nothing that counts
 * by itself. Pure.
 */
import { isIP } from 'node:net'
import { z } from 'zod'
import { bad, good, type Parsed } from '../../config/values/parsed.ts'
import { parseJson } from '../../text/unknown-shape.ts'
import { type Member, parseMember } from '../members/member.ts'
import { type Served, servedAt } from '../primary/machine.ts'
import type { KnownMember } from '../members/known-members.ts'
import { NO_PIN, type Pin, type Pins } from '../members/pins.ts'
import { printable } from '../../text/printable.ts'
import { type Address, isSameAddress } from '../view.ts'

export interface SavedCluster {
  readonly systemId: string | null
  readonly standbyCluster: boolean
  /** The timeline of the last proof: nothing below counts. */
  readonly timelineFloor: number
  readonly served: Served
  /** Sorted by name. */
  readonly members: readonly SavedMember[]
}

/** What lasts of a member: nothing that a healthy cluster changes all the time, and no secret. */
export type SavedMember = Pick<Member, 'name' | 'host' | 'port' | 'proxy' | 'restUrl' | 'timeline' | 'tags'> &
  Pick<KnownMember, 'goneSince'> & {
    /** The IP address of each of its names where it was last confirmed. */
    readonly addresses: Readonly<Record<string, string>>
  }

/** The cluster whose state it is: that of another cluster is ignored. */
export interface StateIdentity {
  readonly scope: string
  readonly namespace: string
  readonly citusGroup: number | null
}

/** To be raised when an older router would misunderstand what is written. */
const FORMAT = 2
/** The additions of version 2 are optional: without any of it an older router can still use the file. */
const FORMAT_OF_THE_PRESENT = 1

const HEADER = z.looseObject({ format: z.int() })
const COUNT = z.int().min(0)
const ADDRESS = z.strictObject({ host: z.string(), port: z.int() })
const MEMBER = z.strictObject({
  name: z.string(),
  host: z.string().nullable(),
  port: z.int(),
  proxy: ADDRESS.nullable(),
  rest_url: z.string().nullable(),
  timeline: COUNT.nullable(),
  tags: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  /** Milliseconds since the epoch. */
  gone_since: COUNT.optional(),
  addresses: z.record(z.string(), z.string()).optional(),
})
const STATE = z.strictObject({
  format: z.union([z.literal(FORMAT_OF_THE_PRESENT), z.literal(FORMAT)]),
  scope: z.string(),
  namespace: z.string(),
  citus_group: COUNT.nullable(),
  system_id: z.string().min(1).max(80).nullable(),
  standby_cluster: z.boolean(),
  timeline_floor: COUNT,
  /** Where both are the floor it is left out. */
  served: z.strictObject({ highest: COUNT, last: COUNT }).optional(),
  members: z.array(MEMBER),
})

/** Returns what is worth keeping of a cluster and its members, also of those that are remembered only. */
export function toSaved(
  cluster: Omit<SavedCluster, 'members' | 'served'> & Partial<Pick<SavedCluster, 'served'>>,
  members: Iterable<KnownMember>,
  pins: Pins = new Map(),
): SavedCluster {
  const { systemId, standbyCluster, timelineFloor, served = servedAt(timelineFloor) } = cluster
  const saved = [...members].map(({ goneSince, member: { name, host, port, proxy, restUrl, timeline, tags } }) => ({
    ...{ goneSince, name, host, port, proxy, restUrl, tags: Object.fromEntries(Object.entries(tags).filter(isKept)) },
    timeline: timeline !== null && COUNT.safeParse(timeline).success ? timeline : null,
    addresses: Object.fromEntries(pins.get(name) ?? NO_PIN),
  }))
  return {
    systemId,
    standbyCluster,
    timelineFloor,
    served,
    // What would not be taken back must not cost the others.
    members: saved.filter((member) => memberOf(member) !== null).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  }
}

/**
 * Returns the members of a kept cluster: where they were, and nothing about how they are. A key cannot have gone after
 * `now`: then the clock was set.
 */
export function fromSaved({ members }: SavedCluster, now: number): readonly KnownMember[] {
  return members.flatMap((saved) => {
    const member = memberOf(saved)
    const goneSince = saved.goneSince === null ? null : Math.min(saved.goneSince, now)
    return member === null ? [] : [{ member, goneSince }]
  })
}

/** Returns where the members were confirmed, and so where they can be checked while the DNS does not answer. */
export function pinsOf({ members }: SavedCluster): Pins {
  return new Map(members.map(({ name, addresses }): [string, Pin] => [name, new Map(Object.entries(addresses))]))
}

/** Returns the text of a state file; equal clusters give equal texts. */
export function encodeState({ scope, namespace, citusGroup }: StateIdentity, cluster: SavedCluster): string {
  const { timelineFloor, served } = cluster
  const isOrdinary = served.highest === timelineFloor && served.last === timelineFloor
  const isOfThePresent = isOrdinary && cluster.members.every(isPlain)
  const state: z.infer<typeof STATE> = {
    format: isOfThePresent ? FORMAT_OF_THE_PRESENT : FORMAT,
    ...{ scope, namespace, citus_group: citusGroup },
    system_id: cluster.systemId,
    standby_cluster: cluster.standbyCluster,
    timeline_floor: timelineFloor,
    ...(isOrdinary ? {} : { served: { highest: served.highest, last: served.last } }),
    members: cluster.members.map(({ name, host, port, proxy, restUrl, timeline, tags, goneSince, addresses }) => ({
      ...{ name, host, port, proxy, rest_url: restUrl, timeline, tags: sorted(tags) },
      ...(goneSince === null ? {} : { gone_since: goneSince }),
      ...(Object.keys(addresses).length === 0 ? {} : { addresses: sorted(addresses) }),
    })),
  }
  return `${JSON.stringify(state, null, 2)}\n`
}

/**
 * Reads what `encodeState` wrote, and nothing else; a message is fit to follow the name of the file, and shows no value.
 */
export function decodeState(text: string, identity: StateIdentity): Parsed<SavedCluster> {
  const json = parseJson(text)
  const header = HEADER.safeParse(json)
  if (!header.success) return bad('is not a state file, or is truncated')
  if (header.data.format > FORMAT) return bad('was written by a newer version of patroni-router')
  const { data, error } = STATE.safeParse(json)
  if (data === undefined) return bad(`is damaged at ${printable(placeOf(error), 80)}`)
  const { scope, namespace, citus_group: citusGroup } = data
  if (scope !== identity.scope || namespace !== identity.namespace || citusGroup !== identity.citusGroup)
    return bad('belongs to another cluster')
  const members = data.members.map(({ rest_url: restUrl, gone_since: goneSince = null, addresses = {}, ...member }) => {
    return { ...member, restUrl, goneSince, addresses }
  })
  const wrong = members.findIndex((member, index) => !isUsable(member) || !isAfter(member, members[index - 1]))
  if (wrong >= 0) return bad(`is damaged at members.${wrong}`)
  const { system_id: systemId, standby_cluster: standbyCluster, timeline_floor: timelineFloor } = data
  const { served = servedAt(timelineFloor) } = data
  if (served.last > served.highest) return bad('is damaged at served')
  if (systemId !== null && printable(systemId, 80) !== systemId) return bad('is damaged at system_id')
  return good({ systemId, standbyCluster, timelineFloor, served, members })
}

function placeOf(error: z.ZodError): string {
  const path = error.issues[0]?.path ?? []
  return path.length === 0 ? 'its top' : path.map(String).join('.')
}

/** Returns whether an older router can read the member. */
function isPlain({ goneSince, addresses }: SavedMember): boolean {
  return goneSince === null && Object.keys(addresses).length === 0
}

function isUsable(member: SavedMember): boolean {
  return memberOf(member) !== null && Object.values(member.addresses).every((address) => isIP(address) !== 0)
}

function sorted<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function isAfter(member: SavedMember, before: SavedMember | undefined): boolean {
  return before === undefined || before.name < member.name
}

/** Returns whether a tag survives JSON, which has no Infinity, and no `__proto__` that is not the prototype. */
function isKept([tag, value]: [string, unknown]): boolean {
  return tag !== '__proto__' && (typeof value !== 'number' || Number.isFinite(value))
}

/**
 * Parses a member through the parser of the real keys, so that nothing is accepted here that would be refused there;
 * null where it would.
 */
function memberOf(saved: SavedMember): Member | null {
  const { name, host, port, proxy, restUrl, timeline, tags } = saved
  const address = host === null ? null : { host, port }
  const value = { conn_url: urlOf(address), proxy_url: urlOf(proxy), api_url: restUrl, timeline, tags }
  const member = parseMember(name, JSON.stringify(value))
  if (typeof member === 'string') return null
  const read = member.host === null ? null : { host: member.host, port: member.port }
  return isSameAddress(read, address) && isSameAddress(member.proxy, proxy) && member.restUrl === restUrl
    ? member
    : null
}

function urlOf(address: Address | null): string | null {
  if (address === null) return null
  const { host, port } = address
  return `postgres://${/[:%]/.test(host) ? `[${host.replace('%', '%25')}]` : host}:${port}/postgres`
}
