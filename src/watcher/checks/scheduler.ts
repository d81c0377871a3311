/**
 * Keeps the questions under way in line with the state: which member is checked for what, how often, and what must be
 * checked at once.
 */
import type { ProxyConfig } from '../../config/config.ts'
import { type Ranking, rankMembers } from './ranking.ts'
import { UNKNOWN_FITNESS } from '../members/fitness.ts'
import type { MemberRegistry } from '../members/registry.ts'
import { basisOf, type PrimaryMachine } from '../primary/machine.ts'
import type { KnownMember, KnownMembers } from '../members/known-members.ts'
import { Poll } from './poll.ts'
import { planChecks } from './plan.ts'
import { Bursts } from './bursts.ts'
import { Limiter } from './limiter.ts'

/** The three questions. Each must not reject, and must end soon after its signal aborts. */
export interface Checks {
  /** `answered`: see `PollOptions.ask`. */
  readonly primary: (member: string, signal: AbortSignal, answered: () => void) => Promise<void>
  readonly replica: (member: string, signal: AbortSignal) => Promise<void>
  readonly startup: (member: string, signal: AbortSignal) => Promise<void>
}

interface Polls {
  readonly primary: Poll
  readonly replica: Poll
  readonly startup: Poll
  /** What the last questions were about. */
  primaryTopic: string
  replicaTopic: string
  /** For which the last burst was due. */
  basis: string
}

/** So many questions of a kind are under way at once, besides those to the likely ones. */
const AT_ONCE = { living: 32, gone: 2 }

export class CheckScheduler {
  readonly #checks: Checks
  readonly #bursts: Bursts
  readonly #polls = new Map<string, Polls>()
  readonly #limiters = {
    // A member that may be the primary never waits for one that serves reads only.
    primary: new Limiter(AT_ONCE.living),
    other: new Limiter(AT_ONCE.living),
    gone: new Limiter(AT_ONCE.gone),
  }
  #ranking: Ranking = { likely: new Set(), living: 0, gone: 0 }
  #known: KnownMembers = new Map()

  /** `bursts`: shared by all clusters. */
  constructor(checks: Checks, bursts = new Bursts()) {
    this.#checks = checks
    this.#bursts = bursts
  }

  /** Takes the state of things; a question whose subject has changed is asked again at once. */
  update(
    config: Pick<ProxyConfig, 'check' | 'trust'>,
    machine: PrimaryMachine,
    { known: members, fitness }: Pick<MemberRegistry, 'known' | 'fitness'>,
  ): void {
    this.#ranking = rankMembers(machine, members)
    this.#known = members
    for (const [name, known] of members) {
      const polls = this.#polls.get(name) ?? this.#add(name)
      const found = fitness.get(name) ?? UNKNOWN_FITNESS
      const questions = planChecks(name, known, machine, found, config, this.#ranking)
      const basis = basisOf(machine, name)
      const primaryTopic = primaryTopicOf(
        basis,
        known,
        machine.facts.leader?.name === name ? machine.handoverFrom : null,
      )
      const replicaTopic = replicaTopicOf(machine, known)
      const primaryChanged = primaryTopic !== polls.primaryTopic
      const replicaChanged = replicaTopic !== polls.replicaTopic
      polls.primaryTopic = primaryTopic
      polls.replicaTopic = replicaTopic
      polls.primary.every(questions.primary, primaryChanged)
      polls.replica.every(questions.replica, replicaChanged)
      polls.startup.every(questions.startup, false)
      // One burst for a basis: an answer that keeps changing does not make it longer.
      if (!questions.isAwaited) polls.primary.calm()
      else if (basis !== polls.basis) polls.primary.hurry()
      polls.basis = basis
    }
    for (const [name, polls] of this.#polls) {
      if (members.has(name)) continue
      stop(polls)
      this.#polls.delete(name)
    }
  }

  close(): void {
    for (const polls of this.#polls.values()) stop(polls)
    this.#polls.clear()
  }

  #add(name: string): Polls {
    const bursts = this.#bursts
    const poll = (kind: keyof Checks): Poll =>
      new Poll({
        ask: (signal, answered) => this.#inTurn(kind, name, signal, answered),
        ...{ random: Math.random, bursts },
      })
    const polls = {
      ...{ primary: poll('primary'), replica: poll('replica'), startup: poll('startup') },
      primaryTopic: '',
      replicaTopic: '',
      basis: '',
    }
    this.#polls.set(name, polls)
    return polls
  }

  #inTurn(kind: keyof Checks, name: string, signal: AbortSignal, answered: () => void): Promise<void> {
    const ask = (): Promise<void> => this.#checks[kind](name, signal, answered)
    if (this.#ranking.likely.has(name)) return ask()
    const isGone = this.#known.get(name)?.goneSince !== null
    return this.#limiters[isGone ? 'gone' : kind === 'primary' ? kind : 'other'].run(ask, signal)
  }
}

/**
 * Returns what makes a new question due at once: a member that writes another role or state into its key is checked early, and
 * so is one that is to hand over: how far its WAL is decides when clients are held.
 */
function primaryTopicOf(basis: string, { member: { role, state } }: KnownMember, handoverFrom: number | null): string {
  return JSON.stringify([basis, role, state, handoverFrom])
}

function replicaTopicOf({ facts }: PrimaryMachine, { member, goneSince }: KnownMember): string {
  const { role, state, restUrl } = member
  return JSON.stringify([role, state, restUrl, facts.leader, goneSince === null])
}

function stop({ primary, replica, startup }: Polls): void {
  primary.every(null, false)
  replica.every(null, false)
  startup.every(null, false)
}
