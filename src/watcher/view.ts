/** What the watcher publishes and every sink takes: plain, immutable, structured-cloneable data. */
import type { FailoverRequest, IgnoredKey } from './cluster.ts'
import type { UnfitCause } from './checks/proof.ts'
import type { DcsNotice, DcsTraits } from './dcs/dcs.ts'
import type { Member } from './members/member.ts'
import type { PrimaryPhase } from './primary/machine.ts'
import type { PrimaryState } from '../config/config.ts'
import type { Override } from '../override.ts'

export interface ClusterView {
  /** What the configuration calls it. */
  readonly name: string
  readonly scope: string
  readonly namespace: string
  readonly citusGroup: number | null
  readonly dcs: DcsView
  /** The leader that the DCS names, or named last before it was lost. */
  readonly leader: string | null
  readonly primary: PrimaryView
  /** Sorted by name. Those whose keys have gone since the router began stay for a while. */
  readonly members: readonly MemberView[]
  /** Keys that could not be understood. */
  readonly ignoredKeys: readonly IgnoredKey[]
  readonly systemId: string | null
  readonly paused: boolean
  readonly standbyCluster: boolean
  /** The synchronous set is a quorum of candidates: what patronictl calls quorum standbys. */
  readonly quorum: boolean
  readonly ttlMs: number | null
  /** The `failover` key: a switchover or failover that was requested; null: none. */
  readonly switchover: FailoverRequest | null
  /** The primary is on a lower timeline than one before it, whose acknowledged writes are gone; null: it is not. */
  readonly setBack: { readonly timeline: number; readonly served: number } | null
}

export interface DcsView extends DcsTraits {
  readonly state: 'never' | 'up' | 'lost'
  readonly endpoint: string | null
  /** When it was last read with certainty; milliseconds since the epoch. */
  readonly readAt: number | null
  /** When `state` began. */
  readonly since: number
  /** Why it is not up. */
  readonly error: string | null
  /** What was wrong since it was up, one after the other, as far as it is worth logging. */
  readonly errors: readonly DcsError[]
  /** What a person should correct, or be aware of, whether it is up or not. */
  readonly notices: readonly DcsNotice[]
}

export interface DcsError {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly message: string
}

export interface PrimaryView {
  readonly state: PrimaryState
  /** The member that the state is about; null for `none`. */
  readonly member: string | null
  readonly address: Address | null
  /** Where new sessions may go to: where it was confirmed; null: nowhere. */
  readonly place: Address | null
  readonly reason: string
  readonly cause?: PrimaryCause
  /** Whether new connections are dialled, where the state alone does not say it. */
  readonly serves?: boolean
  /** Milliseconds since the epoch. */
  readonly since: number
  /** How often in a row its REST API has not answered. */
  readonly silences: number
  /** Sessions of older epochs are to be closed before anything else happens. */
  readonly epoch: number
  /** What a dial was made for; handed back with its failure. */
  readonly basis: string
  /** What a person has decided about `member`: its new clients are held. */
  readonly override?: Override
}

/** What `PrimaryView.reason` says, where more depends on it than words. */
export type PrimaryCause = NonNullable<Extract<PrimaryPhase, { readonly cause: unknown }>['cause']>

/** Returns whether a member is the primary in this state, and new connections are mostly dialled; in all others they are held. */
export function takesNew(state: PrimaryState): state is 'open' | 'unlocked' {
  return state === 'open' || state === 'unlocked'
}

/**
 * Returns whether new connections are dialled: in a requested switchover until Patroni acts on it, after a standstill not before a
 * check, and not while a person has it drained.
 */
export function isServing({ state, serves, override }: Pick<PrimaryView, 'state' | 'serves' | 'override'>): boolean {
  return override === undefined && (serves ?? takesNew(state))
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** Returns whether both are the same place; two that are not known are. */
export function isSameAddress(one: Address | null, other: Address | null): boolean {
  return one?.host === other?.host && one?.port === other?.port
}

export interface MemberView extends Member {
  /** Its key has gone from the DCS: what is shown is what was known last. */
  readonly gone: boolean
  /** Where new sessions are dialled (`proxy.address`), by name; null while it has none. */
  readonly address: Address | null
  /** The same by address: where it was last fit; null: the name has not been resolved, or leads to another place now. */
  readonly place: Address | null
  /** Named by the DCS, or the one that `primary` is about. */
  readonly isLeader: boolean
  /** Of the synchronous set. */
  readonly isSync: boolean
  /** What it had still to replay when it was asked last; null where that is not known, and of the leader. Bytes. */
  readonly lagBytes: number | null
  readonly replica: ReplicaView
  /** What a person has decided about it: it is not used for new sessions. */
  readonly override?: Override
}

/** The value of a tag of Patroni's. */
export type Tag = string | number | boolean

/** Returns whether a role is a primary's; until Patroni 4 it is called `master`. */
export function isPrimaryRole(role: unknown): boolean {
  return role === 'primary' || role === 'master'
}

/** Whether a member may serve sessions that only read. Of the leader only in a standby cluster. */
export interface ReplicaView {
  /** It answers as a running replica, or as the leader of a standby cluster. Tags and lag are each route's own matter. */
  readonly fit: boolean
  /** false: whether it is fit is not known yet. */
  readonly checked: boolean
  /** Confirmed down: sessions on it are dead. */
  readonly down: boolean
  /** Why it is not fit; empty where it is. */
  readonly reason: string
  readonly cause?: ReplicaCause
}

/**
 * What `ReplicaView.reason` says, where more depends on it than words. `second-primary`: it takes writes without the
 * lock,
 * as only a person can have wanted, or a Patroni that hangs; they are lost sooner or later.
 */
export type ReplicaCause = UnfitCause | 'second-primary' | 'leads'

/**
 * Returns whether it serves reads as a replica, as Patroni's /replica says it: it is fit, no leader, and not tagged
 * `noloadbalance`; and no person has drained it.
 */
export function servesReads({ replica, isLeader, tags, override }: MemberView): boolean {
  // `isLeader` is also set for the member that is, or was, the primary of a state that is not open.
  return override === undefined && replica.fit && !isLeader && !tags['noloadbalance']
}

/** Returns whether it may turn out to serve reads: it has not answered since it is there. */
export function isUnasked({ gone, isLeader, address, replica, override }: MemberView): boolean {
  return override === undefined && !gone && !isLeader && address !== null && !replica.checked
}

/** A failed dial of the proxy, handed to the watcher as an observation. */
export interface DialFailure {
  readonly member: string
  readonly address: Address
  /** `PrimaryView.basis` of the view the dial was made for; null for a replica. */
  readonly basis: string | null
  readonly reason: string
  /** When the dial began; milliseconds since the epoch. */
  readonly startedAt: number
}
