/** Asks the members, each question under what is known when it is asked, and hands on what they have answered. */
import type { LookupFunction } from 'node:net'
import { now } from '../clock.ts'
import type { ClusterConfig } from '../config/config.ts'
import type { Ask } from './asker.ts'
import { type Cluster, namedBy } from './cluster.ts'
import type { PostgresAnswer, RestAnswer } from './evidence.ts'
import { afterReplicaAnswer, afterReplicaPostgres, askedAs, type Fitness, withLag } from './fitness.ts'
import { basisOf, DEFAULT_TTL_MS, memberOf, type PrimaryEvent, type PrimaryMachine } from './machine.ts'
import { addressOf, type Memory } from './memory.ts'
import type { Expected, ReplicaAnswer } from './proof.ts'
import { probeStartup } from './startup.ts'
import { type Address, isSameAddress } from './view.ts'
import type { Witness } from './witness.ts'

/** What is known at this moment. */
export interface Situation {
  readonly machine: PrimaryMachine
  readonly memory: Memory
  readonly cluster: Cluster
  /** When the DCS was read last; milliseconds since the epoch. */
  readonly readAt: number | null
}

/** Takes what was answered. */
export interface Listener {
  readonly step: (event: PrimaryEvent) => void
  readonly replicaStep: (member: string, change: (fitness: Fitness) => Fitness) => void
  /** For the log. `question`: who was asked what. */
  readonly answered: (question: string, answer: RestAnswer | ReplicaAnswer | PostgresAnswer) => void
}

export class Interview implements Ask {
  readonly #config: ClusterConfig
  readonly #witness: Witness
  readonly #situation: () => Situation
  readonly #listener: Listener
  readonly #lookup: LookupFunction | undefined
  /** Where the leader was when it was asked last. */
  #leaderPosition: { readonly member: string; readonly position: number } | null = null

  constructor(
    config: ClusterConfig,
    witness: Witness,
    situation: () => Situation,
    listener: Listener,
    lookup?: LookupFunction,
  ) {
    this.#config = config
    this.#witness = witness
    this.#situation = situation
    this.#listener = listener
    this.#lookup = lookup
  }

  /** Where a member is dialled now. */
  addressOf(name: string): Address | null {
    const member = this.#situation().memory.get(name)?.member
    return member === undefined ? null : addressOf(member, this.#config.proxy.address)
  }

  async primary(name: string, signal: AbortSignal): Promise<void> {
    const { machine, memory } = this.#situation()
    const member = memory.get(name)
    if (member === undefined) return
    const asked = { askedUnder: basisOf(machine, name), askedAt: now() }
    const leader = this.#vouchedFor()
    const { answer, position } = await this.#witness.primary(member, this.#expected(name), leader, signal)
    if (signal.aborted) return
    this.#listener.answered(`${name} GET /primary`, answer)
    if (answer.kind === 'proof' && position !== null) this.#leaderPosition = { member: name, position }
    this.#listener.step({ type: 'rest', member: name, answer, ...asked })
  }

  async replica(name: string, signal: AbortSignal): Promise<void> {
    const { machine, memory } = this.#situation()
    const member = memory.get(name)
    const path = member === undefined ? null : askedAs(name, member, machine.facts)
    if (member === undefined || path === null) return
    const { rise, fall } = this.#config.proxy.check
    // Of before the question: what the leader writes meanwhile is no lag.
    const ahead = this.#whereTheLeaderIs()
    const { answer, position } = await this.#witness.replica(member, this.#expected(name), path, signal)
    if (signal.aborted) return
    this.#listener.answered(`${name} GET ${path}`, answer)
    if (path === '/standby-leader' && position !== null) this.#leaderPosition = { member: name, position }
    this.#listener.replicaStep(name, (fitness) =>
      withLag(afterReplicaAnswer(fitness, answer, rise, fall), position, ahead),
    )
  }

  async startup(name: string, signal: AbortSignal): Promise<void> {
    const asked = { askedUnder: basisOf(this.#situation().machine, name), askedAt: now() }
    const address = this.addressOf(name)
    if (address === null) return
    const answer = await probeStartup(address, this.#config.proxy.check.timeoutMs, signal, this.#lookup)
    if (signal.aborted || !isSameAddress(this.addressOf(name), address)) return
    this.#listener.answered(`${name} startup packet`, answer)
    this.#listener.replicaStep(name, (fitness) => afterReplicaPostgres(fitness, answer))
    this.#listener.step({ type: 'postgres', member: name, answer, ...asked })
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

  #expected(member: string): Expected {
    return { member, scope: this.#config.scope, systemId: this.#situation().cluster.systemId }
  }
}
