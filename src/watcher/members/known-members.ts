/**
 * What is known of the members, also of those whose keys have gone: a lost key is not an unknown address
 * (docs/patroni.md, edge 7). Pure.
 */
import { isDeepStrictEqual } from 'node:util'
import type { ProxyConfig } from '../../config/config.ts'
import type { Cluster } from '../cluster.ts'
import type { DcsFacts, MemberFacts } from '../primary/machine.ts'
import { isSameButPosition, type Member } from './member.ts'
import type { Pin, Pins } from './pins.ts'
import type { Address } from '../view.ts'

export interface KnownMember {
  readonly member: Member
  /** When its key left the DCS; null while it is there. Milliseconds since the epoch. */
  readonly goneSince: number | null
  /** This run has seen neither its key nor that it serves: if it is gone it is not shown, only checked. */
  readonly isRecalled?: true
}

export type KnownMembers = ReadonlyMap<string, KnownMember>

/** How long a member without a key is remembered, unless it is still needed. Longer than any sensible ttl. */
const REMEMBER_MS = 10 * 60_000

/** Returns the members of `cluster`, and those that were there before; `needed` is never forgotten. */
export function remember(before: KnownMembers, cluster: Cluster, needed: string | null, now: number): KnownMembers {
  const present = new Map<string, KnownMember>()
  for (const member of cluster.members) {
    const known = before.get(member.name)
    const isSame = known?.member === member && known.goneSince === null && known.isRecalled !== true
    present.set(member.name, isSame ? known : { member, goneSince: null })
  }
  for (const [name, known] of before) {
    if (present.has(name)) continue
    const goneSince = known.goneSince ?? now
    if (name !== needed && now - goneSince >= REMEMBER_MS) continue
    present.set(name, goneSince === known.goneSince ? known : { ...known, goneSince })
  }
  return present
}

/** Returns whether the members are the same, but for their positions, which a healthy cluster changes all the time. */
export function isSameButPositions(before: KnownMembers, after: KnownMembers): boolean {
  if (before.size !== after.size) return false
  for (const [name, known] of after) {
    const old = before.get(name)
    if (old === known) continue
    const isSame = old?.goneSince === known.goneSince && old.isRecalled === known.isRecalled
    if (!isSame || !isSameButPosition(old.member, known.member)) return false
  }
  return true
}

/** Returns the members of an earlier run: all there is to go by until the DCS can be read. */
export function recalled(members: readonly KnownMember[]): KnownMembers {
  return new Map(members.map((known) => [known.member.name, { ...known, isRecalled: true }]))
}

/**
 * Returns `memory` with a member that serves before its key could be looked for as one that is there: it may have
 * sessions.
 */
export function serving(memory: KnownMembers, name: string): KnownMembers {
  const known = memory.get(name)
  if (known?.isRecalled !== true || known.goneSince !== null) return memory
  return new Map(memory).set(name, { member: known.member, goneSince: null })
}

/**
 * Returns the part of a snapshot that the primary's machine decides by. `before`: of the last one; it is returned itself where
 * nothing has changed.
 */
export function factsOf(
  cluster: Cluster,
  memory: KnownMembers,
  dialled: ProxyConfig['address'],
  pins: Pins = new Map(),
  before: DcsFacts | null = null,
): DcsFacts {
  const { leader, hasLock, claimed, systemId, ttlMs, standbyCluster, paused, failover, optime } = cluster
  const members = new Map<string, MemberFacts>()
  let changed = memory.size !== before?.members.size
  for (const [name, { member }] of memory) {
    const [old, address] = [before?.members.get(name), whereabouts(member, dialled, pins.get(name))]
    const isSame = old?.address === address && old.timeline === member.timeline
    members.set(name, isSame ? old : { address, timeline: member.timeline })
    changed ||= !isSame
  }
  const facts = { leader, hasLock, claimed, systemId, ttlMs, standbyCluster, paused, failover, optime }
  if (before === null || changed) return { ...facts, members }
  return isDeepStrictEqual({ ...before, members: null }, { ...facts, members: null }) ? before : { ...facts, members }
}

/**
 * Returns everything that makes the address of a member, as one string: a different string is a different place, where
 * nothing is confirmed.
 */
export function whereabouts(member: Member, dialled: ProxyConfig['address'], pin?: Pin): string | null {
  const address = addressOf(member, dialled)
  if (address === null) return null
  if (pin === undefined || pin.size === 0) return `${address.host}:${address.port} ${member.restUrl ?? '-'}`
  const pinned = [...pin].map(([name, ip]) => ` ${name}=${ip}`).toSorted()
  return `${address.host}:${address.port} ${member.restUrl ?? '-'}${pinned.join('')}`
}

/** Returns where a member is dialled, by name or address; null where that is not known. */
export function addressOf({ host, port, proxy }: Member, dialled: ProxyConfig['address']): Address | null {
  if (dialled === 'proxy_url' && proxy !== null) return proxy
  return host === null ? null : { host, port }
}
