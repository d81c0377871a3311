/** The data of the primary's state machine (`next-primary.ts`), and what can be read off it. */
import type { FailoverRequest } from '../cluster.ts'
import type { PrimaryCause } from '../view.ts'
import { type Evidence, NO_EVIDENCE, type PostgresAnswer, type RestAnswer } from './evidence.ts'

/** The part of a DCS snapshot that the decision needs. */
export interface DcsFacts {
  /** `session` changes whenever the lock was let go and taken again (etcd: the create revision). */
  readonly leader: { readonly name: string; readonly session: string } | null
  /** See `Cluster.hasLock`: without a lock the members' proof alone decides. */
  readonly hasLock: boolean
  /** The leader that the members name where there is no lock to read. */
  readonly claimed: string | null
  /** The system identifier (`initialize`). */
  readonly systemId: string | null
  /** How long a lock lasts that is not renewed. Milliseconds; null: not known. */
  readonly ttlMs: number | null
  readonly standbyCluster: boolean
  readonly paused: boolean
  readonly failover: FailoverRequest | null
  /** The leader's position, which Patroni writes in each of its loops unless it is the same; null: there is none. */
  readonly optime: number | null
  /** Every known member; of one whose key has gone, what was known last. */
  readonly members: ReadonlyMap<string, MemberFacts>
}

export interface MemberFacts {
  /** `host:port` of Postgres, the REST API's URL and what their names lead to, as one string; null while it has none. */
  readonly address: string | null
  readonly timeline: number | null
}

/** `serves`: whether new connections are dialled, where the state alone does not say it. */
export type PrimaryPhase =
  | { readonly state: 'open'; readonly member: string; readonly reason: string; readonly serves?: false }
  | {
      readonly state: 'switching'
      readonly member: string
      readonly cause: 'failover-key' | 'stopping' | 'asked-again'
      /** When the cause wears off; null: it ends by an event only. */
      readonly until: number | null
      readonly reason: string
      readonly serves?: true
    }
  /** It holds the lock and says that it is being promoted. */
  | { readonly state: 'promoting'; readonly member: string; readonly reason: string }
  /** It holds the lock; it has not been asked yet, or its answer does not confirm that it is the primary. */
  | {
      readonly state: 'unconfirmed'
      readonly member: string
      readonly reason: string
      readonly cause: 'being-checked' | 'restarting' | null
    }
  | { readonly state: 'unreachable'; readonly member: string; readonly reason: string }
  | { readonly state: 'unverified'; readonly member: string; readonly reason: string }
  | { readonly state: 'unlocked'; readonly member: string; readonly reason: string; readonly serves?: false }
  | {
      readonly state: 'none'
      readonly reason: string
      /** `being-asked`: it is too early to say that there is none. `standby-cluster`: it is configured so. */
      readonly cause: 'not-read' | 'being-asked' | 'standby-cluster' | 'two-primaries' | null
    }

export interface PrimaryMachine {
  readonly link: 'never' | 'up' | 'lost'
  readonly facts: DcsFacts
  /** Counts restored DCSs: each drops all proof. */
  readonly restores: number
  readonly evidence: ReadonlyMap<string, Evidence>
  /** When the last standstill of the router ended, see `heldUntil`; null: there was none. */
  readonly stoodStillUntil: number | null
  /** From when on the `failover` key has been asking the named leader to hand over, see `handoverFrom`. */
  readonly handoverFrom: number | null
  /** From when on clients are held because of that, see `holdFrom`. */
  readonly holdFrom: number | null
  /** The timeline of the last proof under a name, or a higher one since: without a name nothing below counts. */
  readonly timelineFloor: number
  readonly served: Served
  /** Consecutive silences that end a proof of a member that the DCS does not name. */
  readonly fall: number
  /** No proof lapses sooner, see `lapsesAt`. Milliseconds. */
  readonly leastProofMs: number
  readonly phase: PrimaryPhase
  /** When `phase` took its present state and member. */
  readonly since: number
  /** Grows whenever sessions have another owner, or none: those of older epochs are to be closed. */
  readonly epoch: number
}

