/** The decision of the primary's state machine: which state follows from what has been learned. Pure. */
import { type Evidence, NO_EVIDENCE } from './evidence.ts'
import {
  basisOf,
  type DcsFacts,
  evidenceOf,
  heldUntil,
  isStandby,
  keepsSessionsOf,
  NOT_READ,
  type PrimaryMachine,
  type PrimaryPhase,
} from './machine.ts'

/** How long a `failover` key alone may hold clients back: a good one runs a CHECKPOINT first, for minutes even. */
export const SWITCHOVER_HOLD_MS = 2000
/** How long a request waits at most for the loop of Patroni that acts on it. */
export const LOOP_WAIT_MS = 1000
/** How long it waits at most for an answer of the leader: less than Patroni takes to begin that loop (docs/patroni.md, edge 4). */
export const ANSWER_WAIT_MS = 75
/** How long sessions stay while their member is checked again; the check timeout ends it sooner. */
export const ASK_AGAIN_MS = 2000

/** Returns the state that follows from `machine` at `now`; `machine.phase` is the state before. */
export function decide(machine: PrimaryMachine, now: number): PrimaryPhase {
  const phase = decideByNews(machine, now)
  if (phase.state !== 'open' && phase.state !== 'unlocked') return phase
  const until = heldUntil({ ...machine, phase })
  return until === null || until <= now ? phase : { ...phase, serves: false, reason: STOOD_STILL }
}

const STOOD_STILL = 'the router stood still, and it is checked again'

function decideByNews(machine: PrimaryMachine, now: number): PrimaryPhase {
  const { link, facts } = machine
  if (link === 'never') return NOT_READ
  if (isStandby(facts)) return { state: 'none', reason: STANDBY, cause: 'standby-cluster' }
  if (link === 'up' && facts.leader !== null) return decideNamed(machine, facts.leader.name, now)
  return decideUnnamed(machine, now)
}

/** Decides while the DCS names `member`: no other member can be the primary, whatever any REST API says. */
function decideNamed(machine: PrimaryMachine, member: string, now: number): PrimaryPhase {
  const evidence = evidenceOf(machine, member)
  const known = machine.facts.members.get(member)
  if (known === undefined || known.address === null)
    return {
      state: 'unconfirmed',
      member,
      reason: 'it holds the lock but has no address in the DCS yet',
      cause: null,
    }
  if (evidence.proof === null) {
    if (evidence.promoting) return { state: 'promoting', member, reason: evidence.reason }
    return unconfirmed(member, evidence)
  }
  if (evidence.proof.basis !== basisOf(machine, member))
    return askAgain(machine, member, now)?.phase ?? beingChecked(member)
  const link = evidence.silences > 0 ? ', but' : ' and'
  const reason = `it holds the leader lock${link} ${evidence.reason}`
  return obstacle(member, evidence) ?? switchover(machine, member, now) ?? { state: 'open', member, reason }
}

const STANDBY = 'this is a standby cluster: its leader is read-only'

/** Returns the state of a named member without proof. */
function unconfirmed(member: string, { reason, cause, usable, silences }: Evidence): PrimaryPhase {
  if (cause === 'not-asked') return beingChecked(member)
  if (!usable && silences > 0)
    return { state: 'unverified', member, reason: `it holds the lock but its REST API has never answered: ${reason}` }
  const why = reason.startsWith('it holds the lock') ? reason : `it holds the lock but ${reason}`
  return { state: 'unconfirmed', member, reason: why, cause }
}

/** Returns the state of a named member that is checked for the first time, or again. */
function beingChecked(member: string): PrimaryPhase {
  const reason = 'it holds the leader lock and is being checked'
  return { state: 'unconfirmed', member, reason, cause: 'being-checked' }
}

/**
 * Decides without a leader key, or without a DCS: only the proof of exactly one member, on the highest timeline,
 * counts.
 */
