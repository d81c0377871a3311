/**
 * The primary's state machine: which member may take writes, decided from the DCS and the members' own answers. A pure
 * function `(machine, event, now) -> machine`; the rules are in docs/architecture.md, "The primary, exactly".
 */
import { decide, handoverFrom, holdFrom, holdFromAnswer } from './decide.ts'
import { afterAnswer, afterPostgres, type Evidence, NOT_ASKED } from './evidence.ts'
import {
  basisOf,
  type DcsFacts,
  evidenceOf,
  isStandby,
  keepsSessionsOf,
  lapsesAt,
  memberOf,
  ownerOf,
  type PrimaryEvent,
  type PrimaryMachine,
  type PrimaryPhase,
  sameGrounds,
} from './machine.ts'
import { takesNew } from '../view.ts'

/**
 * Returns the state after `event`. `now`: milliseconds since the epoch, on a clock that never goes back. Never throws;
 * events about members
 * that are not known are ignored.
 */
export function nextPrimary(machine: PrimaryMachine, event: PrimaryEvent, now: number): PrimaryMachine {
  const learned = withoutLapsed(learn(machine, event, now), now)
  const phase = decide(learned, now)
  const moved = phase.state !== machine.phase.state || memberOf(phase) !== memberOf(machine.phase)
  const owner = ownerOf(phase, learned.facts)
  const epoch = owner === ownerOf(machine.phase, machine.facts) ? machine.epoch : machine.epoch + 1
  return {
    ...learned,
    phase,
    since: moved ? now : machine.since,
    epoch,
    timelineFloor: floorAfter(learned, phase),
    served: servedAfter(learned, phase),
  }
}

function learn(machine: PrimaryMachine, event: PrimaryEvent, now: number): PrimaryMachine {
  switch (event.type) {
    case 'dcs': {
      const { facts } = event
      const another = machine.facts.systemId !== facts.systemId && machine.facts.systemId !== null
      const read: PrimaryMachine = {
        ...machine,
        link: 'up',
        facts,
        restores: machine.restores + (event.restored ? 1 : 0),
        evidence: allRenewed(machine, facts),
        handoverFrom: handoverFrom(machine, facts, now),
      }
      return {
        ...(event.isElsewhere === true ? withProofOf(machine, read) : read),
        holdFrom: holdFrom(machine, read, now),
        timelineFloor: another || event.restored ? 0 : machine.timelineFloor,
        // A restored DCS is no new database: its primary may well be the one that was set back.
        served: another ? { highest: 0, last: 0 } : machine.served,
      }
    }
    case 'dcs-lost':
      // Without a known member there is nothing to decide by.
      return { ...machine, link: machine.link === 'never' && machine.facts.members.size === 0 ? 'never' : 'lost' }
    case 'rest': {
      const { member, answer, position, askedUnder, askedAt } = event
      const named = machine.link === 'up' && machine.facts.leader?.name === member
      const context = {
        askedUnder,
        basis: basisOf(machine, member),
        askedAt,
        answeredAt: now,
        position,
        named,
        fall: machine.fall,
      }
      const answered = withEvidence(machine, member, (evidence) => afterAnswer(evidence, answer, context))
      return { ...answered, holdFrom: holdFromAnswer(answered, member, now) }
    }
    case 'postgres': {
      const { member, answer, askedUnder, askedAt } = event
      // A dial to an address or for a lock that is no longer the member's says nothing of the present one.
      if (askedUnder !== basisOf(machine, member)) return machine
      return withEvidence(machine, member, (evidence) => afterPostgres(evidence, answer, askedAt, now))
    }
    case 'moved': {
      const { member, address } = event
      const known = machine.facts.members.get(member)
      if (known === undefined || known.address === address) return machine
      const members = new Map(machine.facts.members).set(member, { ...known, address })
      const facts = { ...machine.facts, members }
      return { ...machine, facts, evidence: new Map(machine.evidence).set(member, renewed(machine, facts, member)) }
    }
    case 'stood-still':
      return { ...machine, stoodStillUntil: now }
    case 'tick':
      return machine
  }
}

/** Ends the proofs that were not renewed for too long. */
function withoutLapsed(machine: PrimaryMachine, now: number): PrimaryMachine {
  const lapsed = [...machine.evidence].filter(
    ([member, { proof }]) => proof !== null && (lapsesAt(machine, member) ?? Infinity) <= now,
  )
  if (lapsed.length === 0) return machine
  const reason = 'its confirmation has expired: no answer for the ttl, and the DCS does not name it'
  const without = lapsed.map(([member, evidence]) => {
    return [member, { ...evidence, proof: null, reason, cause: null }] as const
  })
  return { ...machine, evidence: new Map([...machine.evidence, ...without]) }
}

