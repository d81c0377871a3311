/** Asks the members, each question under what is known when it is asked, and hands on what they have answered. */
import type { Lookups } from '../../names/lookups.ts'
import { now } from '../../clock.ts'
import type { ClusterConfig } from '../../config/config.ts'
import type { Checks } from './scheduler.ts'
import type { DcsNotice } from '../dcs/dcs.ts'
import { type Cluster, namedBy } from '../cluster.ts'
import type { PostgresAnswer, RestAnswer } from '../primary/evidence.ts'
import {
  afterReplicaAnswer,
  afterReplicaPostgres,
  askedAs,
  type Fitness,
  UNKNOWN_FITNESS,
  withLag,
} from '../members/fitness.ts'
import {
  basisOf,
  DEFAULT_TTL_MS,
  evidenceOf,
  memberOf,
  type PrimaryEvent,
  type PrimaryMachine,
} from '../primary/machine.ts'
import { type Found, Locator } from './locator.ts'
import { addressOf, type KnownMembers } from '../members/memory.ts'
import { astray, isSamePin, NO_PIN, type Pin, type Pins, placeOf, type Standing } from '../members/pins.ts'
import type { Expected, ReplicaAnswer } from './proof.ts'
import { probeStartup } from './startup-probe.ts'
import { type Address, isSameAddress } from '../view.ts'
import type { CheckResult, ProofSource } from './proof-source.ts'

/** What is known at this moment. */
export interface Situation {
  readonly machine: PrimaryMachine
  readonly memory: KnownMembers
  readonly cluster: Cluster
  readonly fitness: ReadonlyMap<string, Fitness>
  readonly pins: Pins
  /** When the DCS was read last; milliseconds since the epoch. */
  readonly readAt: number | null
}

/** Takes what was answered. */
export interface Listener {
  readonly step: (event: PrimaryEvent) => void
  readonly replicaStep: (member: string, change: (fitness: Fitness) => Fitness) => void
  /** For the log. `question`: who was asked what. */
  readonly answered: (question: string, answer: RestAnswer | ReplicaAnswer | PostgresAnswer) => void
  /** What the names of a member lead to has changed. */
  readonly pin: (member: string, pin: Pin) => void
  /** Whether one of its names leads elsewhere than to the address in use. */
  readonly astray: (member: string, notice: DcsNotice | null) => void
}

export class MemberChecks implements Checks {
  readonly #config: ClusterConfig
  readonly #witness: ProofSource
  readonly #situation: () => Situation
  readonly #listener: Listener
  readonly #locator: Locator
  /** Where the leader was when it was asked last. */
  #leaderPosition: { readonly member: string; readonly position: number } | null = null

  constructor(
    config: ClusterConfig,
    witness: ProofSource,
    situation: () => Situation,
    listener: Listener,
    lookups: Lookups,
  ) {
    this.#config = config
    this.#witness = witness
    this.#situation = situation
    this.#listener = listener
    this.#locator = new Locator(config.proxy, lookups)
  }

