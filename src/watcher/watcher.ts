/**
 * The watcher: observes the DCS, asks the members, feeds both to the pure state machine and publishes a `ClusterView`
 * after each step. It decides nothing itself.
 */
import type { Logger } from 'pino'
import { now } from '../clock.ts'
import type { ClusterConfig } from '../config/config.ts'
import { Asker } from './asker.ts'
import { type Cluster, parseCluster } from './cluster.ts'
import type { Dcs, DcsObservation } from './dcs/dcs.ts'
import type { PostgresAnswer } from './evidence.ts'
import { afterReplicaAnswer, afterReplicaPostgres, afterSnapshot, type Fitness, UNKNOWN_FITNESS } from './fitness.ts'
import { basisOf, initialPrimary, memberOf, nextTickAt, type PrimaryEvent, type PrimaryMachine } from './machine.ts'
import { addressOf, factsOf, type Memory, remember } from './memory.ts'
import { narrate } from './narrate.ts'
import { nextPrimary } from './primary.ts'
import { judgePrimary, judgeReplica, type RestReply } from './proof.ts'
import type { RestClient } from './rest.ts'
import { probeStartup } from './startup.ts'
import type { ClusterView, DcsView, DialFailure } from './view.ts'
import { viewOf } from './view-of.ts'

export interface WatcherDeps {
  readonly config: ClusterConfig
  readonly dcs: Dcs
  readonly rest: RestClient
  readonly log: Logger
}

export class Watcher {
  readonly #deps: WatcherDeps
  readonly #subscribers = new Set<(view: ClusterView) => void>()
  readonly #asker: Asker
  readonly #stop = new AbortController()
  #machine: PrimaryMachine
  #cluster: Cluster = parseCluster(new Map())
  #memory: Memory = new Map()
  #fitness: ReadonlyMap<string, Fitness> = new Map()
  #dcs: DcsView
  #view: ClusterView
  #tick: NodeJS.Timeout | null = null
  #observing: Promise<void> | null = null