/** The highest timeline that has been open, and that of the last member that was. 0: none yet. */
export interface Served {
  readonly highest: number
  readonly last: number
}

/** Returns what has served, where nothing is known of it but the floor. */
export function servedAt(timelineFloor: number): Served {
  return { highest: timelineFloor, last: timelineFloor }
}

/** What an earlier run of the router has left: where to begin. Of `served` it may have only the floor. */
export type RememberedPrimary = Pick<PrimaryMachine, 'facts' | 'timelineFloor'> &
  Partial<Pick<PrimaryMachine, 'served'>>

export type PrimaryEvent =
  /**
   * A snapshot of the DCS. `restored`: it is older than what was seen before, so a backup was restored. `isElsewhere`: it is the first
   * one that is read in another way, be it of another DCS.
   */
  | { readonly type: 'dcs'; readonly facts: DcsFacts; readonly restored: boolean; readonly isElsewhere?: boolean }
  | { readonly type: 'dcs-lost' }
  | {
      readonly type: 'rest'
      readonly member: string
      readonly answer: RestAnswer
      /** Where its WAL is; null: the answer does not tell. Bytes. */
      readonly position: number | null
      /** `basisOf` the member and the time when the question was sent. */
      readonly askedUnder: string
      readonly askedAt: number
    }
  | {
      readonly type: 'postgres'
      readonly member: string
      readonly answer: PostgresAnswer
      readonly askedUnder: string
      readonly askedAt: number
    }
  /** The names of `member` lead to another place than they did. */
  | { readonly type: 'moved'; readonly member: string; readonly address: string | null }
  /** The router stood still until now: it was stopped, or its host was paused. */
  | { readonly type: 'stood-still' }
  | { readonly type: 'tick' }

export const NO_FACTS: DcsFacts = {
  leader: null,
  hasLock: true,
  claimed: null,
  systemId: null,
  ttlMs: null,
  standbyCluster: false,
  paused: false,
  failover: null,
  optime: null,
  members: new Map(),
}

/** At the very start. */
export const NOT_READ: PrimaryPhase = { state: 'none', reason: 'the DCS has not been read yet', cause: 'not-read' }

/** Patroni's own. Milliseconds. */
export const DEFAULT_TTL_MS = 30_000

/** Returns the state of a router that has just started. `fall`: see `CheckConfig`; `remembered`: from its last run. */
export function initialPrimary(
  fall: number,
  now: number,
  remembered: RememberedPrimary | null = null,
  leastProofMs = 0,
): PrimaryMachine {
  const timelineFloor = remembered?.timelineFloor ?? 0
  return {
    link: 'never',
    facts: remembered?.facts ?? NO_FACTS,
    restores: 0,
    evidence: new Map(),
    stoodStillUntil: null,
    handoverFrom: null,
    holdFrom: null,
    timelineFloor,
    served: remembered?.served ?? servedAt(timelineFloor),
    fall,
    leastProofMs,
    phase: NOT_READ,
    since: now,
    epoch: 0,
  }
}

/**
 * Returns the basis of a proof of `member`: this lock, this cluster, this address, this history of the DCS. When any of
 * it changes the member has to be confirmed again (docs/patroni.md, edge 10).
 */
export function basisOf(machine: PrimaryMachine, member: string): string {
  return `${machine.restores} ${evidenceOf(machine, member).renewals} ${groundsOf(machine.facts, member)}`
}

/** Returns the part of the basis that is read off a snapshot: it may come back, a basis does not. */
export function groundsOf(facts: DcsFacts, member: string): string {
  const { leader, systemId, members } = facts
  return JSON.stringify([leader?.name, leader?.session, systemId, isStandby(facts), members.get(member)?.address])
}

