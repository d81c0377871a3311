/** Which members a route may use, from the view: the rules of Patroni's REST API (api.py, do_GET). Pure. */
import type { ListenerConfig, Route } from '../config/config.ts'
import { type Address, type ClusterView, isSameAddress, isServing, type MemberView } from '../watcher/view.ts'
import { overrideText } from '../override.ts'
import { lagStep, whyLagging, type WithinLag } from './lag.ts'

export interface Target {
  readonly member: string
  /** An IP address: where the member has been confirmed. */
  readonly address: Address
  /** What the member is called there; only for messages. */
  readonly host: string
  /** The epoch of the primary; a dial that completes under another one is closed. 0 of others. */
  readonly epoch: number
  /** Handed back with a failed dial; null of others. */
  readonly basis: string | null
}

/** The use of a route for the members of the latest view. */
export interface RouteState {
  readonly withinLag: WithinLag
  /** As in the view: sorted by name. */
  readonly uses: readonly MemberUse[]
  /** The members that accept new sessions, without the primary. */
  readonly targets: readonly Target[]
  /** Whether the primary, where it is open, belongs to them. */
  readonly admitsPrimary: boolean
  /** Some may turn out to be fit: whether they are is not known yet, after a start or when they have just come. */
  readonly isPending: boolean
}

export interface MemberUse extends Eligibility {
  readonly member: string
}

export interface Eligibility {
  readonly fit: boolean
  /** Why not; empty where it is. */
  readonly reason: string
  /**
   * What of the route itself rules it out; null: the member is not fit for any, the route is not for its kind, or its lag
   * is not known yet.
   */
  readonly cause: 'noloadbalance' | 'sync' | 'tag' | 'lag' | null
}

export const NEW_ROUTE: RouteState = {
  withinLag: new Map(),
  uses: [],
  targets: [],
  admitsPrimary: false,
  isPending: true,
}

type Kind = 'primary' | 'standby-leader' | 'replica'

const ADMITTED: Readonly<Record<Route, readonly Kind[]>> = {
  primary: ['primary'],
  replica: ['replica'],
  sync: ['replica'],
  async: ['replica'],
  'read-only': ['primary', 'standby-leader', 'replica'],
  'standby-leader': ['standby-leader'],
  any: ['primary', 'standby-leader', 'replica'],
}

/** Returns what it takes to serve a route, for messages: `synchronous replica`. */
export function nounOf(route: Route): string {
  return NOUNS[route]
}

const NOUNS: Readonly<Record<Route, string>> = {
  primary: 'primary',
  replica: 'replica',
  sync: 'synchronous replica',
  async: 'asynchronous replica',
  'read-only': 'member',
  'standby-leader': 'standby leader',
  any: 'member',
}

/** Returns whether new sessions of a route go to the primary as to any other of its members. */
export function isForPrimary(route: Route): boolean {
  return ADMITTED[route].includes('primary')
}

/** Returns the member to write to; null: none is open. */
export function primaryTarget({ primary }: ClusterView): Target | null {
  const { member, address, place, epoch, basis } = primary
  if (!isServing(primary) || member === null || address === null || place === null) return null
  return { member, address: place, host: address.host, epoch, basis }
}

/** Returns whether it is a server that may be written to: its sessions are fenced by epoch. */
export function isPrimary({ basis }: Target): boolean {
  return basis !== null
}

/** By name, so that a view is searched once and not for each session. */
export type MembersByName = ReadonlyMap<string, MemberView>

export function byName({ members }: Pick<ClusterView, 'members'>): MembersByName {
  return new Map(members.map((member) => [member.name, member]))
}

/** Returns whether read-only sessions are useless: their member is known to be down, or forgotten. */
export function isDown(members: MembersByName, { member }: Target): boolean {
  return members.get(member)?.replica.down ?? true
}

/** Returns whether the member is at another address now: the server at the old one is no longer checked or fenced. */
export function hasMoved(members: MembersByName, { member, address }: Target): boolean {
  const present = members.get(member)
  return (present?.address ?? null) !== null && !isSameAddress(present?.place ?? null, address)
}