function decideUnnamed(machine: PrimaryMachine, now: number): PrimaryPhase {
  const missing = whyUnnamed(machine)
  const all = [...machine.evidence].flatMap(([member, { proof }]) =>
    proof !== null && proof.basis === basisOf(machine, member) ? [{ member, timeline: proof.timeline }] : [],
  )
  const proofs = all.filter(({ timeline }) => timeline >= machine.timelineFloor)
  const highest = Math.max(0, ...proofs.map(({ timeline }) => timeline))
  const [first, second] = proofs.filter(({ timeline }) => timeline === highest)
  const live = keepsSessionsOf(machine.phase)
  const waiting = live === null ? null : askAgain(machine, live, now)
  // Until the live member has answered, only a higher timeline than its own shows a newer primary.
  if (waiting !== null && (first === undefined || highest <= waiting.timeline)) return waiting.phase
  if (first === undefined) {
    if (all.length > 0 || !isBeginning(machine, now))
      return { state: 'none', reason: `${missing} and ${whyNobody(machine, all)}`, cause: null }
    const reason = `${missing} and no member reports that it is the primary yet`
    return { state: 'none', reason, cause: 'being-asked' }
  }
  if (second !== undefined) {
    const both = `${first.member} and ${second.member} both report that they are the primary on timeline ${highest}: stop one of them`
    return { state: 'none', reason: `${missing}, and ${both}`, cause: 'two-primaries' }
  }
  const evidence = evidenceOf(machine, first.member)
  return obstacle(first.member, evidence) ?? proved(machine, first.member, missing)
}

/**
 * Longer than the members of a common cluster take to be asked: deleted ones are asked one after the other. Milliseconds.
 */
const BEGINNING_MS = 5000

/** Returns whether the router has only just begun, and has not heard every member yet. */
function isBeginning({ phase, facts, evidence, since }: PrimaryMachine, now: number): boolean {
  if (now - since > BEGINNING_MS) return false
  if (phase.state !== 'none' || (phase.cause !== 'not-read' && phase.cause !== 'being-asked')) return false
  const known = [...facts.members].filter(([, { address }]) => address !== null)
  return known.some(([name]) => (evidence.get(name) ?? NO_EVIDENCE).cause === 'not-asked')
}

/**
 * Returns why no member counts as the primary. A restored cluster continues from a lower timeline: only a person can know whether that is intended.
 */
function whyNobody({ timelineFloor }: PrimaryMachine, proofs: readonly { member: string; timeline: number }[]): string {
  const [late] = proofs
  if (late === undefined) return 'no member reports that it is the primary'
  const reports = `${late.member} reports that it is the primary on timeline ${late.timeline}`
  return `${reports}, but timeline ${timelineFloor} was seen before: if the cluster was restored to an earlier state, restart the router without its state_dir file`
}

function whyUnnamed({ link, facts }: PrimaryMachine): string {
  if (link !== 'up') return 'the DCS cannot be reached'
  if (facts.hasLock) return 'the leader key is gone'
  return facts.claimed === null ? 'the members name no leader' : `the members name ${facts.claimed} as leader`
}

/**
 * Returns the state of the only member with proof. Without a lock to read that is enough to open it, if the members
 * name no other.
 */
function proved(machine: PrimaryMachine, member: string, missing: string): PrimaryPhase {
  const { link, facts } = machine
  const { silences, reason: why } = evidenceOf(machine, member)
  const doubt = silences === 0 ? '' : `; now ${why}`
  if (link === 'up' && !facts.hasLock && (facts.claimed ?? member) === member)
    return {
      state: 'open',
      member,
      reason: `it alone reports that it is the primary, and the members name no other${doubt}`,
    }
  return { state: 'unlocked', member, reason: `${missing}, but ${member} alone reports that it is the primary${doubt}` }
}

/** Returns what keeps new connections from a member that has proof. */
function obstacle(member: string, evidence: Evidence): PrimaryPhase | null {
  if (evidence.down !== null) return { state: 'unreachable', member, reason: evidence.down.reason }
  if (!evidence.stopping) return null
  return { state: 'switching', member, cause: 'stopping', until: null, reason: evidence.reason }
}

