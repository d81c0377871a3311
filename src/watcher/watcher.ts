/**
 * The watcher: observes the DCS, asks the members, feeds both to the pure state machine and publishes a `ClusterView`
 * after each step. It decides nothing itself.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import { MAX_TIMER_MS, now, within } from '../clock.ts'
import type { ClusterConfig } from '../config/config.ts'
import { explain, RouterError } from '../errors.ts'
import { logLines } from '../text/log-line.ts'
import { CheckScheduler } from './checks/scheduler.ts'
import { type Cluster, parseCluster } from './cluster.ts'
import type { Dcs, DcsNotice, DcsObservation, Remembered } from './dcs/dcs.ts'
import { afterObservation, unreadDcs } from './dcs-view.ts'
import type { PostgresAnswer } from './primary/evidence.ts'
import { afterReplicaPostgres, afterSnapshot, type Fitness, UNKNOWN_FITNESS } from './members/fitness.ts'
import {
  initialPrimary,
  memberOf,
  nextTickAt,
  type PrimaryEvent,
  type PrimaryMachine,
  type RememberedPrimary,
} from './primary/machine.ts'
import type { LocalHost } from './members/local-host.ts'
import { factsOf, type KnownMembers, recalled, remember, serving, whereabouts } from './members/memory.ts'
import { MemberChecks, type Situation } from './checks/member-checks.ts'
import { linesFor } from './log/lines.ts'
import { NOTHING_LOGGED, type Logged } from './log/line.ts'
import { Pace } from './pace.ts'
import { hasMovedFrom, isSamePin, NO_PIN, type Pin, type Pins } from './members/pins.ts'
import { nextPrimary } from './primary/next-primary.ts'
import type { RestClient } from './checks/rest-client.ts'
import { fromSaved, pinsOf, toSaved } from './state/saved-cluster.ts'
import type { StateFile } from './state/state-file.ts'
import { DebugLog } from './log/debug-log.ts'
import { type ClusterView, type DcsView, type DialFailure, isSameAddress } from './view.ts'
import { composeView } from './compose-view.ts'
import { KeyProofSource, RestProofSource } from './checks/proof-source.ts'

export interface WatcherDeps {
  readonly config: ClusterConfig
  readonly dcs: Dcs
  readonly rest: RestClient
  /** Where the last known cluster is kept; null: nowhere. */
  readonly state: StateFile | null
  readonly log: Logger
  /** What the configuration says of the host; nothing where it is left out. */
  readonly local?: LocalHost
}

export class Watcher {
  readonly #deps: WatcherDeps
  readonly #subscribers = new Set<(view: ClusterView) => void>()
  readonly #asker: CheckScheduler
  readonly #interview: MemberChecks
  readonly #stop = new AbortController()
  #machine: PrimaryMachine
  #cluster: Cluster = parseCluster(new Map())
  #memory: KnownMembers = new Map()
  #fitness: ReadonlyMap<string, Fitness> = new Map()
  #pins: Pins = new Map()
  /** By member. */
  #astray: ReadonlyMap<string, DcsNotice> = new Map()
  #dcs: DcsView
  #view: ClusterView
  #told: Logged = NOTHING_LOGGED
  readonly #trace: DebugLog
  readonly #publishing = new Pace(() => this.#publish())
  #tick: NodeJS.Timeout | null = null
  /** When it runs out, a DCS that has not answered yet is taken for lost. */
  #grace: NodeJS.Timeout | null = null
  #observing: Promise<void> | null = null

  constructor(deps: WatcherDeps) {
    const startedAt = now()
    this.#deps = deps
    this.#trace = new DebugLog(deps.log)
    this.#machine = this.#initial(startedAt)
    this.#dcs = unreadDcs(deps.dcs.kind, startedAt)
    this.#view = this.#compose()
    const witness = deps.config.proxy.trust === 'dcs' ? new KeyProofSource() : new RestProofSource(deps.rest)
    const situation = (): Situation => ({
      machine: this.#machine,
      memory: this.#memory,
      cluster: this.#cluster,
      fitness: this.#fitness,
      pins: this.#pins,
      readAt: this.#dcs.readAt,
    })
    this.#interview = new MemberChecks(
      deps.config,
      witness,
      situation,
      {
        step: (event) => this.#step(event),
        replicaStep: (member, change) => this.#replicaStep(member, change),
        answered: (question, answer) => this.#trace.answered(question, answer),
        pin: (member, pin) => this.#pin(member, pin),
        astray: (member, notice) => this.#strayed(member, notice),
      },
      deps.rest.lookups,
    )
    this.#asker = new CheckScheduler(deps.config.proxy, this.#interview)
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
    this.#publishing.close()
    this.#asker.close()
    if (this.#tick !== null) clearTimeout(this.#tick)
    this.#endGrace()
    await this.#observing
    await this.#deps.state?.close()
    await this.#deps.rest.close()
  }

