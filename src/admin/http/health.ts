/** Health checks for load balancers, keepalived and Kubernetes: the paths of Patroni's REST API, asked of a router. Pure. */
import { parseSize } from '../../config/values/units.ts'
import { holdsPrimary, type ListenerStatus } from '../../proxy/status.ts'
import { type ClusterView, isServing, type MemberView, servesReads, takesNew } from '../../watcher/view.ts'
import type { ClusterStatus, RouterStatus } from '../status.ts'
import { lagOf } from '../status/member-json.ts'

/** What a check is about: a route; `leader`: the leader of any kind of cluster; `health`: any of them. */
export const CHECKS = [
  'primary',
  'replica',
  'sync',
  'async',
  'read-only',
  'standby-leader',
  'leader',
  'health',
] as const
export type Check = (typeof CHECKS)[number]

/** Checks that pass where one of these does. */
const UNIONS = {
  leader: ['primary', 'standby-leader'],
  health: ['primary', 'read-only', 'standby-leader'],
} as const
type RouteCheck = Exclude<Check, keyof typeof UNIONS>

/** Checks of a leader: Patroni compares neither its lag nor its tags. */
const LEADERS: readonly Check[] = ['primary', 'standby-leader']
const ANY: Wanted = { lagBytes: null, tags: {} }

/** The paths of the checks, Patroni's other words for them included. */
export const CHECK_PATHS: Readonly<Record<string, Check>> = {
  ...{ primary: 'primary', leader: 'leader', master: 'primary', 'read-write': 'primary' },
  ...{ replica: 'replica', sync: 'sync', synchronous: 'sync', async: 'async', asynchronous: 'async' },
  ...{ 'read-only': 'read-only', 'standby-leader': 'standby-leader', standby_leader: 'standby-leader' },
  health: 'health',
}

/** What a member has to be like besides. */
export interface Wanted {
  /** Bytes; null: however far behind. */
  readonly lagBytes: number | null
  readonly tags: Readonly<Record<string, string>>
}

export interface ClusterHealth {
  readonly cluster: string
  readonly ok: boolean
  /** The members that new connections go to. */
  readonly members: readonly string[]
  /** Why there is none; empty where there is. */
  readonly reason: string
}

/** Parses `?lag=16MB&tag_dc=a`, as Patroni's; a text: what is wrong with it. */
export function parseWanted(query: Readonly<Record<string, unknown>>): Wanted | string {
  const lag = query['lag'] === undefined ? null : parseSize(query['lag'])
  if (lag?.ok === false) return `lag: ${lag.message}`
  const tags = Object.entries(query).flatMap(([key, value]) =>
    key.startsWith('tag_') && typeof value === 'string' ? [[key.slice(4), value] as const] : [],
  )
  return { lagBytes: lag?.value ?? null, tags: Object.fromEntries(tags) }
}

/** Returns what a check says of each cluster: whether this router accepts new connections for a route now, and to which members. */
export function healthOf(check: Check, { clusters, stopping }: RouterStatus, wanted: Wanted): readonly ClusterHealth[] {
  return clusters.map((each) => {
    const found = stopping ? none('the router is shutting down') : clusterHealth(check, each, wanted)
    return { cluster: each.view.name, ok: found.members.length > 0, ...found }
  })
}

interface Found {
  readonly members: readonly string[]
  readonly reason: string
}

function none(reason: string): Found {
  return { members: [], reason }
}

function clusterHealth(check: Check, cluster: ClusterStatus, given: Wanted): Found {
  const { view, proxy } = cluster
  if (view.dcs.state === 'never' && view.members.length === 0) return none('the DCS has not been read yet')
  if (check === 'health' || check === 'leader') {
    const each = UNIONS[check].map((one) => clusterHealth(one, cluster, given))
    const members = [...new Set(each.flatMap((found) => found.members))]
    return members.length > 0 ? { members, reason: '' } : none(each[0]?.reason ?? '')
  }
  const wanted = LEADERS.includes(check) ? ANY : given
  const own = proxy?.listeners.filter(({ route }) => route === check) ?? []
  if (own.length > 0) return ofListeners(own, cluster, wanted)
  const blocked = check === 'primary' ? faultOfPrimary(proxy?.listeners ?? []) : null
  if (blocked !== null) return none(blocked)
  const members = membersByView(check, view).filter((member) => fits(member, view, wanted))
  if (members.length > 0) return { members: members.map(({ name }) => name), reason: '' }
  return none(check === 'primary' ? reasonOfPrimary(view) : 'no member serves it')
}

