/**
 * Short stories about the primary: a list of steps, told from the start of a router whose DCS knows the members a, b
 * and c of one cluster. Each event comes a millisecond after the one before; every step is checked by the oracle.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PostgresAnswer, RestAnswer } from '../../../../src/watcher/primary/evidence.ts'
import {
  basisOf,
  causeOf,
  type DcsFacts,
  initialPrimary,
  keepsSessionsOf,
  type MemberFacts,
  nextTickAt,
  NO_FACTS,
  type PrimaryEvent,
  type PrimaryMachine,
  type Served,
} from '../../../../src/watcher/primary/machine.ts'
import { nextPrimary } from '../../../../src/watcher/primary/next-primary.ts'
import { checkStep, standing, UNHEARD, type Oracle, afterStep } from './oracle.ts'
import { type PrimaryCause, isServing } from '../../../../src/watcher/view.ts'
import type { FailoverRequest } from '../../../../src/watcher/cluster.ts'

export const START = 1_700_000_000_000
export const FALL = 3

interface Question {
  readonly askedUnder: string
  readonly askedAt: number
}

interface Told {
  machine: PrimaryMachine
  oracle: Oracle
  now: number
  /** What the DCS holds, seen or not. */
  facts: DcsFacts
  readonly questions: Map<string, Question>
  /** The epoch at the last `is`. */
  epoch: number
}

export type Step = (told: Told) => void

/** One row of the table: the title is a fact, the steps show it. */
export function fact(title: string, ...steps: readonly (Step | readonly (Step | readonly Step[])[])[]): void {
  test(title, () => {
    const told = begin()
    for (const step of steps.flat(2)) step(told)
  })
}

function begin(): Told {
  const member = (name: string): [string, MemberFacts] => [name, { address: `${name}:5432`, timeline: null }]
  const facts: DcsFacts = {
    leader: null,
    hasLock: true,
    claimed: null,
    systemId: 'X',
    ttlMs: 20_000,
    standbyCluster: false,
    paused: false,
    failover: null,
    optime: null,
    members: new Map(['a', 'b', 'c'].map(member)),
  }
  const machine = initialPrimary(FALL, START)
  return { machine, oracle: new Map(), now: START, facts, questions: new Map(), epoch: 0 }
}

function feed(told: Told, event: PrimaryEvent): void {
  const { machine: before, now } = told
  told.oracle = afterStep(told.oracle, before, event, now)
  told.machine = nextPrimary(before, event, now)
  checkStep({ before, event, after: told.machine, now, oracle: told.oracle })
}

/**
 * What holds now: `STATE MEMBER (CAUSE), dialled|held, live|closed, same epoch|new epoch`; the epoch against the last
 * `is`, or the start.
 */
export function is(expected: string): Step {
  return (told) => {
    const { machine } = told
    const { phase } = machine
    const serves = isServing(phase)
    const connections = serves ? 'dialled' : 'held'
    const sessions = keepsSessionsOf(machine.phase) === null ? 'closed' : 'live'
    const epoch = machine.epoch === told.epoch ? 'same epoch' : 'new epoch'
    assert.equal(`${standing(machine)}, ${connections}, ${sessions}, ${epoch}`, expected)
    told.epoch = machine.epoch
  }
}

/** The reason that people read matches. */
export function because(pattern: RegExp): Step {
  return ({ machine }) => assert.match(machine.phase.reason, pattern)
}

/** What the reason says, where the log and `status` go by it. */
export function cause(expected: PrimaryCause | null): Step {
  return ({ machine }) => assert.equal(causeOf(machine.phase), expected)
}

/** The timeline that was open last, and the highest one that ever was. */
export function lastServed(last: number, highest: number): Step {
  return ({ machine }) => assert.deepEqual(machine.served, { last, highest })
}

/** `since` is when the state began: so long ago. */
export function since(ms: number): Step {
  return ({ machine, now }) => assert.equal(now - machine.since, ms)
}

// What the DCS says

function says(change: (facts: DcsFacts, now: number) => Partial<DcsFacts>, restored = false): Step {
  return (told) => {
    told.now += 1
    told.facts = { ...told.facts, ...change(told.facts, told.now) }
    feed(told, { type: 'dcs', facts: told.facts, restored })
  }
}

/** The leader key: a name, with `/2` the second time it takes the lock. */
export function leader(name: string): Step {
  const [member = '', session = '1'] = name.split('/')
  return says(() => ({ leader: { name: member, session } }))
}

/** There is no lock to read: the members name this one, or nobody. */
export function claims(name: string | null): Step {
  return says(() => ({ hasLock: false, leader: null, claimed: name }))
}

/** The router begins anew with what it has kept: the members, the timeline that was proved last, and what has served. */
export function restarted(timelineFloor: number, served?: Served): Step {
  return (told) => {
    const { systemId, members, standbyCluster } = told.facts
    const facts = { ...NO_FACTS, systemId, members, standbyCluster }
    told.machine = initialPrimary(FALL, told.now, { facts, timelineFloor, ...(served === undefined ? {} : { served }) })
    told.oracle = new Map([...members.keys()].map((name) => [name, UNHEARD]))
    told.epoch = 0
  }
}

export const deleted: Step = says(() => ({ leader: null }))
/** The same again: a lease change puts the same value (etcd v3), and a watch may repeat itself. */
export const again: Step = says(() => ({}))
export const restored: Step = says(() => ({}), true)
export const paused: Step = says(() => ({ paused: true }))

