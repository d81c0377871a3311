/** Checks the members, each under what is known when it is asked, and reports what they have answered. */
import { now } from '../../clock.ts'
import type { ClusterConfig } from '../../config/config.ts'
import { type LastCheck, lastCheckOf } from '../counts.ts'
import type { Checks } from './scheduler.ts'
import type { DcsNotice } from '../dcs/dcs.ts'
import { type Cluster, namedBy } from '../cluster.ts'
import type { PostgresAnswer, RestAnswer } from '../primary/evidence.ts'
import { afterReplicaAnswer, afterReplicaPostgres, askedAs, type Fitness, withLag } from '../members/fitness.ts'
import {
  basisOf,
  DEFAULT_TTL_MS,
  evidenceOf,
  memberOf,
  type PrimaryEvent,
  type PrimaryMachine,
} from '../primary/machine.ts'
import { type Found, Locator } from './locator.ts'
import type { MemberRegistry } from '../members/registry.ts'
import { astray, isSamePin, type Pin, type Standing } from '../members/pins.ts'
import type { Expected, ReplicaAnswer } from './proof.ts'
import { probeStartup } from './startup-probe.ts'
import { isSameAddress } from '../view.ts'
import { type CheckResult, KeyProofSource, type ProofSource, RestProofSource } from './proof-source.ts'
import type { RestClient } from './rest-client.ts'

/** What is known at this moment. */
export interface Situation {
  readonly config: ClusterConfig
  readonly machine: PrimaryMachine
  readonly cluster: Cluster
  readonly members: Pick<MemberRegistry, 'known' | 'pinOf' | 'fitnessOf' | 'placeOf'>
  /** When the DCS was read last; milliseconds since the epoch. */
  readonly readAt: number | null
}

/** Takes what was answered. */
export interface CheckReports {
  readonly step: (event: PrimaryEvent) => void
  readonly replicaStep: (member: string, change: (fitness: Fitness) => Fitness) => void
  /** For the log. `question`: which member was queried, and for what. */
  readonly answered: (question: string, answer: RestAnswer | ReplicaAnswer | PostgresAnswer) => void
  /** What the names of a member lead to. */
  readonly pin: (member: string, pin: Pin) => void
  /** Whether one of its names leads elsewhere than to the address in use. */
  readonly stray: (member: string, notice: DcsNotice | null) => void
  /** A check of a member's REST API that counts: as what it is now. */
  readonly checked: (member: string, check: LastCheck) => void
}

export class MemberChecks implements Checks {
  readonly #situation: () => Situation
  readonly #reports: CheckReports
  readonly #locator: Locator
  readonly #sources: Readonly<Record<ClusterConfig['proxy']['trust'], ProofSource>>
  /** Where the leader was when it was asked last. */
  #leaderPosition: { readonly member: string; readonly position: number } | null = null

  constructor(rest: RestClient, situation: () => Situation, reports: CheckReports) {
    this.#situation = situation
    this.#reports = reports
    this.#locator = new Locator(() => situation().config.proxy, rest.lookups)
    this.#sources = { proof: new RestProofSource(rest), dcs: new KeyProofSource() }
  }