/** Returns the members that any of these listeners sends new connections to. */
function ofListeners(listeners: readonly ListenerStatus[], { view, proxy }: ClusterStatus, wanted: Wanted): Found {
  const found = listeners.map((listener): Found => {
    const { route, fault, heldByRequest, members, fallback } = listener
    if (heldByRequest !== null) return none(`held by ${heldByRequest.by}`)
    if (fault !== null && fault.kind !== 'closing') return none(fault.reason)
    const isPrimarys = route === 'primary' || fallback
    const fence = isPrimarys ? faultOfPrimary(proxy?.listeners ?? []) : null
    if (fence !== null) return none(fence)
    if (isPrimarys && !isServing(view.primary)) return none(reasonOfPrimary(view))
    const names = fallback ? [view.primary.member] : members.filter(({ fit }) => fit).map(({ member }) => member)
    const serving = view.members.filter((member) => names.includes(member.name) && fits(member, view, wanted))
    if (serving.length > 0) return { members: serving.map(({ name }) => name), reason: '' }
    if (names.length > 0) return none('no member is within the lag, or has the tags, that was given')
    return none(members.map(({ member, reason }) => `${member}: ${reason}`).join('; ') || 'there is no member')
  })
  return found.find(({ members }) => members.length > 0) ?? found[0] ?? none('there is no listener')
}

/** Returns why the router itself holds all new connections to the primary; null: it does not. */
function faultOfPrimary(listeners: readonly ListenerStatus[]): string | null {
  return listeners.find(holdsPrimary)?.fault?.reason ?? null
}

function membersByView(check: RouteCheck, view: ClusterView): readonly MemberView[] {
  const { members, primary, standbyCluster } = view
  const isPrimary = ({ name }: MemberView): boolean => name === primary.member && isServing(view.primary)
  const isStandbyLeader = ({ isLeader, replica, override }: MemberView): boolean =>
    standbyCluster && isLeader && replica.fit && !override
  switch (check) {
    case 'primary':
      return members.filter(isPrimary)
    case 'replica':
      return members.filter(servesReads)
    case 'sync':
      return members.filter((member) => servesReads(member) && member.isSync)
    case 'async':
      return members.filter((member) => servesReads(member) && !member.isSync)
    case 'read-only':
      return members.filter((member) => servesReads(member) || isPrimary(member) || isStandbyLeader(member))
    case 'standby-leader':
      return members.filter(isStandbyLeader)
  }
}

function reasonOfPrimary({ primary }: ClusterView): string {
  const { member, state, reason, override } = primary
  if (override !== undefined && takesNew(state))
    return `${member ?? 'the primary'} is overridden (${override.state} by ${override.by})`
  return member === null ? `there is no primary: ${reason}` : `${member} is ${state}: ${reason}`
}

function fits(member: MemberView, view: ClusterView, { lagBytes, tags }: Wanted): boolean {
  if (!Object.entries(tags).every(([tag, value]) => Object.hasOwn(member.tags, tag) && isTag(member.tags[tag], value)))
    return false
  // The others are compared with the leader.
  if (lagBytes === null || member.name === view.primary.member || member.isLeader) return true
  const lag = lagOf(member, view)
  return lag !== null && lag <= lagBytes
}

/** Compares a tag as Patroni does: a text as it is, all else in small letters. */
function isTag(tag: string | number | boolean | undefined, value: string): boolean {
  return (typeof tag === 'string' ? tag : String(tag).toLowerCase()) === value
}
