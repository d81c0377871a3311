/**
 * A second opinion on every step of the primary's machine: what a careful bystander, who knows docs/architecture.md and not the
 * code, remembers of the events, and what must then be true of the machine. Throws an AssertionError where it is not.
 */
import assert from 'node:assert/strict'
import {
  basisOf,
  type DcsFacts,
  keepsSessionsOf,
  memberOf,
  type PrimaryEvent,
  type PrimaryMachine,
} from '../../../../src/watcher/primary/machine.ts'
import { takesNew } from '../../../../src/watcher/view.ts'

/** What a member has said since its lock, its cluster and its address are what they are. */
interface Heard {
  readonly said: 'nothing' | 'proof' | 'stopping' | 'no'
  readonly timeline: number
  /** When it answered last, and not against its proof; null: it has none. */
  readonly answeredAt: number | null
  /** null: not seen down; otherwise when, and what was asked and answered well after that. */
  readonly down: { readonly at: number; readonly accepts: boolean; readonly proved: boolean } | null
}

export type Oracle = ReadonlyMap<string, Heard>

export const UNHEARD: Heard = { said: 'nothing', timeline: 0, answeredAt: null, down: null }

/** How long new connections may wait for a `failover` key, or sessions for a proof that is asked for anew. */
const LONGEST_WAIT_MS = 2000

/** What `oracle` remembers after `event`, which `before` is about to see. */
export function afterStep(oracle: Oracle, before: PrimaryMachine, event: PrimaryEvent, now: number): Oracle {
  const facts = event.type === 'dcs' ? event.facts : before.facts
  const isRead = event.type === 'dcs' || (event.type !== 'dcs-lost' && before.link === 'up')
  const vouched = isRead ? facts.leader?.name : null
  const remembered = afterEvent(oracle, before, event, now)
  return new Map([...remembered].map(([name, heard]) => [name, name === vouched ? heard : lapsed(heard, facts, now)]))
}

/** Nobody's word lasts longer than a lock, unless the DCS vouches for it. */
function lapsed(heard: Heard, { ttlMs }: DcsFacts, now: number): Heard {
  const { answeredAt } = heard
  return answeredAt !== null && now - answeredAt >= (ttlMs ?? 30_000)
    ? { ...heard, said: 'no', answeredAt: null }
    : heard
}

function afterEvent(oracle: Oracle, before: PrimaryMachine, event: PrimaryEvent, now: number): Oracle {
  if (event.type === 'dcs') {
    const names = [...event.facts.members.keys()]
    return new Map(
      names.map((name) => {
        const heard = oracle.get(name) ?? UNHEARD
        return [name, mustProveAgain(oracle, before, event, name) ? { ...heard, said: 'nothing' } : heard]
      }),
    )
  }
  if (event.type === 'dcs-lost' || event.type === 'tick' || event.type === 'stood-still') return oracle
  const heard = oracle.get(event.member)
  if (event.type === 'moved') {
    const isThere = before.facts.members.get(event.member)?.address === event.address
    if (heard === undefined || isThere) return oracle
    return new Map(oracle).set(event.member, { ...heard, said: 'nothing' })
  }
  const { address = null } = before.facts.members.get(event.member) ?? {}
  if (heard === undefined || address === null || isOutdated(before, event)) return oracle
  const after = waitsForTheLock(heard, before, event)
    ? { ...heard, ...answered(heard, now), said: 'nothing' as const }
    : afterHearing(heard, event, now)
  return new Map(oracle).set(event.member, after)
}

/** A primary on the timeline of its proof that says it has no lock, while the DCS does not name it or it is asked again. */
function waitsForTheLock(heard: Heard, { link, facts }: PrimaryMachine, event: PrimaryEvent): boolean {
  if (event.type !== 'rest' || event.answer.kind !== 'lockless' || heard.said === 'no') return false
  const named = link === 'up' && facts.leader?.name === event.member
  return heard.timeline === event.answer.timeline && (heard.said === 'nothing' || !named)
}

function afterHearing(heard: Heard, event: PrimaryEvent & { type: 'rest' | 'postgres' }, now: number): Heard {
  const { kind } = event.answer
  if (kind === 'down') return { ...heard, down: { at: now, accepts: false, proved: false } }
  if (kind === 'no' || kind === 'lockless') return { ...heard, said: 'no', answeredAt: null }
  if (kind === 'stopping') {
    return { ...heard, ...answered(heard, now), said: heard.said === 'proof' ? 'stopping' : heard.said }
  }
  if (kind !== 'proof' && kind !== 'up') return heard
  const proved = { said: 'proof', answeredAt: now } as const
  const after = kind === 'proof' ? { ...heard, ...proved, timeline: event.answer.timeline } : heard
  if (heard.down === null || event.askedAt <= heard.down.at) return after
  const down = { ...heard.down, ...(kind === 'up' ? { accepts: true } : { proved: true }) }
  return { ...after, down: down.accepts && down.proved ? null : down }
}

function answered({ answeredAt }: Heard, now: number): Partial<Heard> {
  return { answeredAt: answeredAt === null ? null : now }
}

/** The question was sent when the lock, the cluster or the address was another one. */
function isOutdated(before: PrimaryMachine, event: PrimaryEvent): boolean {
  return (event.type === 'rest' || event.type === 'postgres') && event.askedUnder !== basisOf(before, event.member)
}

