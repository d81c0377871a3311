/**
 * The watcher: observes the DCS, asks the members, feeds both to the pure state machine and publishes the `ClusterView`
 * that follows. It decides nothing itself.
 */
import type { Logger } from 'pino'
import { now } from '../clock.ts'
import type { ClusterConfig } from '../config/config.ts'
import type { Bursts } from './checks/bursts.ts'
import { MemberChecks } from './checks/member-checks.ts'
import type { RestClient } from './checks/rest-client.ts'
import { CheckScheduler } from './checks/scheduler.ts'
import { type Cluster, isSameButMembers, parseCluster } from './cluster.ts'
import { composeView, MemberViews } from './compose-view.ts'
import type { Dcs, DcsObservation, Remembered } from './dcs/dcs.ts'
import { type WatcherCounts, WatcherCounting } from './counts.ts'
import { DcsSuccession, type Objection, type Successor } from './dcs-succession.ts'
import { type Fault, Faults } from './faults.ts'
import { DebugLog } from './log/debug-log.ts'
import { afterReplicaPostgres, type Fitness } from './members/fitness.ts'
import type { LocalHost } from './members/local-host.ts'
import type { Pin } from './members/pins.ts'
import type { Override } from '../override.ts'
import { MemberRegistry } from './members/registry.ts'
import { Pace } from './pace.ts'
import type { PostgresAnswer } from './primary/evidence.ts'
import { memberOf, type PrimaryEvent } from './primary/machine.ts'
import { type Epochs, RunningMachine } from './primary/running-machine.ts'
import { Publisher } from './publisher.ts'
import { objectionTo } from './same-cluster.ts'
import { fromSaved, pinsOf, toSaved } from './state/saved-cluster.ts'
import type { StateFile } from './state/state-file.ts'
import { StateKeeper } from './state/state-keeper.ts'
import { Standstill } from '../standstill.ts'
import { type ClusterView, type DialFailure, isSameAddress } from './view.ts'

export interface WatcherDeps {
  readonly config: ClusterConfig
  readonly dcs: Dcs
  readonly rest: RestClient
  /** Where the last known cluster is kept; null: nowhere. */
  readonly state: StateFile | null
  /** Shared by all watchers of the process. */
  readonly epochs: Epochs
  /** Shared by them too; none: this one's own. */
  readonly bursts?: Bursts
  readonly log: Logger
  /** What the configuration says of the host; nothing where it is left out. */
  readonly local?: LocalHost
  /** Returns what a person has decided, by member; without it nothing. */
  readonly overrides?: () => ReadonlyMap<string, Override>
}

/** Another configuration, with what had to be built again for it. What is left out stays. */
export interface WatcherChange extends Partial<Pick<WatcherDeps, 'state' | 'local'>> {
  readonly config: ClusterConfig
  /** See `tryDcs` and `buildDcs`. */
  readonly dcs?: Successor
}

export class Watcher {
  readonly #deps: WatcherDeps
  #local: LocalHost | null
  readonly #faults: Faults
  readonly #debugLog: DebugLog
  readonly #members: MemberRegistry
  readonly #primary: RunningMachine
  readonly #dcs: DcsSuccession
  readonly #publisher: Publisher
  readonly #scheduler: CheckScheduler
  readonly #standstill = new Standstill(() => this.#step({ type: 'stood-still' }))
  readonly #stop = new AbortController()
  #config: ClusterConfig
  #cluster: Cluster = parseCluster(new Map())
  readonly #memberViews = new MemberViews()
  readonly #counting = new WatcherCounting()
  readonly #publishing = new Pace(() => this.#publish())
  readonly #keeper: StateKeeper
  #keptFloor = 0
  /** When it runs out, a DCS that has not answered yet counts as lost. */
  #grace: NodeJS.Timeout | null = null
  #observing: Promise<void> | null = null