/** Keeps sessions, and holds new connections, while a member that was live is checked on its new basis. */
function askAgain(
  machine: PrimaryMachine,
  member: string,
  now: number,
): { readonly phase: PrimaryPhase; readonly timeline: number } | null {
  const before = machine.phase
  const { proof } = evidenceOf(machine, member)
  if (keepsSessionsOf(before) !== member || proof === null || proof.basis === basisOf(machine, member)) return null
  const asked = before.state === 'switching' && before.cause === 'asked-again'
  const until = asked && before.until !== null ? before.until : now + ASK_AGAIN_MS
  if (until <= now) return null
  const reason = 'its lock or its cluster has changed, and it is checked again'
  return {
    phase: { state: 'switching', member, cause: 'asked-again', until, reason },
    timeline: proof.timeline,
  }
}

/** Returns the state while the `failover` key requests that `member`, the named leader, hands over now. */
function switchover(machine: PrimaryMachine, member: string, now: number): PrimaryPhase | null {
  const { handoverFrom: from, facts } = machine
  if (from === null || now < from || now >= from + SWITCHOVER_HOLD_MS) return null
  const to = facts.failover?.member ?? 'another member'
  const requested = `switchover from ${member} to ${to} requested`
  const phase = { state: 'switching', member, cause: 'failover-key', until: from + SWITCHOVER_HOLD_MS } as const
  if (machine.holdFrom !== null && now < machine.holdFrom) return { ...phase, reason: requested, serves: true }
  return { ...phase, reason: `${requested}: holding new connections` }
}

/**
 * Returns from when on the `failover` key requests that the named leader hands over (Patroni's ha.py,
 * process_manual_failover_from_leader); null: it does not. A request that replaces one that is already in force adds
 * nothing: a script that keeps rewriting the key holds clients back once.
 */
export function handoverFrom(machine: PrimaryMachine, facts: DcsFacts, now: number): number | null {
  const { failover: request, leader, paused } = facts
  if (request === null || leader === null) return null
  if (request.leader !== null && request.leader !== leader.name) return null
  if (request.member === leader.name) return null
  if (request.member === null && (request.leader === null || paused)) return null
  if (request.scheduledAt !== null && (paused || !Number.isFinite(request.scheduledAt))) return null
  const from = Math.max(now, request.scheduledAt ?? 0)
  const before = machine.facts.leader?.name === leader.name ? machine.handoverFrom : null
  return before !== null && before <= now && from === now ? before : from
}

/**
 * Returns from when on clients are held because of the handover that is requested in `after`; null: it is not. They are served
 * until Patroni begins the loop that acts on the request. The sign of it is its write of the leader's position (ha.py,
 * update_lock, before the request is looked at), which is left out where the position is the same: it only comes if the primary
 * has written since the loop before. So the leader is checked; meanwhile, for less than Patroni takes to begin, clients are
 * served.
 */
export function holdFrom(before: PrimaryMachine, after: PrimaryMachine, now: number): number | null {
  const { handoverFrom: from, facts } = after
  if (from === null || from > now) return from
  const since = before.handoverFrom === from ? before.holdFrom : null
  if (since !== null && since <= now) return since
  if (facts.optime === null || facts.optime !== before.facts.optime) return now
  return since ?? from + (hasMoreToWrite(after) ? LOOP_WAIT_MS : ANSWER_WAIT_MS)
}

/** Returns the same after an answer of `member`: whether there will be a sign of the loop is known now. */
export function holdFromAnswer(machine: PrimaryMachine, member: string, now: number): number | null {
  const { handoverFrom: from, holdFrom: since, facts } = machine
  const isServing = from !== null && from <= now && since !== null && since > now
  if (!isServing || facts.leader?.name !== member) return since
  return hasMoreToWrite(machine) ? from + LOOP_WAIT_MS : now
}

/** Returns whether the named leader has shown a higher position than Patroni has written: it will be written. */
function hasMoreToWrite(machine: PrimaryMachine): boolean {
  const { leader, optime } = machine.facts
  if (leader === null || optime === null) return false
  const { proof } = evidenceOf(machine, leader.name)
  return proof?.basis === basisOf(machine, leader.name) && (proof.position ?? 0) > optime
}
