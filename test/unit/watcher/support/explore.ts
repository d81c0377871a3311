/** Visits every state that the primary's machine can reach by letters of an alphabet, breadth first. */
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { SWITCHOVER_HOLD_MS } from '../../../../src/watcher/primary/decide.ts'
import { basisOf, initialPrimary, type PrimaryMachine } from '../../../../src/watcher/primary/machine.ts'
import { nextPrimary } from '../../../../src/watcher/primary/next-primary.ts'
import type { Alphabet, Letter } from './alphabet.ts'
import { freeze } from './freeze.ts'
import { checkStep, type Oracle, afterStep } from './oracle.ts'

export interface Visited {
  readonly machine: PrimaryMachine
  readonly oracle: Oracle
  readonly now: number
  readonly depth: number
  /** How it was reached. */
  readonly last: { readonly letter: string; readonly from: Visited } | null
}

/** Of so many transitions, one that leads to a known state is checked for whether it is really the same. */
const SAMPLE = 499

export interface Explored {
  readonly states: number
  readonly transitions: number
  readonly depth: number
  /** Nothing new was left: the alphabet is explored to any depth. */
  readonly complete: boolean
  readonly seconds: number
}

/** A router that has just started. */
export function beginning(): Visited {
  return { machine: freeze(initialPrimary(2, 0)), oracle: new Map(), now: 0, depth: 0, last: null }
}

/** Explores to `depth` letters; `check` sees every distinct state once. A violation is thrown with its story. */
export function explore(alphabet: Alphabet, depth: number, check: (visited: Visited) => void): Explored {
  const started = performance.now()
  const first = beginning()
  const seen = new Map([[keyOf(first), first]])
  let layer = [first]
  let transitions = 0
  let reached = 0
  while (layer.length > 0 && reached < depth) {
    reached += 1
    const next: Visited[] = []
    for (const from of layer) {
      for (const letter of alphabet) {
        const to = step(from, letter)
        if (to === null) continue
        transitions += 1
        const key = keyOf(to)
        const known = seen.get(key)
        if (known !== undefined) {
          if (transitions % SAMPLE === 0) telling(to, () => checkAlike(known, to, alphabet))
          continue
        }
        freeze(to.machine)
        seen.set(key, to)
        next.push(to)
        telling(to, () => check(to))
      }
    }
    layer = next
  }
  const seconds = (performance.now() - started) / 1000
  return { states: seen.size, transitions, depth: reached, complete: layer.length === 0, seconds }
}

/** One letter from a frozen state, with the invariants of a step checked; null where the letter is impossible. */
export function step(from: Visited, letter: Letter): Visited | null {
  const possible = letter.at(from.machine, from.now)
  if (possible === null) return null
  const { event, now } = possible
  const oracle = afterStep(from.oracle, from.machine, freeze(event), now)
  const machine = nextPrimary(from.machine, event, now)
  const to = { machine, oracle, now, depth: from.depth + 1, last: { letter: letter.name, from } }
  telling(to, () => checkStep({ before: from.machine, event, after: machine, now, oracle }))
  return to
}

/** Two states of one key are one state only if every letter leads both to the same. */
function checkAlike(known: Visited, other: Visited, alphabet: Alphabet): void {
  for (const letter of alphabet) {
    const [one, two] = [step(known, letter), step(other, letter)]
    assert.equal(one && keyOf(one), two && keyOf(two), `the key of a state lacks something that ${letter.name} shows`)
  }
}

/** Runs `check`; what it throws gets the story of `visited`. */
function telling(visited: Visited, check: () => void): void {
  try {
    check()
  } catch (error) {
    const letters: string[] = []
    for (let at = visited; at.last !== null; at = at.last.from) letters.unshift(at.last.letter)
    const phase = inspect(visited.machine.phase, { breakLength: Infinity })
    throw new Error(`after ${letters.join(' > ')}: ${phase}`, { cause: error })
  }
}

/**
 * Equal for states that go on alike: what only counts, names a basis or is for people is left out, times are relative
 * and stop where they stop to matter.
 */
function keyOf({ machine, oracle, now }: Visited): string {
  const { link, facts, phase, handoverFrom, timelineFloor, fall } = machine
  const sinceHandover = handoverFrom === null ? null : Math.min(now - handoverFrom, SWITCHOVER_HOLD_MS)
  const scheduled = facts.failover?.scheduledAt ?? null
  const request = facts.failover && {
    ...facts.failover,
    scheduledAt: scheduled === null ? null : Math.max(scheduled - now, -1),
  }
  const until = phase.state === 'switching' && phase.until !== null ? phase.until - now : null
  const left = (answeredAt: number | null): number | null =>
    answeredAt === null ? null : Math.max(0, answeredAt + (facts.ttlMs ?? Infinity) - now)
  const members = [...facts.members].sort(([one], [other]) => (one < other ? -1 : 1))
  const shown = members.map(([name, { address, timeline }]) => {
    const evidence = machine.evidence.get(name)
    const heard = oracle.get(name)
    if (evidence === undefined) return [name, address, timeline, heard?.said, heard?.down?.accepts]
    const { proof, stopping, down, silences, usable } = evidence
    return [
      [name, address, timeline, stopping, Math.min(silences, fall), usable],
      proof && [proof.timeline, proof.basis === basisOf(machine, name), left(proof.answeredAt)],
      down && [down.postgresBack, down.proofBack],
      [heard?.said, heard?.timeline, heard?.down?.accepts, heard?.down?.proved, left(heard?.answeredAt ?? null)],
    ]
  })
  const { leader, systemId, standbyCluster, paused, hasLock, claimed } = facts
  const about = phase.state === 'none' ? null : phase.member
  const cause = phase.state === 'switching' ? phase.cause : null
  return JSON.stringify([
    [link, leader, systemId, standbyCluster, paused, hasLock, claimed, request, sinceHandover, timelineFloor],
    [phase.state, about, cause, until],
    shown,
  ])
}

/** Marsaglia's xorshift: the same numbers for the same seed, everywhere. */
export function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}