  async primary(name: string, signal: AbortSignal, answered: () => void): Promise<void> {
    const found = await this.#find(name, signal)
    const { machine, members } = this.#situation()
    const member = members.known.get(name)
    if (found === null || member === undefined || this.#isUnread()) return
    const [askedUnder, askedAt, leader] = [basisOf(machine, name), now(), this.#vouchedFor()]
    const expected = this.#expected(name)
    const isLeading = this.#isLeading(name)
    const { result, kept, tookMs } = await this.#ask(name, found, (at) =>
      this.#source.primary(member, expected, leader, at, signal),
    )
    const { answer, position, at } = result
    const pin = answer.kind === 'proof' ? await this.#locator.pinned(found, kept, at, signal) : kept
    if (signal.aborted) return
    answered()
    if (isLeading) this.#count(name, result, tookMs)
    this.#reports.answered(`${name} ${this.#asks('/primary')}`, answer)
    if (answer.kind === 'proof' && position !== null) this.#leaderPosition = { member: name, position }
    const basis = (): string => basisOf(this.#situation().machine, name)
    const isCurrent = basis() === askedUnder
    // The proof is given for the place where it was given.
    if (isCurrent) this.#pin(name, found, pin)
    const asked = { askedUnder: isCurrent ? basis() : askedUnder, askedAt }
    this.#reports.step({ type: 'rest', member: name, answer, position, ...asked })
  }

  async replica(name: string, signal: AbortSignal): Promise<void> {
    const found = await this.#find(name, signal)
    const { config, machine, members } = this.#situation()
    const member = members.known.get(name)
    const pinBefore = members.pinOf(name)
    const path = member === undefined ? null : askedAs(name, member, machine.facts)
    if (found === null || member === undefined || path === null) return
    const { rise, fall } = config.proxy.check
    // Of before the question: what the leader writes meanwhile is no lag.
    const ahead = this.#whereTheLeaderIs()
    const expected = this.#expected(name)
    const isLeading = this.#isLeading(name)
    const { result, kept, tookMs } = await this.#ask(name, found, (at) =>
      this.#source.replica(member, expected, path, at, signal),
    )
    const { answer, position, at } = result
    const pin = answer.kind === 'fit' ? await this.#locator.pinned(found, kept, at, signal) : kept
    // An answer from an address that is no longer the member's says nothing about the member.
    if (signal.aborted || !isSamePin(pinBefore, this.#situation().members.pinOf(name))) return
    if (!isLeading) this.#count(name, result, tookMs)
    this.#reports.answered(`${name} ${this.#asks(path)}`, answer)
    this.#pin(name, found, pin)
    if (path === '/standby-leader' && position !== null) this.#leaderPosition = { member: name, position }
    this.#reports.replicaStep(name, (fitness) =>
      withLag(afterReplicaAnswer(fitness, answer, rise, fall), position, ahead),
    )
  }

  async startup(name: string, signal: AbortSignal): Promise<void> {
    const asked = { askedUnder: basisOf(this.#situation().machine, name), askedAt: now() }
    const { config, members } = this.#situation()
    const address = members.placeOf(name)
    if (address === null) return
    const answer = await probeStartup(address, config.proxy.check.timeoutMs, signal)
    if (signal.aborted || !isSameAddress(this.#situation().members.placeOf(name), address)) return
    this.#reports.answered(`${name} startup packet`, answer)
    this.#reports.replicaStep(name, (fitness) => afterReplicaPostgres(fitness, answer))
    this.#reports.step({ type: 'postgres', member: name, answer, ...asked })
  }

  /** Looks up the names of a member; null: the result is no longer needed. */
  async #find(name: string, signal: AbortSignal): Promise<Found | null> {
    const member = this.#situation().members.known.get(name)?.member
    if (member === undefined) return null
    const found = await this.#locator.find(member)
    return signal.aborted ? null : found
  }

  /**
   * Checks the address of the last proof, and where the name resolves to now. An answer of the member at the new
   * address is a move, and the old address is dropped; a name that resolves to nothing or to a stranger (a dead
   * address, a wrong record) does not move a member. With `trust: dcs` a move cannot be ruled out. `kept`: the rest of
   * the pin.
   */
  async #ask<A extends RestAnswer | ReplicaAnswer>(
    name: string,
    found: Found,
    ask: (at: readonly string[] | null) => Promise<CheckResult<A>>,
  ): Promise<{ readonly result: CheckResult<A>; readonly kept: Pin; readonly tookMs: number }> {
    const begun = performance.now()
    const { config, members } = this.#situation()
    const pin = members.pinOf(name)
    const candidates = this.#locator.candidates(found, pin, this.#standing(name))
    const { here, elsewhere } = candidates ?? { here: null, elsewhere: [] }
    const old = ask(here)
    const moved = elsewhere.length === 0 ? null : ask(elsewhere)
    const isMoved = moved !== null && (await hasMoved(old, moved))
    const mayHaveMoved = isMoved || config.proxy.trust === 'dcs'
    const result = await (isMoved ? moved : old)
    const tookMs = performance.now() - begun
    return { result, kept: mayHaveMoved ? this.#locator.kept(found, pin) : pin, tookMs }
  }

  #pin(name: string, found: Found, pin: Pin): void {
    this.#reports.pin(name, pin)
    const lookups = this.#locator.lookups(found)
    const notice = astray(name, pin, lookups)
    // A lookup without an answer says nothing, of what was seen before either.
    if (notice !== null || lookups.every(([, addresses]) => addresses.length > 0)) this.#reports.stray(name, notice)
  }

  #standing(name: string): Standing {
    const { machine, members } = this.#situation()
    const { proof, down } = evidenceOf(machine, name)
    const own = members.fitnessOf(name)
    if (down !== null || own.postgresDown !== null) return 'down'
    return proof !== null || own.rest === 'fit' ? 'good' : 'unknown'
  }

  /**
   * Returns whether a member is checked as the primary. Without a lock every member is queried for both: a replica that denies that it
   * is the primary has not failed a check.
   */
  #isLeading(name: string): boolean {
    const { machine, members } = this.#situation()
    const known = members.known.get(name)
    return memberOf(machine.phase) === name || (known !== undefined && askedAs(name, known, machine.facts) === null)
  }

  #count(name: string, { answer, rest }: CheckResult<RestAnswer | ReplicaAnswer>, tookMs: number): void {
    if (rest !== null) this.#reports.checked(name, lastCheckOf(answer, rest, now(), tookMs))
  }

  /** Returns whether the DCS decides, and has not been read since the router stood still. */
  #isUnread(): boolean {
    const { machine, readAt, config } = this.#situation()
    return config.proxy.trust === 'dcs' && (readAt ?? 0) < (machine.stoodStillUntil ?? 0)
  }