  constructor(deps: WatcherDeps) {
    const startedAt = now()
    this.#deps = deps
    this.#machine = initialPrimary(deps.config.proxy.check.fall, startedAt)
    this.#dcs = {
      kind: deps.config.dcs.kind,
      state: 'never',
      endpoint: null,
      readAt: null,
      since: startedAt,
      error: null,
    }
    this.#view = this.#compose()
    this.#asker = new Asker(deps.config.proxy.check, {
      primary: (member, signal) => this.#askPrimary(member, signal),
      replica: (member, signal) => this.#askReplica(member, signal),
      startup: (member, signal) => this.#askPostgres(member, signal),
    })
  }

  get view(): ClusterView {
    return this.#view
  }

  /** Calls `subscriber` with every view from now on, synchronously with the event. Returns what ends that. */
  subscribe(subscriber: (view: ClusterView) => void): () => void {
    this.#subscribers.add(subscriber)
    return () => this.#subscribers.delete(subscriber)
  }

  /** Begins to observe. The DCS need not be there: it is waited for. */
  start(): void {
    this.#observing ??= this.#observe()
  }

  /** Ends every observation. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#asker.close()
    if (this.#tick !== null) clearTimeout(this.#tick)
    await this.#observing
    await this.#deps.rest.close()
  }

  /** Takes a dial of the proxy that failed as an observation. */
  dialFailed({ member, address, basis, reason, startedAt }: DialFailure): void {
    const known = this.#memory.get(member)?.member
    if (known?.host !== address.host || known.port !== address.port) return
    const answer: PostgresAnswer = { kind: 'down', reason }
    if (basis === null) this.#replicaStep(member, (fitness) => afterReplicaPostgres(fitness, answer))
    else this.#step({ type: 'postgres', member, answer, askedUnder: basis, askedAt: startedAt })
  }

  async #observe(): Promise<void> {
    for await (const observation of this.#deps.dcs.observe(this.#stop.signal)) this.#observed(observation)
  }

  #observed(observation: DcsObservation): void {
    const at = now()
    const { state, since } = this.#dcs
    const { endpoint } = observation
    switch (observation.type) {
      case 'lost': {
        const to = state === 'never' ? 'never' : 'lost'
        const error = observation.error.message
        this.#dcs = { ...this.#dcs, state: to, endpoint, error, since: to === state ? since : at }
        this.#step({ type: 'dcs-lost' })
        return
      }
      case 'snapshot': {
        const { cluster, restored } = observation
        if (restored)
          this.#deps.log.warn({ event: 'dcs-restored', endpoint }, 'DCS restored: all members prove themselves again')
        this.#dcs = {
          ...this.#dcs,
          state: 'up',
          endpoint,
          error: null,
          readAt: at,
          since: state === 'up' ? since : at,
        }
        this.#cluster = cluster
        const memory = remember(this.#memory, cluster, memberOf(this.#machine.phase), at)
        this.#fitness = afterSnapshot(this.#fitness, this.#memory, memory, cluster.leader?.name ?? null)
        this.#memory = memory
        this.#step({ type: 'dcs', facts: factsOf(cluster, this.#memory), restored })
      }
    }
  }

  #step(event: PrimaryEvent): void {
    if (this.#stop.signal.aborted) return
    const at = now()
    this.#machine = nextPrimary(this.#machine, event, at)
    this.#publish()
    this.#asker.update(this.#machine, this.#memory, this.#fitness)
    if (this.#tick !== null) clearTimeout(this.#tick)
    const tickAt = nextTickAt(this.#machine, at)
    const delay = tickAt === null ? null : Math.min(tickAt - at + 1, MAX_TIMER_MS)
    this.#tick = delay === null ? null : setTimeout(() => this.#step({ type: 'tick' }), delay)
  }

  #replicaStep(member: string, change: (fitness: Fitness) => Fitness): void {
    if (this.#stop.signal.aborted || !this.#memory.has(member)) return
    this.#fitness = new Map(this.#fitness).set(member, change(this.#fitness.get(member) ?? UNKNOWN_FITNESS))
    this.#publish()
    this.#asker.update(this.#machine, this.#memory, this.#fitness)
  }

  #compose(): ClusterView {
    const { config } = this.#deps
    const machine = this.#machine
    return viewOf({
      config,
      dcs: this.#dcs,
      cluster: this.#cluster,
      machine,
      memory: this.#memory,
      fitness: this.#fitness,
    })
  }

  #publish(): void {
    const before = this.#view
    this.#view = this.#compose()
    for (const { level, message, fields } of narrate(before, this.#view)) this.#deps.log[level](fields, message)
    for (const subscriber of this.#subscribers) subscriber(this.#view)
  }

  async #askPrimary(name: string, signal: AbortSignal): Promise<void> {
    const askedUnder = basisOf(this.#machine, name)
    const askedAt = now()
    const reply = await this.#get(name, '/primary', signal)
    if (signal.aborted) return
    this.#step({ type: 'rest', member: name, answer: judgePrimary(reply, this.#expected(name)), askedUnder, askedAt })
  }

  async #askReplica(name: string, signal: AbortSignal): Promise<void> {
    const { rise, fall } = this.#deps.config.proxy.check
    const reply = await this.#get(name, '/replica', signal)
    if (signal.aborted) return
    const answer = judgeReplica(reply, this.#expected(name))
    this.#replicaStep(name, (fitness) => afterReplicaAnswer(fitness, answer, rise, fall))
  }

  async #askPostgres(name: string, signal: AbortSignal): Promise<void> {
    const askedUnder = basisOf(this.#machine, name)
    const askedAt = now()
    const address = addressOf(this.#memory, name)
    if (address === null) return
    const answer = await probeStartup(address, this.#deps.config.proxy.check.timeoutMs, signal)
    const present = addressOf(this.#memory, name)
    if (signal.aborted || present?.host !== address.host || present.port !== address.port) return
    this.#replicaStep(name, (fitness) => afterReplicaPostgres(fitness, answer))
    this.#step({ type: 'postgres', member: name, answer, askedUnder, askedAt })
  }

  async #get(name: string, path: string, signal: AbortSignal): Promise<RestReply> {
    const url = this.#memory.get(name)?.member.restUrl ?? null
    if (url === null) return { kind: 'none', reason: 'it has published no REST API' }
    return await this.#deps.rest.get(url, path, signal)
  }

  #expected(member: string): { member: string; scope: string; systemId: string | null } {
    return { member, scope: this.#deps.config.scope, systemId: this.#cluster.systemId }
  }
}

/** What a timer can take. */
const MAX_TIMER_MS = 2 ** 31 - 1
