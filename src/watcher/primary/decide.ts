/** The decision of the primary's state machine: which state follows from what has been learned. Pure. */
import { type Evidence, NO_EVIDENCE } from './evidence.ts'
import {
  basisOf,
  type DcsFacts,
  evidenceOf,
  isStandby,
  keepsSessionsOf,
  NOT_READ,
  type PrimaryMachine,
  type PrimaryPhase,
} from './machine.ts'

/** How long a `failover` key alone may hold clients back: a good one runs a CHECKPOINT first, for minutes even. */
export const SWITCHOVER_HOLD_MS = 2000
/** How long sessions stay while a proof is asked for anew; the check timeout ends it sooner. */
export const ASK_AGAIN_MS = 2000

/** Returns the state that follows from what `machine` knows at `now`; `machine.phase` is the state before. */
export function decide(machine: PrimaryMachine, now: number): PrimaryPhase {
  const { link, facts } = machine
  if (link === 'never') return NOT_READ
  if (isStandby(facts)) return { state: 'none', reason: STANDBY, cause: 'standby-cluster' }
  if (link === 'up' && facts.leader !== null) return decideNamed(machine, facts.leader.name, now)
  return decideUnnamed(machine, now)
}

/** The DCS names `member`: nobody else can be the primary, whatever any REST API says. */
function decideNamed(machine: PrimaryMachine, member: string, now: number): PrimaryPhase {
  const evidence = evidenceOf(machine, member)
  const known = machine.facts.members.get(member)
  if (known === undefined || known.address === null)
    return {
      state: 'unconfirmed',
      member,
      reason: 'it holds the lock but the DCS has no address of it yet',
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

const STANDBY = 'a standby cluster: its leader is read-only'

/** It has not proved itself, or not any more. */
function unconfirmed(member: string, { reason, cause, usable, silences }: Evidence): PrimaryPhase {
  if (cause === 'not-asked') return beingChecked(member)
  if (!usable && silences > 0)
    return { state: 'unverified', member, reason: `it holds the lock but its REST API has never answered: ${reason}` }
  const why = reason.startsWith('it holds the lock') ? reason : `it holds the lock but ${reason}`
  return { state: 'unconfirmed', member, reason: why, cause }
}

/** It is asked for the first time, or anew. */
function beingChecked(member: string): PrimaryPhase {
  const reason = 'it holds the leader lock and is being checked'
  return { state: 'unconfirmed', member, reason, cause: 'being-checked' }
}

/** No leader key, or no DCS: what remains is the proof of exactly one member, on the highest timeline. */
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
    const both = `${first.member} and ${second.member} both report to be the primary on timeline ${highest}`
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

/** A cluster that was set back goes on from a lower timeline: only a person can know that. */
function whyNobody({ timelineFloor }: PrimaryMachine, proofs: readonly { member: string; timeline: number }[]): string {
  const [late] = proofs
  if (late === undefined) return 'no member reports that it is the primary'
  const reports = `${late.member} reports that it is the primary on timeline ${late.timeline}`
  return `${reports}, but timeline ${timelineFloor} was seen before: if the cluster was set back, restart the router without its state_dir file`
}

function whyUnnamed({ link, facts }: PrimaryMachine): string {
  if (link !== 'up') return 'the DCS cannot be reached'
  if (facts.hasLock) return 'the leader key is gone'
  return facts.claimed === null ? 'the members name no leader' : `the members name ${facts.claimed}`
}

/** It alone has proved to be the primary. Without a lock to read that is all there can be, if nobody else is named. */
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

/** Returns what keeps new connections from a member that has proved itself. */
function obstacle(member: string, evidence: Evidence): PrimaryPhase | null {
  if (evidence.down !== null) return { state: 'unreachable', member, reason: evidence.down.reason }
  if (!evidence.stopping) return null
  return { state: 'switching', member, cause: 'stopping', until: null, reason: evidence.reason }
}

/** Sessions stay and new connections wait while a member that was live answers whether its proof still holds. */
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
  const reason = 'its lock or its cluster has changed'
  return {
    phase: { state: 'switching', member, cause: 'asked-again', until, reason },
    timeline: proof.timeline,
  }
}

/** The `failover` key asks `member`, the named leader, to hand over now. */
function switchover(machine: PrimaryMachine, member: string, now: number): PrimaryPhase | null {
  const { handoverFrom: from, facts } = machine
  if (from === null || now < from || now >= from + SWITCHOVER_HOLD_MS) return null
  const to = facts.failover?.member ?? 'another member'
  const reason = `switchover from ${member} to ${to} requested: holding new connections`
  return { state: 'switching', member, cause: 'failover-key', until: from + SWITCHOVER_HOLD_MS, reason }
}

/**
 * Returns from when on the `failover` key asks the named leader to hand over (Patroni's ha.py,
 * process_manual_failover_from_leader); null: it does not. A request that replaces one that is already in force adds
 * nothing: whoever rewrites the key over and over holds clients back once.
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