  /**
   * Returns the leader that the DCS names, as far as that can still be true: a lock that was not read for its ttl may
   * have another owner by now.
   */
  #vouchedFor(): string | null {
    const { machine, cluster, readAt } = this.#situation()
    const age = machine.link === 'up' || readAt === null ? 0 : now() - readAt
    return age <= (cluster.ttlMs ?? DEFAULT_TTL_MS) ? (machine.facts.leader?.name ?? null) : null
  }

  /**
   * Returns the leader's position as it said itself, else as the DCS says; a former leader's position is no measure for
   * the present one's replicas.
   */
  #whereTheLeaderIs(): number | null {
    const { cluster, machine } = this.#situation()
    const leader = namedBy(cluster) ?? memberOf(machine.phase)
    return this.#leaderPosition?.member === leader ? this.#leaderPosition.position : cluster.optime
  }

  #asks(path: string): string {
    return this.#situation().config.proxy.trust === 'dcs' ? `key, as ${path}` : `GET ${path}`
  }

  get #source(): ProofSource {
    return this.#sources[this.#situation().config.proxy.trust]
  }

  #expected(member: string): Expected {
    const { config, cluster } = this.#situation()
    return { member, scope: config.scope, systemId: cluster.systemId }
  }
}

/**
 * Returns whether the member answers at the new address; its *no* at the old one waits for nothing there. Neither
 * rejects.
 */
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

/**
 * Returns whether the member itself has answered: silence, or what could not be asked, says nothing of where it is, nor
 * does a stranger.
 */
function isOwnWord(answer: RestAnswer | ReplicaAnswer): boolean {
  if (answer.kind === 'silent' || answer.kind === 'unasked') return false
  return !('stranger' in answer && answer.stranger)
}