/** Returns what the route makes of the next view. */
export function routeStep(before: RouteState, view: ClusterView, listener: ListenerConfig): RouteState {
  const withinLag = lagStep(before.withinLag, view.members, listener.maxLagBytes)
  const judged = view.members.map((member) => {
    const isWithinLag = withinLag.get(member.name) ?? null
    const eligibility = judge(member, view, listener, isWithinLag)
    const lacksOnlyLag = isWithinLag === null && !eligibility.fit && judge(member, view, listener, true).fit
    const kind = kindOf(member, view)
    const isUnchecked =
      !member.replica.checked && member.override === undefined && ADMITTED[listener.route].includes(kind)
    return { member, kind, eligibility, isPending: isUnchecked || lacksOnlyLag }
  })
  const primary = view.members.find(({ name }) => name === view.primary.member)
  return {
    withinLag,
    uses: judged.map(({ member: { name: member }, eligibility }) => ({ member, ...eligibility })),
    targets: judged.flatMap(({ member: { name: member, address, place }, kind, eligibility }) =>
      kind !== 'primary' && eligibility.fit && address !== null && place !== null
        ? [{ member, address: place, host: address.host, epoch: 0, basis: null }]
        : [],
    ),
    isPending: judged.some(({ isPending }) => isPending),
    admitsPrimary: isForPrimary(listener.route) && tagFault(primary?.tags ?? {}, listener) === null,
  }
}

/** Returns what a member is. The leader of a standby cluster is a replica; every other leader is, or was, the primary. */
function kindOf({ name, isLeader }: MemberView, { primary, standbyCluster }: ClusterView): Kind {
  if (name === primary.member) return 'primary'
  if (!isLeader) return 'replica'
  return standbyCluster ? 'standby-leader' : 'primary'
}

/** Returns whether a route may use a member, and why not. `isWithinLag`: null where the lag was never known. */
function judge(
  member: MemberView,
  view: ClusterView,
  listener: ListenerConfig,
  isWithinLag: boolean | null,
): Eligibility {
  const { route, maxLagBytes } = listener
  const kind = kindOf(member, view)
  if (!ADMITTED[route].includes(kind)) return unfit(`is ${NAMES[kind]}`)
  if (member.override !== undefined) return unfit(overrideText(member.override))
  if (kind === 'primary') {
    const { state, reason, member: named } = view.primary
    if (member.name !== named) return unfit('is named as the leader, but is not the primary')
    return isServing(view.primary) ? (tagFault(member.tags, listener) ?? FIT) : unfit(`${state}: ${reason}`)
  }
  const { replica, address, place, tags, isSync } = member
  if (!replica.fit) return unfit(replica.reason)
  if (address === null) return unfit('has no address')
  if (place === null) return unfit(`its name ${address.host} has not been resolved`)
  if (kind === 'standby-leader') return tagFault(tags, listener) ?? FIT
  if (route !== 'any' && Boolean(tags['noloadbalance'])) return unfit('noloadbalance', 'noloadbalance')
  if (route === 'sync' && !isSync) return unfit('is not synchronous', 'sync')
  if (route === 'async' && isSync) return unfit('is synchronous', 'sync')
  const fault = tagFault(tags, listener)
  if (fault !== null || maxLagBytes === null || isWithinLag === true) return fault ?? FIT
  return unfit(whyLagging(member, maxLagBytes), isWithinLag === null ? null : 'lag')
}

const FIT: Eligibility = { fit: true, reason: '', cause: null }
const NAMES: Readonly<Record<Kind, string>> = {
  primary: 'the leader',
  'standby-leader': 'the standby leader',
  replica: 'a replica',
}

function unfit(reason: string, cause: Eligibility['cause'] = null): Eligibility {
  return { fit: false, reason, cause }
}

/** Returns why its tags rule a member out: as `?tag_key=value` of Patroni's REST API, which the routes of a leader lack. */
function tagFault(tags: MemberView['tags'], { route, tags: wanted }: ListenerConfig): Eligibility | null {
  if (route === 'primary' || route === 'standby-leader') return null
  for (const [key, value] of Object.entries(wanted)) {
    const actual = Object.hasOwn(tags, key) ? tags[key] : undefined
    if (actual === undefined) return unfit(`has no tag ${key}`, 'tag')
    if (asText(actual) !== asText(value)) return unfit(`tag ${key} is ${asText(actual)}, not ${asText(value)}`, 'tag')
  }
  return null
}

function asText(tag: string | number | boolean): string {
  return typeof tag === 'string' ? tag : String(tag).toLowerCase()
}