function withEvidence(
  machine: PrimaryMachine,
  member: string,
  change: (evidence: Evidence) => Evidence,
): PrimaryMachine {
  // A member that is not known or has no address cannot have answered.
  if ((machine.facts.members.get(member)?.address ?? null) === null) return machine
  return { ...machine, evidence: new Map(machine.evidence).set(member, change(evidenceOf(machine, member))) }
}

/**
 * Returns the evidence under a new snapshot. Evidence from another basis does not count again when the old basis comes
 * back (`standby_cluster` on and off within a second). And a member whose key shows a higher timeline than its proof
 * has been promoted since. Counted, so that a key that shows nonsense costs only one question.
 */
function renewed(
  before: PrimaryMachine,
  facts: DcsFacts,
  member: string,
  isSame: (member: string) => boolean = sameGrounds(before.facts, facts),
): Evidence {
  const evidence = evidenceOf(before, member)
  const timeline = facts.members.get(member)?.timeline ?? 0
  const changed = timeline !== (before.facts.members.get(member)?.timeline ?? 0)
  const promoted = changed && evidence.proof !== null && timeline > evidence.proof.timeline
  if (!promoted && isSame(member)) return evidence
  // Silence is no evidence against the leader that the DCS names. Once it names none there is nothing to wait for: a
  // Patroni that is frozen (docs/patroni.md, edge 9) has been silent long before its key expires.
  const unvouched = facts.leader === null && evidence.silences >= before.fall
  // What it has said of other grounds is no answer any more.
  const { silences, usable, renewals, reason, cause } = evidence
  const why = silences > 0 && !usable ? { reason, cause } : NOT_ASKED
  return { ...evidence, proof: unvouched ? null : evidence.proof, renewals: renewals + 1, promoting: false, ...why }
}

/** Returns the evidence of all members under a new snapshot; one in which nothing has changed renews none. */
function allRenewed(machine: PrimaryMachine, facts: DcsFacts): PrimaryMachine['evidence'] {
  if (facts === machine.facts && machine.link === 'up') return machine.evidence
  const isSame = sameGrounds(machine.facts, facts)
  const evidence = new Map<string, Evidence>()
  for (const name of facts.members.keys()) evidence.set(name, renewed(machine, facts, name, isSame))
  return evidence
}

/**
 * Returns the machine that has read the DCS elsewhere, with the proof of the primary that was open: no two DCSs call a lock the same,
 * and where the next one names the same member of the same cluster, at the same address, nothing shows that it was released. It is
 * checked again at once.
 */
function withProofOf(before: PrimaryMachine, after: PrimaryMachine): PrimaryMachine {
  const { phase, facts } = before
  const member = memberOf(phase)
  if (member === null || !takesNew(phase.state)) return after
  const { proof } = evidenceOf(before, member)
  const evidence = evidenceOf(after, member)
  const isSame =
    facts.systemId !== null &&
    facts.systemId === after.facts.systemId &&
    facts.members.get(member)?.address === after.facts.members.get(member)?.address &&
    !isStandby(after.facts) &&
    (after.facts.leader?.name ?? after.facts.claimed) === member
  if (!isSame || proof === null || proof.basis !== basisOf(before, member)) return after
  if ((after.facts.members.get(member)?.timeline ?? 0) > proof.timeline) return after
  const { usable, silences, reason, cause } = evidenceOf(before, member)
  const kept = { ...evidence, usable, silences, reason, cause, proof: { ...proof, basis: basisOf(after, member) } }
  return { ...after, evidence: new Map(after.evidence).set(member, kept) }
}

/** Returns the new floor: the proof of the named leader sets it; without a name it only rises. */
function floorAfter(machine: PrimaryMachine, phase: PrimaryPhase): number {
  const member = keepsSessionsOf(phase)
  const proof = member === null ? null : evidenceOf(machine, member).proof
  if (member === null || proof === null || proof.basis !== basisOf(machine, member)) return machine.timelineFloor
  const named = machine.link === 'up' && machine.facts.leader !== null
  return named ? proof.timeline : Math.max(machine.timelineFloor, proof.timeline)
}

/** Returns what has served. For people: a timeline lower than one before is never a reason to close a primary. */
function servedAfter(machine: PrimaryMachine, phase: PrimaryPhase): PrimaryMachine['served'] {
  const timeline = takesNew(phase.state) ? timelineOf(machine, phase) : 0
  const { highest, last } = machine.served
  // A key may be without one.
  if (timeline === 0 || timeline === last) return machine.served
  return { highest: Math.max(highest, timeline), last: timeline }
}

function timelineOf(machine: PrimaryMachine, phase: PrimaryPhase): number {
  const member = memberOf(phase)
  return member === null ? 0 : (evidenceOf(machine, member).proof?.timeline ?? 0)
}