/** Returns for which members `groundsOf` is the same under both, without making its text for each of very many. */
export function sameGrounds(one: DcsFacts, other: DcsFacts): (member: string) => boolean {
  const isSame =
    one.leader?.name === other.leader?.name &&
    one.leader?.session === other.leader?.session &&
    one.systemId === other.systemId &&
    isStandby(one) === isStandby(other)
  const addressOf = ({ members }: DcsFacts, member: string): string | null => members.get(member)?.address ?? null
  return (member) => isSame && addressOf(one, member) === addressOf(other, member)
}

/**
 * Returns whether it is a standby cluster, whose leader is read-only. Where there is no lock to read that is a claim
 * like any other: Patroni answers 503 to `/primary` in a standby cluster, so a full proof shows that it is none.
 */
export function isStandby({ standbyCluster, hasLock }: DcsFacts): boolean {
  return standbyCluster && hasLock
}

/** Returns what `member` has shown of itself so far. */
export function evidenceOf(machine: PrimaryMachine, member: string): Evidence {
  return machine.evidence.get(member) ?? NO_EVIDENCE
}

/** Returns what the reason of a phase says, where more depends on it than words. */
export function causeOf(phase: PrimaryPhase): PrimaryCause | null {
  return 'cause' in phase ? phase.cause : null
}

/** Returns the member a phase is about. */
export function memberOf(phase: PrimaryPhase): string | null {
  return phase.state === 'none' ? null : phase.member
}

/** Returns the member whose sessions stay. */
export function keepsSessionsOf(phase: PrimaryPhase): string | null {
  switch (phase.state) {
    case 'open':
    case 'unlocked':
    case 'switching':
    case 'unreachable':
      return phase.member
    case 'promoting':
    case 'unconfirmed':
    case 'unverified':
    case 'none':
      return null
  }
}

/**
 * Returns when the proof of `member` lapses unless it answers before: one ttl after its last answer. By then a Patroni
 * that is alive has demoted its Postgres if it could not renew its lock, and one that is frozen may have been replaced.
 * null: there is no proof, or the DCS names the member.
 */
export function lapsesAt(machine: PrimaryMachine, member: string): number | null {
  const { link, facts, leastProofMs } = machine
  const { proof } = evidenceOf(machine, member)
  if (proof === null || (link === 'up' && facts.leader?.name === member)) return null
  return proof.answeredAt + Math.max(facts.ttlMs ?? DEFAULT_TTL_MS, leastProofMs)
}

/**
 * Returns until when new connections are held at most because the router stood still; null: they are not. Sessions are not
 * touched, and nothing else follows from it: no address leaves, no file is written.
 */
export function heldUntil({ stoodStillUntil, phase, evidence }: PrimaryMachine): number | null {
  const member = keepsSessionsOf(phase)
  if (stoodStillUntil === null || member === null) return null
  const isChecked = (evidence.get(member)?.proof?.askedAt ?? 0) >= stoodStillUntil
  return isChecked ? null : stoodStillUntil + STOOD_STILL_MS
}

/** How long new connections wait at most for the first check after a standstill of the router. Milliseconds. */
const STOOD_STILL_MS = 2000

/** Returns when a `tick` may change something, in milliseconds since the epoch; null: never. */
export function nextTickAt(machine: PrimaryMachine, now: number): number | null {
  const until = machine.phase.state === 'switching' ? machine.phase.until : null
  let next = Infinity
  const consider = (time: number | null): void => {
    if (time !== null && time > now && time < next) next = time
  }
  consider(until)
  consider(machine.handoverFrom)
  consider(machine.holdFrom)
  consider(heldUntil(machine))
  for (const [member, { proof }] of machine.evidence) if (proof !== null) consider(lapsesAt(machine, member))
  return next === Infinity ? null : next
}

/** Returns the owner of sessions: a member *at an address*, so that a member that moves is fenced like another one. */
export function ownerOf(phase: PrimaryPhase, facts: DcsFacts): string | null {
  const member = keepsSessionsOf(phase)
  return member === null ? null : JSON.stringify([member, facts.members.get(member)?.address])
}