export function standby(standbyCluster: boolean): Step {
  return says(() => ({ standbyCluster }))
}

export function initialize(systemId: string | null): Step {
  return says(() => ({ systemId }))
}

/** The `failover` key; `in`: scheduled so many milliseconds from now. */
export function failover(request: Partial<FailoverRequest> & { in?: number }): Step {
  return says((_, now) => {
    const scheduledAt = request.in === undefined ? (request.scheduledAt ?? null) : now + request.in
    return { failover: { leader: request.leader ?? null, member: request.member ?? null, scheduledAt } }
  })
}

/** The leader's position, which Patroni writes when a loop begins; `request`: seen together with that. */
export function writes(optime: number, request?: FailoverRequest): Step {
  return says(() => ({ optime, ...(request === undefined ? {} : { failover: request }) }))
}

export function ttl(ttlMs: number | null): Step {
  return says(() => ({ ttlMs }))
}

export const failoverCleared: Step = says(() => ({ failover: null }))

export function member(name: string, change: Partial<MemberFacts>): Step {
  return says(({ members }) => {
    const known = members.get(name) ?? { address: null, timeline: null }
    return { members: new Map(members).set(name, { ...known, ...change }) }
  })
}

export function forgotten(name: string): Step {
  return says(({ members }) => ({ members: new Map([...members].filter(([other]) => other !== name)) }))
}

export const lost: Step = (told) => {
  told.now += 1
  feed(told, { type: 'dcs-lost' })
}

/** The router stood still until now. */
export const stoodStill: Step = (told) => {
  told.now += 1
  feed(told, { type: 'stood-still' })
}

/** Something changes while nobody can read it. */
export function unseen(leaderName: string): Step {
  const [name = '', session = '1'] = leaderName.split('/')
  return (told) => {
    told.facts = { ...told.facts, leader: { name, session } }
  }
}

// What the members say

/** A question is sent now; the next answer of `name` is the answer to it. Without, it is asked and answered at once. */
export function asked(name: string): Step {
  return (told) => {
    told.now += 1
    told.questions.set(name, { askedUnder: basisOf(told.machine, name), askedAt: told.now })
  }
}

/** As `asked`, in the very millisecond of the last event. */
export function askedNow(name: string): Step {
  return (told) => told.questions.set(name, { askedUnder: basisOf(told.machine, name), askedAt: told.now })
}

/** Steps that happen while the question to `name` stays under way. */
export function meanwhile(name: string, ...steps: readonly Step[]): Step {
  return (told) => {
    const sent = told.questions.get(name)
    assert.ok(sent, `nothing was asked of ${name}`)
    told.questions.delete(name)
    for (const step of steps) step(told)
    told.questions.set(name, sent)
  }
}

function question(told: Told, name: string): Question {
  const sent = told.questions.get(name)
  told.questions.delete(name)
  told.now += 1
  return sent ?? { askedUnder: basisOf(told.machine, name), askedAt: told.now }
}

function rest(name: string, answer: RestAnswer, position: number | null = null): Step {
  return (told) => feed(told, { type: 'rest', member: name, answer, position, ...question(told, name) })
}

function postgres(name: string, answer: PostgresAnswer): Step {
  return (told) => feed(told, { type: 'postgres', member: name, answer, ...question(told, name) })
}

export const proves = (name: string, timeline = 1): Step => rest(name, { kind: 'proof', timeline })
/** It proves itself, and its WAL is there. */
export const isAt = (name: string, position: number): Step => rest(name, { kind: 'proof', timeline: 1 }, position)
export const refuses = (name: string): Step => rest(name, { kind: 'no', reason: '/primary answers 503' })
/** It is restarted by Patroni, as somebody has requested. */
export const restarts = (name: string): Step =>
  rest(name, { kind: 'no', reason: '/primary answers 503', restarting: true })
/** It holds the lock, and is a replica still. */
export const promotes = (name: string): Step =>
  rest(name, { kind: 'no', reason: 'it holds the lock and is being promoted', promoting: true })
/** It has no lock, but a live query shows a primary. */
export const lockless = (name: string, timeline = 1): Step =>
  rest(name, { kind: 'lockless', timeline, reason: '/primary answers 503' })
export const stops = (name: string): Step => rest(name, { kind: 'stopping' })
export const accepts = (name: string): Step => postgres(name, { kind: 'up' })
export const isDown = (name: string): Step => postgres(name, { kind: 'down', reason: 'connection refused' })
export const probeFailsHere = (name: string): Step => postgres(name, { kind: 'unknown' })

export function silent(name: string, times = 1): readonly Step[] {
  return Array.from({ length: times }, () => rest(name, { kind: 'silent', reason: 'no answer within 1 s' }))
}

/** The question could not be put. */
export function unasked(name: string, times = 1): readonly Step[] {
  return Array.from({ length: times }, () => rest(name, { kind: 'unasked', reason: 'connect EMFILE' }))
}

/** Time passes; ticks come when the machine has asked for them, and only then. */
export function passes(ms: number): Step {
  return (told) => {
    const end = told.now + ms
    for (;;) {
      const at = nextTickAt(told.machine, told.now)
      if (at === null || at > end) break
      assert.ok(at > told.now, 'a tick in the past')
      told.now = at
      feed(told, { type: 'tick' })
    }
    told.now = end
  }
}

/** The state that most rows start from. */
export const openA: readonly Step[] = [leader('a'), proves('a'), is('open a, dialled, live, new epoch')]