  /** Where a member is dialled now. */
  placeOf(name: string): Address | null {
    const { memory, pins } = this.#situation()
    const member = memory.get(name)?.member
    return member === undefined ? null : placeOf(addressOf(member, this.#config.proxy.address), pins.get(name))
  }

  async primary(name: string, signal: AbortSignal): Promise<void> {
    const found = await this.#find(name, signal)
    const { machine, memory } = this.#situation()
    const member = memory.get(name)
    if (found === null || member === undefined) return
    const [askedUnder, askedAt, leader] = [basisOf(machine, name), now(), this.#vouchedFor()]
    const expected = this.#expected(name)
    const { testimony, kept } = await this.#ask(name, found, (at) =>
      this.#witness.primary(member, expected, leader, at, signal),
    )
    const { answer, position, at } = testimony
    const pin = answer.kind === 'proof' ? await this.#locator.pinned(found, kept, at, signal) : kept
    if (signal.aborted) return
    this.#listener.answered(`${name} ${this.#asks('/primary')}`, answer)
    if (answer.kind === 'proof' && position !== null) this.#leaderPosition = { member: name, position }
    const basis = (): string => basisOf(this.#situation().machine, name)
    const isCurrent = basis() === askedUnder
    // The proof is given for the place where it was given.
    if (isCurrent) this.#pin(name, found, pin)
    this.#listener.step({ type: 'rest', member: name, answer, askedUnder: isCurrent ? basis() : askedUnder, askedAt })
  }

  async replica(name: string, signal: AbortSignal): Promise<void> {
    const found = await this.#find(name, signal)
    const { machine, memory, pins } = this.#situation()
    const member = memory.get(name)
    const path = member === undefined ? null : askedAs(name, member, machine.facts)
    if (found === null || member === undefined || path === null) return
    const { rise, fall } = this.#config.proxy.check
    // Of before the question: what the leader writes meanwhile is no lag.
    const ahead = this.#whereTheLeaderIs()
    const expected = this.#expected(name)
    const { testimony, kept } = await this.#ask(name, found, (at) =>
      this.#witness.replica(member, expected, path, at, signal),
    )
    const { answer, position, at } = testimony
    const pin = answer.kind === 'fit' ? await this.#locator.pinned(found, kept, at, signal) : kept
    // What was said at an address that is no longer its own is nobody's word.
    if (signal.aborted || !isSamePin(pins.get(name) ?? NO_PIN, this.#pinOf(name))) return
    this.#listener.answered(`${name} ${this.#asks(path)}`, answer)
    this.#pin(name, found, pin)
    if (path === '/standby-leader' && position !== null) this.#leaderPosition = { member: name, position }
    this.#listener.replicaStep(name, (fitness) =>
      withLag(afterReplicaAnswer(fitness, answer, rise, fall), position, ahead),
    )
  }

  async startup(name: string, signal: AbortSignal): Promise<void> {
    const asked = { askedUnder: basisOf(this.#situation().machine, name), askedAt: now() }
    const address = this.placeOf(name)
    if (address === null) return
    const answer = await probeStartup(address, this.#config.proxy.check.timeoutMs, signal)
    if (signal.aborted || !isSameAddress(this.placeOf(name), address)) return
    this.#listener.answered(`${name} startup packet`, answer)
    this.#listener.replicaStep(name, (fitness) => afterReplicaPostgres(fitness, answer))
    this.#listener.step({ type: 'postgres', member: name, answer, ...asked })
  }

  /** Looks up the names of a member; null: it is of no use any more. */
  async #find(name: string, signal: AbortSignal): Promise<Found | null> {
    const member = this.#situation().memory.get(name)?.member
    if (member === undefined) return null
    const found = await this.#locator.find(member)
    return signal.aborted ? null : found
  }

  /**
   * Asks at the address of the last proof, and where the name leads now. An answer of the member there is a move, and the
   * old address is dropped; a name that leads to nothing or to a stranger (a dead address, a wrong record) moves nobody.
   * Where the key is trusted nobody can say that it has not moved. `kept`: what is left of the pin.
   */
  async #ask<A extends RestAnswer | ReplicaAnswer>(
    name: string,
    found: Found,
    ask: (at: readonly string[] | null) => Promise<CheckResult<A>>,
  ): Promise<{ readonly testimony: CheckResult<A>; readonly kept: Pin }> {
    const pin = this.#pinOf(name)
    const candidates = this.#locator.candidates(found, pin, this.#standing(name))
    const { here, elsewhere } = candidates ?? { here: null, elsewhere: [] }
    const old = ask(here)
    const moved = elsewhere.length === 0 ? null : ask(elsewhere)
    const isMoved = moved !== null && (await hasMoved(old, moved))
    const mayHaveMoved = isMoved || this.#config.proxy.trust === 'dcs'
    return { testimony: await (isMoved ? moved : old), kept: mayHaveMoved ? this.#locator.kept(found, pin) : pin }
  }

  #pin(name: string, found: Found, pin: Pin): void {
    this.#listener.pin(name, pin)
    const lookups = this.#locator.lookups(found)
    const notice = astray(name, pin, lookups)
    // A lookup without an answer says nothing, of what was seen before either.
    if (notice !== null || lookups.every(([, addresses]) => addresses.length > 0)) this.#listener.astray(name, notice)
  }

  #pinOf(name: string): Pin {
    return this.#situation().pins.get(name) ?? NO_PIN
  }

  #standing(name: string): Standing {
    const { machine, fitness } = this.#situation()
    const { proof, down } = evidenceOf(machine, name)
    const own = fitness.get(name) ?? UNKNOWN_FITNESS
    if (down !== null || own.postgresDown !== null) return 'down'
    return proof !== null || own.rest === 'fit' ? 'good' : 'unknown'
  }

  /** Whom the DCS names, as far as that can be true still: a lock that nobody has seen for its ttl may be another's. */
  #vouchedFor(): string | null {
    const { machine, cluster, readAt } = this.#situation()
    const age = machine.link === 'up' || readAt === null ? 0 : now() - readAt
    return age <= (cluster.ttlMs ?? DEFAULT_TTL_MS) ? (machine.facts.leader?.name ?? null) : null
  }

  /** As it said itself, else as the DCS says; a former leader's position is no measure for the present one's replicas. */
  #whereTheLeaderIs(): number | null {
    const { cluster, machine } = this.#situation()
    const leader = namedBy(cluster) ?? memberOf(machine.phase)
    return this.#leaderPosition?.member === leader ? this.#leaderPosition.position : cluster.optime
  }

  #asks(path: string): string {
    return this.#config.proxy.trust === 'dcs' ? `key, as ${path}` : `GET ${path}`
  }

  #expected(member: string): Expected {
    return { member, scope: this.#config.scope, systemId: this.#situation().cluster.systemId }
  }
}

/** Whether the member answers at the new address; its *no* at the old one waits for nothing there. Neither rejects. */
async function hasMoved(
  old: Promise<CheckResult<RestAnswer | ReplicaAnswer>>,
  moved: Promise<CheckResult<RestAnswer | ReplicaAnswer>>,
): Promise<boolean> {
  const isThere = moved.then(({ answer }) => isOwnWord(answer))
  const isNo = old.then(({ answer }) => isOwnWord(answer) && answer.kind !== 'proof' && answer.kind !== 'fit')
  return await Promise.race([
    isThere.then(async (is) => is || (await isNo.then(() => false))),
    isNo.then(async (no) => !no && (await isThere)),
  ])
}

/** Whether the member has answered: silence, or what could not be asked, says nothing of where it is, nor does a stranger. */
function isOwnWord(answer: RestAnswer | ReplicaAnswer): boolean {
  if (answer.kind === 'silent' || answer.kind === 'unasked') return false
  return !('stranger' in answer && answer.stranger)
}