  /** Takes a dial of the proxy that failed as an observation. */
  dialFailed({ member, address, basis, reason, startedAt }: DialFailure): void {
    if (!isSameAddress(this.#interview.placeOf(member), address)) return
    const answer: PostgresAnswer = { kind: 'down', reason }
    // At once: whom the proxy has just failed to reach must not be its next choice.
    if (basis === null) this.#replicaStep(member, (fitness) => afterReplicaPostgres(fitness, answer), true)
    else this.#step({ type: 'postgres', member, answer, askedUnder: basis, askedAt: startedAt })
  }

  async #observe(): Promise<void> {
    const { signal } = this.#stop
    const remembered = await this.#recall()
    for (let fault: DcsObservation | null = null; !signal.aborted;) {
      try {
        if (fault !== null) this.#observed(fault)
        for await (const observation of this.#deps.dcs.observe(signal, remembered)) this.#observed(observation)
      } catch (cause) {
        // A fault of ours must not end the watch: the sessions of healthy servers outlive it, and so does the router.
        const message = `an unexpected error, please report it: ${explain(cause)}`
        this.#deps.log.error({ event: 'fault', err: cause }, message)
        const error = new RouterError('INTERNAL', message, { cause })
        fault = { type: 'lost', endpoint: this.#dcs.endpoint ?? '-', error }
        await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  /** What an earlier run has kept is asked for its proof; who is open is decided when the DCS has answered, or has not. */
  async #recall(): Promise<Remembered | null> {
    const { state } = this.#deps
    // A file system that hangs must not keep the router from the DCS.
    const saved = state === null ? null : await within(state.load(), LOAD_MS, this.#stop.signal)
    if (saved === null || this.#stop.signal.aborted) return null
    const { systemId, standbyCluster, timelineFloor, served } = saved
    const { address } = this.#deps.config.proxy
    this.#memory = recalled(fromSaved(saved, now()))
    this.#pins = pinsOf(saved)
    for (const pin of this.#pins.values()) for (const [host, ip] of pin) this.#deps.rest.lookups.recall(host, [ip])
    this.#cluster = { ...this.#cluster, systemId, standbyCluster }
    const facts = factsOf(this.#cluster, this.#memory, address, this.#pins)
    this.#machine = this.#initial(this.#machine.since, { facts, timelineFloor, served })
    this.#step({ type: 'tick' })
    this.#grace = setTimeout(() => this.#step({ type: 'dcs-lost' }), GRACE_MS)
    // Those that are still there come first: not all can be asked.
    const there = saved.members.toSorted((a, b) => Number(a.goneSince !== null) - Number(b.goneSince !== null))
    return { systemId, restUrls: there.flatMap(({ restUrl }) => restUrl ?? []) }
  }

  /** A proof outlives as many questions as may be without an answer, however seldom they are asked. */
  #initial(at: number, remembered: RememberedPrimary | null = null): PrimaryMachine {
    const { fall, intervalMs, timeoutMs } = this.#deps.config.proxy.check
    return initialPrimary(fall, at, remembered, fall * (intervalMs + timeoutMs))
  }

  #endGrace(): void {
    if (this.#grace !== null) clearTimeout(this.#grace)
    this.#grace = null
  }

  #observed(observation: DcsObservation): void {
    this.#endGrace()
    const at = now()
    this.#dcs = afterObservation(this.#dcs, observation, at)
    if (observation.type === 'lost') {
      this.#step({ type: 'dcs-lost' })
      return
    }
    const { cluster, restored, endpoint } = observation
    const isNew = cluster !== this.#cluster
    if (restored)
      this.#deps.log.warn({ event: 'dcs-restored', endpoint }, 'DCS restored: all members prove themselves again')
    this.#trace.read(this.#cluster, cluster)
    this.#cluster = cluster
    const before = { memory: this.#memory, facts: this.#machine.facts }
    this.#memory = remember(this.#memory, cluster, memberOf(this.#machine.phase), at)
    this.#fitness = afterSnapshot(this.#fitness, before, { memory: this.#memory, facts: cluster })
    if (isNew) this.#lookAtLocal()
    this.#pins = new Map([...this.#pins].filter(([name]) => this.#memory.has(name)))
    this.#astray = new Map([...this.#astray].filter(([name]) => this.#memory.has(name)))
    const facts = factsOf(cluster, this.#memory, this.#deps.config.proxy.address, this.#pins)
    this.#step({ type: 'dcs', facts, restored })
    this.#keep()
  }

  /** Members whose keys have gone for a while are still known. */
  #lookAtLocal(): void {
    const members = [...this.#memory.values()].map(({ member }) => member)
    this.#deps.local?.look(members, () => {
      if (!this.#stop.signal.aborted) this.#publishSoon()
    })
  }

  /** What a start without DCS needs. A claim of members to be a standby cluster is none of it. */
  #keep(): void {
    const { systemId, standbyCluster, hasLock } = this.#cluster
    const { timelineFloor, served } = this.#machine
    const kept = { systemId, standbyCluster: standbyCluster && hasLock, timelineFloor, served }
    this.#deps.state?.save(toSaved(kept, this.#memory.values(), this.#pins))
  }

  #step(event: PrimaryEvent): void {
    if (this.#stop.signal.aborted) return
    const at = now()
    const before = this.#machine
    this.#machine = nextPrimary(before, event, at)
    if (isAside(event, before, this.#machine)) this.#publishSoon()
    else this.#publishing.atOnce()
    // What a restart must not forget follows from answers, too.
    if (before.served !== this.#machine.served) this.#keep()
    if (this.#tick !== null) clearTimeout(this.#tick)
    const tickAt = nextTickAt(this.#machine, at)
    const delay = tickAt === null ? null : Math.min(tickAt - at + 1, MAX_TIMER_MS)
    this.#tick = delay === null ? null : setTimeout(() => this.#step({ type: 'tick' }), delay)
  }

  /** A member that is at another place now is another one: it has shown nothing of itself. */
  #pin(name: string, pin: Pin): void {
    const before = this.#pins.get(name) ?? NO_PIN
    const member = this.#memory.get(name)?.member
    if (this.#stop.signal.aborted || member === undefined || isSamePin(before, pin)) return
    this.#pins = new Map(this.#pins).set(name, pin)
    if (hasMovedFrom(before, pin)) this.#fitness = new Map([...this.#fitness].filter(([other]) => other !== name))
    this.#step({ type: 'moved', member: name, address: whereabouts(member, this.#deps.config.proxy.address, pin) })
    this.#keep()
  }

  #strayed(name: string, notice: DcsNotice | null): void {
    if (!this.#memory.has(name) || notice?.message === this.#astray.get(name)?.message) return
    const others = [...this.#astray].filter(([other]) => other !== name)
    this.#astray = new Map(notice === null ? others : [...others, [name, notice]])
    this.#publishSoon()
  }

  #replicaStep(member: string, change: (fitness: Fitness) => Fitness, atOnce = false): void {
    if (this.#stop.signal.aborted || !this.#memory.has(member)) return
    const fitness = change(this.#fitness.get(member) ?? UNKNOWN_FITNESS)
    this.#fitness = new Map(this.#fitness).set(member, fitness)
    if (fitness.rest === 'fit') this.#memory = serving(this.#memory, member)
    if (atOnce) this.#publishing.atOnce()
    else this.#publishSoon()
  }

  /** Where there are very many members their answers are published together: each view costs as much as it has members. */
  #publishSoon(): void {
    this.#publishing.soon(this.#memory.size * PUBLISH_MS)
  }

  #compose(): ClusterView {
    const [config, cluster] = [this.#deps.config, this.#cluster]
    const dcs = {
      ...this.#dcs,
      notices: [...this.#dcs.notices, ...(this.#deps.local?.notices ?? []), ...this.#astray.values()],
    }
    const [machine, memory, fitness] = [this.#machine, this.#memory, this.#fitness]
    return composeView({ config, dcs, cluster, machine, memory, fitness, pins: this.#pins })
  }

  #publish(): void {
    const before = this.#view
    this.#view = this.#compose()
    const { lines, told } = linesFor(before, this.#view, this.#told)
    this.#told = told
    logLines(this.#deps.log, lines)
    for (const subscriber of this.#subscribers) subscriber(this.#view)
    if (!this.#stop.signal.aborted) this.#asker.update(this.#machine, this.#memory, this.#fitness)
  }
}

/** What one member said changes neither who is open nor why. */
function isAside(event: PrimaryEvent, before: PrimaryMachine, { phase, epoch }: PrimaryMachine): boolean {
  if (event.type !== 'rest' && event.type !== 'postgres') return false
  return event.member !== memberOf(phase) && epoch === before.epoch && isDeepStrictEqual(phase, before.phase)
}

/** For each member that the view has, the pause between two views that only show how members are. Milliseconds. */
const PUBLISH_MS = 0.5

/** Between a fault and the next attempt to observe the DCS. Milliseconds. */
const AGAIN_MS = 1000

/** How long the reading of what was kept may take. Milliseconds. */
const LOAD_MS = 1000

/** How long a DCS may take to answer a router that has other things to go by. Milliseconds. */
const GRACE_MS = 500