function mustProveAgain(
  oracle: Oracle,
  before: PrimaryMachine,
  event: PrimaryEvent & { type: 'dcs' },
  name: string,
): boolean {
  const [was, is] = [before.facts, event.facts]
  const heard = oracle.get(name) ?? UNHEARD
  const proved = heard.said === 'proof' || heard.said === 'stopping'
  const timeline = is.members.get(name)?.timeline ?? 0
  return (
    event.restored ||
    was.leader?.name !== is.leader?.name ||
    was.leader?.session !== is.leader?.session ||
    was.systemId !== is.systemId ||
    isReadOnly(was) !== isReadOnly(is) ||
    was.members.get(name)?.address !== is.members.get(name)?.address ||
    (proved && timeline > heard.timeline && timeline !== (was.members.get(name)?.timeline ?? 0))
  )
}

/** Where there is no lock to read, a standby cluster is a claim, and proof is worth more. */
function isReadOnly({ standbyCluster, hasLock }: DcsFacts): boolean {
  return standbyCluster && hasLock
}

export interface SeenStep {
  readonly before: PrimaryMachine
  readonly event: PrimaryEvent
  readonly after: PrimaryMachine
  readonly now: number
  /** After the event. */
  readonly oracle: Oracle
}

/** The invariants of one step. */
export function checkStep(step: SeenStep): void {
  checkWhoIsServed(step)
  checkTheNamed(step)
  checkOwner(step)
  checkNothingNeedless(step)
}

/** At most one, by type; and that one has proved itself for what holds now, and nothing speaks against it. */
function checkWhoIsServed({ after, oracle, now }: SeenStep): void {
  const { phase, facts, link } = after
  const kept = keepsSessionsOf(phase)
  if (kept === null) return
  const heard = oracle.get(kept) ?? UNHEARD
  assert.notEqual(heard.said, 'no', `${kept} keeps its sessions after an explicit no`)
  assert.ok(facts.members.has(kept), `sessions of ${kept}, which is not known`)
  assert.equal(isReadOnly(facts), false, 'sessions in a standby cluster')
  const asked = phase.state === 'switching' && phase.cause === 'asked-again'
  assert.equal(heard.said === 'nothing', asked, `${phase.state} ${kept} rests on a proof that is not of now`)
  if (phase.state === 'switching' && phase.until !== null) {
    assert.ok(phase.until > now && phase.until - now <= LONGEST_WAIT_MS, 'a wait that is over or too long')
  }
  if (!takesNew(phase.state)) return
  assert.equal(heard.said, 'proof', `${kept} serves without a proof`)
  assert.equal(heard.down, null, `${kept} serves although its Postgres was seen down`)
  const isNamed = facts.hasLock ? facts.leader !== null : (facts.claimed ?? kept) === kept
  assert.equal(phase.state, link === 'up' && isNamed ? 'open' : 'unlocked')
  if (link === 'up' && facts.leader !== null) return
  for (const [name, other] of oracle) {
    const claims = name !== kept && other.said === 'proof' && after.evidence.get(name)?.proof !== null
    if (claims) assert.ok(other.timeline < heard.timeline, `${name} claims to be the primary as well as ${kept}`)
  }
}

/** A newer name always wins, within the step. */
function checkTheNamed({ before, after }: SeenStep): void {
  const { phase, facts, link } = after
  if (link !== 'up' || facts.leader === null) return
  const expected = isReadOnly(facts) ? null : facts.leader.name
  assert.equal(memberOf(phase), expected, 'the phase is about another one than the DCS names')
  const owner = keepsSessionsOf(before.phase)
  if (owner !== null && owner !== expected) assert.ok(after.epoch > before.epoch, `sessions of ${owner} go on`)
}

/** The epoch grows if and only if sessions have another owner, and never shrinks. */
function checkOwner({ before, after }: SeenStep): void {
  const moved = ownerOf(before) !== ownerOf(after)
  assert.equal(after.epoch - before.epoch, moved ? 1 : 0, `owner ${ownerOf(before)} -> ${ownerOf(after)}`)
}

function ownerOf({ phase, facts }: PrimaryMachine): string {
  const kept = keepsSessionsOf(phase)
  return kept === null ? 'nobody' : `${kept} at ${addressOf(facts, kept)}`
}

function addressOf(facts: DcsFacts, member: string): string {
  return facts.members.get(member)?.address ?? 'nowhere'
}

/** Nothing is cut off or held back for what says nothing. */
function checkNothingNeedless({ before, event, after, oracle }: SeenStep): void {
  // That a REST API answers at all tells an outage from a firewall, which is for people.
  const what = (machine: PrimaryMachine): string =>
    `${standing(machine).replace('unverified', 'unconfirmed')}, epoch ${machine.epoch}`
  if (isOutdated(before, event)) assert.equal(what(after), what(before), 'an answer to an outdated question counts')
  const kept = keepsSessionsOf(before.phase)
  const fresh = [...oracle].filter(([, { said }]) => said === 'proof' || said === 'stopping').map(([name]) => name)
  if (kept === null || !fresh.includes(kept)) return
  const named = before.link === 'up' && before.facts.leader?.name === kept
  const hangs = event.type === 'rest' && event.answer.kind === 'silent'
  const unasked = event.type === 'rest' && event.answer.kind === 'unasked'
  if (unasked && fresh.length === 1) assert.equal(what(after), what(before), 'a question that was not put counts')
  if (hangs && named) assert.equal(what(after), what(before), 'a REST API that hangs cuts off what the DCS names')
  if (event.type === 'dcs-lost' && fresh.length === 1) {
    assert.equal(after.epoch, before.epoch, 'the loss of the DCS alone closes sessions')
  }
}

/** State, member and cause, as people read it. */
export function standing({ phase }: PrimaryMachine): string {
  const cause = phase.state === 'switching' ? ` (${phase.cause})` : ''
  return phase.state === 'none' ? 'none' : `${phase.state} ${phase.member}${cause}`
}