  constructor(deps: WatcherDeps) {
    const { config, dcs, rest, epochs, log } = deps
    this.#deps = deps
    this.#config = config
    this.#keeper = new StateKeeper(deps.state, (file) => this.#save(file))
    this.#local = deps.local ?? null
    this.#faults = new Faults(log)
    this.#debugLog = new DebugLog(log)
    this.#members = new MemberRegistry(config.proxy.address)
    this.#primary = new RunningMachine(config.proxy.check, epochs, () => this.#step({ type: 'tick' }))
    this.#dcs = new DcsSuccession(dcs, log, (...observed) => this.#observed(...observed))
    this.#publisher = new Publisher(this.#compose(), this.#faults, log)
    const situation = () => ({
      config: this.#config,
      machine: this.#primary.state,
      cluster: this.#cluster,
      members: this.#members,
      readAt: this.#dcs.view.readAt,
    })
    const checks = new MemberChecks(rest, situation, {
      step: (event) => this.#step(event),
      replicaStep: (member, change) => this.#replicaStep(member, change),
      answered: (question, answer) => this.#debugLog.answered(question, answer),
      pin: (member, pin) => this.#pin(member, pin),
      stray: (member, notice) => {
        if (this.#members.stray(member, notice)) this.#publishSoon()
      },
      checked: (member, check) => this.#counting.checked(member, check),
    })
    this.#scheduler = new CheckScheduler(checks, deps.bursts)
  }

  /** Returns the present view; newer than the last that sinks were called with where nothing but `readAt` has changed. */
  get view(): ClusterView {
    return this.#publisher.view
  }

  /** Returns the faults of ours in sinks and other parts that the watcher calls. */
  get faults(): readonly Fault[] {
    return this.#faults.lasting
  }

  /** Returns what was counted so far. */
  get counts(): WatcherCounts {
    return this.#counting.counts()
  }

  /**
   * Calls `take` with the next view and with every one that differs from the one before, synchronously with the event.
   * A `take` that throws does not affect the others, and is called again with the next view, changed or not. Returns a
   * function that ends the subscription.
   */
  subscribe(name: string, take: (view: ClusterView) => void): () => void {
    return this.#publisher.subscribe(name, take)
  }

  /** Begins to observe. The DCS need not be there: it is waited for. */
  start(): void {
    this.#standstill.start()
    this.#observing ??= this.#observe()
  }

  /** Ends every observation. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#standstill.close()
    this.#publishing.close()
    this.#keeper.finish()
    this.#scheduler.close()
    this.#primary.close()
    this.#endGrace()
    await Promise.all([this.#observing, this.#dcs.close()])
    await this.#keeper.close()
    await this.#deps.rest.close()
  }

  /**
   * Observes another DCS beside the present one until it is certain that both show the same cluster. Rejects with
   * DCS_UNAVAILABLE where it shows another one, or cannot be read in time.
   */
  async tryDcs(dcs: Dcs, limitMs = TRY_MS): Promise<Successor> {
    if (this.#dcs.view.state === 'never' && this.#cluster.systemId === null) return this.buildDcs(dcs)
    return await this.#dcs.tryOut(dcs, this.#objections(), limitMs)
  }

  /** Builds another way to observe the same DCS, which takes the place of the present one once it has read the same. */
  buildDcs(dcs: Dcs): Successor {
    return this.#dcs.begin(dcs, this.#objections())
  }

  /** Returns what tells why another DCS does not show the same as the present one. It has to have come as far as that has now. */
  #objections(): (observation: DcsObservation) => Objection | null {
    const { optime } = this.#cluster
    return (observation) => objectionTo(observation, { ...this.#cluster, optime }, this.#dcs.view, this.#config.scope)
  }

  /** Takes another configuration. The state of the primary, its proof and the sessions on it stay. */
  reconfigure({ config: next, dcs, state, local }: WatcherChange): void {
    this.#config = next
    this.#deps.rest.reconfigure(next.restApi, next.proxy.check.timeoutMs)
    this.#primary.reconfigure(next.proxy.check)
    this.#members.dialBy(next.proxy.address)
    if (state !== undefined) {
      this.#keeper.replace(state)
      // What an earlier run has left there may be all that is known.
      if (this.#primary.state.link !== 'never') this.#keep()
    }
    if (local !== undefined) this.#lookAtLocal((this.#local = local))
    if (dcs !== undefined) this.#dcs.succeed(dcs)
    for (const member of this.#members.known.keys()) this.#moved(member)
    // The view and the checks follow the configuration, too. Before anything is known there is no view for the sinks.
    if (this.#primary.state.link !== 'never') this.#publishing.atOnce()
  }

  /** Looks at the overrides again: the sinks have them when this returns. */
  overridesChanged(): void {
    if (this.#stop.signal.aborted) return
    // Before anything is known there is no view for the sinks: they are in the first one.
    if (this.#primary.state.link !== 'never' || this.#members.known.size > 0) this.#publishing.atOnce()
  }

  /** Takes a dial of the proxy that failed as an observation. */
  dialFailed({ member, address, basis, reason, startedAt }: DialFailure): void {
    if (!isSameAddress(this.#members.placeOf(member), address)) return
    const answer: PostgresAnswer = { kind: 'down', reason }
    // At once: a member that the proxy has just failed to reach must not be its next choice.
    if (basis === null) this.#replicaStep(member, (fitness) => afterReplicaPostgres(fitness, answer), true)
    else this.#step({ type: 'postgres', member, answer, askedUnder: basis, askedAt: startedAt })
  }

  async #observe(): Promise<void> {
    const remembered = await this.#recall()
    if (!this.#stop.signal.aborted) this.#dcs.start(remembered)
  }

  /**
   * Recalls what an earlier run has kept. Its members are checked; one is opened only when the DCS has answered, or has failed.
   */
  async #recall(): Promise<Remembered | null> {
    const { rest } = this.#deps
    const saved = await this.#keeper.load(this.#stop.signal)
    if (saved === null || this.#stop.signal.aborted) return null
    const { systemId, standbyCluster, timelineFloor, served } = saved
    this.#members.recall(fromSaved(saved, now()), pinsOf(saved))
    for (const pin of this.#members.pins.values()) for (const [host, ip] of pin) rest.lookups.recall(host, [ip])
    this.#cluster = { ...this.#cluster, systemId, standbyCluster }
    this.#primary.recall({ facts: this.#members.factsOf(this.#cluster), timelineFloor, served })
    this.#step({ type: 'tick' })
    this.#grace = setTimeout(() => this.#step({ type: 'dcs-lost' }), GRACE_MS)
    // Present members come first: not all can be checked.
    const there = saved.members.toSorted((a, b) => Number(a.goneSince !== null) - Number(b.goneSince !== null))
    return { systemId, restUrls: there.flatMap(({ restUrl }) => restUrl ?? []) }
  }

  #endGrace(): void {
    if (this.#grace !== null) clearTimeout(this.#grace)
    this.#grace = null
  }

  #observed(observation: DcsObservation, isElsewhere: boolean): void {
    this.#endGrace()
    if (observation.type === 'lost') {
      this.#counting.dcsFailed()
      this.#step({ type: 'dcs-lost' })
      return
    }
    const { cluster, restored, endpoint } = observation
    const before = this.#cluster
    const { facts, phase, link } = this.#primary.state
    const isUp = link === 'up' && endpoint === this.#publisher.view.dcs.endpoint
    if (restored)
      this.#deps.log.warn(
        { event: 'dcs-restored', endpoint },
        'DCS restored from a backup: all members are checked again',
      )
    this.#faults.call('debug log', () => this.#debugLog.read(before, cluster))
    this.#cluster = cluster
    const isOther = this.#members.observe(cluster, facts, memberOf(phase), now()) || !isSameButMembers(before, cluster)
    if (isOther) this.#counting.keepOnly(this.#members.known)
    if (isOther) this.#faults.call('local members', () => this.#lookAtLocal(this.#local))
    // How far each member has come is rewritten all the time, and no reason to route.
    this.#step({ type: 'dcs', facts: this.#members.factsOf(cluster, facts), restored, isElsewhere }, !isOther && isUp)
    if (isOther || this.#keptFloor !== this.#primary.state.timelineFloor) this.#keep()
  }

  /** Looks at the members that are on this host; those whose keys have gone for a while are still known. */
  #lookAtLocal(local: LocalHost | null): void {
    const members = [...this.#members.known.values()].map(({ member }) => member)
    local?.look(members, () => {
      if (!this.#stop.signal.aborted) this.#publishSoon()
    })
  }

  /** Saves what a start without DCS needs soon. */
  #keep(): void {
    this.#keeper.later(this.#members.known.size)
  }

  /** Saves it now. A claim of members to be a standby cluster is none of it. */
  #save(file: StateFile | null): void {
    const { systemId, standbyCluster, hasLock } = this.#cluster
    const { timelineFloor, served } = this.#primary.state
    const kept = { systemId, standbyCluster: standbyCluster && hasLock, timelineFloor, served }
    const { known, pins } = this.#members
    this.#keptFloor = timelineFloor
    this.#faults.call('state file', () => file?.save(toSaved(kept, known.values(), pins)))
  }

  /** Takes a step. `isQuiet`: what `event` says is no news of the primary. */
  #step(event: PrimaryEvent, isQuiet = false): void {
    if (this.#stop.signal.aborted) return
    const { isAside, hasServed } = this.#primary.step(event, isQuiet)
    if (isAside) this.#publishSoon()
    else this.#publishing.atOnce()
    // What a restart must not forget follows from answers, too.
    if (hasServed) this.#keep()
  }

  #replicaStep(member: string, change: (fitness: Fitness) => Fitness, atOnce = false): void {
    if (this.#stop.signal.aborted || !this.#members.changeFitness(member, change)) return
    if (atOnce) this.#publishing.atOnce()
    else this.#publishSoon()
  }

  #pin(name: string, pin: Pin): void {
    if (this.#stop.signal.aborted || !this.#members.pin(name, pin)) return
    this.#moved(name)
    this.#keep()
  }

  #moved(member: string): void {
    this.#step({ type: 'moved', member, address: this.#members.whereaboutsOf(member) })
  }

  /**
   * Publishes soon. Where there are very many members their answers are published together: each view costs as much as it
   * has members.
   */
  #publishSoon(): void {
    this.#publishing.soon(this.#members.known.size * PUBLISH_MS)
  }

  #compose(): ClusterView {
    const dcs = this.#dcs.view
    const notices = [...dcs.notices, ...(this.#local?.notices ?? []), ...this.#members.notices]
    const { known, fitness, pins } = this.#members
    return composeView({
      ...{ config: this.#config, dcs: { ...dcs, notices }, cluster: this.#cluster, machine: this.#primary.state },
      ...{ known, fitness, pins, overrides: this.#deps.overrides?.() ?? new Map(), before: this.#memberViews },
    })
  }

  #publish(): void {
    const view = this.#compose()
    this.#counting.viewed(view.primary)
    this.#publisher.publish(view)
    if (this.#stop.signal.aborted) return
    this.#faults.call('checks', () => this.#scheduler.update(this.#config.proxy, this.#primary.state, this.#members))
  }
}

/** How long another DCS may take to show the same cluster. Milliseconds. */
const TRY_MS = 10_000

/** For each member that the view has, the pause between two views that only show how members are. Milliseconds. */
const PUBLISH_MS = 0.5

/** How long a DCS may take to answer a router that has other things to go by. Milliseconds. */
const GRACE_MS = 500
