/**
 * The native TCP proxy of one cluster: which listeners there are, and what they are to do with each view. A worker serves
 * them; messages.ts has what passes between the two.
 */
import type { Logger } from 'pino'
import type { Bind, ListenerConfig, ProxyConfig } from '../config/config.ts'
import { explain, RouterError } from '../errors.ts'
import type { HeldByRequest } from '../override.ts'
import type { Reconfigurable } from '../part.ts'
import type { ClusterView, DialFailure } from '../watcher/view.ts'
import { connectionLine } from './connection-line.ts'
import type { ConnectionLog } from './connection-log.ts'
import { ControlledListener } from './controlled-listener.ts'
import { type LogLine, logLines } from '../text/log-line.ts'
import { heldLine, listenerLog, openedLine } from './log-lines.ts'
import type { ListenerId, Report } from './messages.ts'
import { PrimaryFence } from './primary-fence.ts'
import type { ProxySessionFilter } from './session-list.ts'
import { StagedListeners } from './staged-listeners.ts'
import { StaleNames } from './stale-names.ts'
import { NO_PAST, type Past, pastOf, type ProxyStatus, statusOf } from './status.ts'
import { SHUTTING_DOWN } from './unserved.ts'
import { type SessionList, type Told, WorkerLink } from './worker-link.ts'
import { inProcess, type StartWorker } from './worker.ts'

export interface ProxyDeps {
  readonly config: ProxyConfig
  readonly log: Logger
  /** Without it connections are not logged. */
  readonly connectionLog?: ConnectionLog | null
  /** Returns the cluster that its lines name; null: there is no other. */
  readonly cluster?: () => string | null
  /** A dial that failed is an observation of the watcher. */
  readonly dialFailed: (failure: DialFailure) => void
  /** Default: a worker in this event loop, without limits. */
  readonly startWorker?: StartWorker
  /** How long ago a name was resolved last, in milliseconds; without it none is too old. */
  readonly ageOf?: (host: string) => number
}

/** Before another attempt to listen on the addresses of a new configuration. Milliseconds. */
const LISTEN_AGAIN_MS = 5000

export class Proxy implements Reconfigurable<ProxyConfig> {
  #config: ProxyConfig
  readonly #deps: ProxyDeps
  readonly #link: WorkerLink
  /** By name, in the order of the configuration. */
  readonly #listeners = new Map<string, ControlledListener>()
  /** Listeners that are no longer configured, until their sessions have ended. */
  readonly #leaving = new Set<ControlledListener>()
  /** What listeners have counted that have been removed. */
  #past: Past = NO_PAST
  readonly #fence: PrimaryFence<ControlledListener>
  readonly #names: StaleNames
  readonly #unfollow: () => void
  #ids = 0
  #stage: 'built' | 'started' | 'stopping' = 'built'
  #view: ClusterView | null = null
  /** Holds by request, by listener. */
  #holds: ReadonlyMap<string, HeldByRequest> = new Map()
  readonly #timers = new Map<ControlledListener, NodeJS.Timeout>()
  readonly #staged: StagedListeners
  /** Listeners whose addresses have changed and are not bound yet. */
  readonly #toListen = new Set<ControlledListener>()

  constructor(deps: ProxyDeps) {
    const { config, startWorker = inProcess(), ageOf = () => 0 } = deps
    this.#deps = deps
    this.#config = config
    this.#fence = new PrimaryFence({
      all: () => this.#all(),
      take: (view, hold) => this.#link.send({ type: 'view', view, hold }),
      held: (view, reason) => logLines(deps.log, [heldLine(view.primary, reason)]),
      opened: ({ member, epoch }, fencedMs) => logLines(deps.log, [openedLine(member, epoch, fencedMs)]),
      forced: (listener, reason) =>
        this.#log(
          listener,
          'warn',
          { event: 'fence-forced', reason },
          `destroyed all its connections to members, because sessions could not be closed one by one: ${reason}`,
        ),
      faultBegun: (listener, { kind, reason }) =>
        this.#log(listener, 'error', { event: `${kind}-failed`, reason }, `new connections are held: ${reason}`),
      faultEnded: (listener, { kind }) =>
        this.#log(listener, 'info', { event: `${kind}-recovered` }, 'follows the primary again'),
    })
    this.#names = new StaleNames(ageOf, (stale) => this.#link.send({ type: 'names', stale }))
    this.#link = new WorkerLink(startWorker, (report) => this.#reported(report))
    this.#configure()
    this.#unfollow = deps.connectionLog?.follow(() => this.#configure()) ?? ((): void => undefined)
    this.#staged = new StagedListeners((listener) => this.#build(listener), this.#link)
    for (const listener of config.listeners) this.#takeOne(listener, null)
  }

  /** Binds every listener, or none: rejects with BIND_FAILED. */
  async start(): Promise<void> {
    this.#stage = 'started'
    this.#toListen.clear()
    try {
      for (const listener of this.#listeners.values()) await listener.listen()
    } catch (error) {
      this.close()
      throw bindFailed(error)
    }
    for (const listener of this.#listeners.values()) this.#logListening(listener)
  }

  /** Follows the view. New connections are held, and sessions begin to be closed, before this returns. */
  apply(view: ClusterView): void {
    this.#view = view
    if (this.#config.trust === 'dcs' && this.#stage !== 'stopping') this.#names.watch(view)
    this.#fence.follow(view)
  }

  /** Holds the new clients of these listeners, by name, and of no others, by request. */
  hold(holds: ReadonlyMap<string, HeldByRequest>): void {
    this.#holds = holds
    for (const [name, listener] of this.#listeners) listener.pause(holds.get(name) ?? null)
  }

  /**
   * Binds what the next configuration has and the present one has not, so that nothing can go wrong once it is taken. Rejects with
   * BIND_FAILED: nothing of it is bound then. `isOwn`: an address in use is one of this process, and may be free by then.
   */
  async stage(next: ProxyConfig, isOwn: (bind: Bind) => boolean): Promise<void> {
    try {
      for (const config of next.listeners) await this.#staged.add(config, this.#listenerFor(config), isOwn)
    } catch (error) {
      this.unstage()
      throw bindFailed(error)
    }
  }

  /** Gives up what `stage` has bound. Idempotent. */
  unstage(): void {
    this.#staged.discard()
  }

  /** Returns the listener that continues with another configuration; null: it is a new one, or has another route. */
  #listenerFor({ name, route }: ListenerConfig): ControlledListener | null {
    const listener = this.#listeners.get(name)
    return listener?.config.route === route ? listener : null
  }

  /**
   * Takes another configuration, with what was staged of it, and listens. A listener whose name and route are there in both keeps
   * its sessions, also where its other settings change. Others begin, or end as in a drain. Timeouts count for new sessions.
   * Returns false once it is being stopped.
   */
  reconfigure(next: ProxyConfig): boolean {
    if (!this.take(next)) return false
    void this.listen()
    return true
  }

  /** Does the same as `reconfigure`, but for addresses that are not bound yet: `listen` has to follow. */
  take(next: ProxyConfig): boolean {
    if (this.#stage === 'stopping') return false
    this.#config = next
    if (next.trust !== 'dcs') this.#names.close()
    this.#configure()
    const kept = new Map(next.listeners.map((config) => [config.name, this.#listenerFor(config)]))
    for (const listener of this.#listeners.values())
      if (kept.get(listener.config.name) !== listener) this.#remove(listener)
    this.#listeners.clear()
    for (const config of next.listeners) this.#takeOne(config, kept.get(config.name) ?? null)
    this.unstage()
    if (this.#view !== null) this.apply(this.#view)
    return true
  }

  #takeOne(config: ListenerConfig, kept: ControlledListener | null): void {
    const staged = this.#staged.take(config.name)
    const listener = kept ?? staged ?? this.#build(config)
    this.#listeners.set(config.name, listener)
    if (listener.configure(config) || kept === null) this.#toListen.add(listener)
    listener.pause(this.#holds.get(config.name) ?? null)
  }

  #build(config: ListenerConfig): ControlledListener {
    return new ControlledListener(++this.#ids, config, this.#link)
  }

  /**
   * Listens on the addresses of the configuration that are not bound yet, and returns what could not be bound: that is tried again
   * every few seconds, and affects no other listener.
   */
  async listen(): Promise<readonly string[]> {
    const listeners = [...this.#toListen]
    this.#toListen.clear()
    if (this.#stage === 'started') await Promise.all(listeners.map((listener) => this.#listen(listener)))
    return listeners.flatMap(({ listenFault }) => listenFault ?? [])
  }

  status(): ProxyStatus {
    this.#link.send({ type: 'report' })
    const status = statusOf(this.#listeners.values(), this.#leaving, this.#past, this.#fence.faults)
    return { ...status, maxConnections: this.#config.maxConnections }
  }

  /** Returns the sessions that match, the oldest first and `max` at most, and how many match. */
  async sessions({ listener, ...match }: ProxySessionFilter, max: number): Promise<SessionList> {
    return this.#link.list({ type: 'list-sessions', ids: this.#idsOf(listener), match, max })
  }

  /** Closes the sessions that match, and resolves with their number. `by`: the user who requested it, for the log. */
  async closeSessions({ listener, ...match }: ProxySessionFilter, by: string): Promise<number> {
    const why = `requested by ${by}`
    const { total } = await this.#link.list({ type: 'close-sessions', ids: this.#idsOf(listener), match, why })
    return total
  }

  /**
   * Refuses connections of a listener beyond `max`; 0: it has no limit of its own. It stays until it is set again or the listener is
   * removed. Resolves when that is so; with false where there is no such listener.
   */
  async limit(listener: string, max: number): Promise<boolean> {
    const found = this.#listeners.get(listener)
    await found?.limit(max)
    return found !== undefined
  }

  /** Returns those with this name, also such as are no longer configured; undefined: all. */
  #idsOf(name: string | undefined): readonly ListenerId[] {
    return [...this.#all()].filter(({ config }) => name === undefined || config.name === name).map(({ id }) => id)
  }

  /** Stops accepting, refuses the waiting clients, and gives sessions `drainTimeoutMs` to end by themselves. */
  async drain(): Promise<void> {
    this.#stop()
    const ids = [...this.#all()].map(({ id }) => id)
    try {
      await this.#link.ask({ type: 'drain', ids, why: SHUTTING_DOWN, isLast: false })
    } catch (error) {
      // It is over all the same: other proxies must not lose the rest of their drain.
      const reason = explain(error)
      const message = `not all sessions could be drained; please report it: ${reason}`
      this.#deps.log.error({ event: 'listener-fault', reason }, message)
    }
  }

  /** Closes everything at once. Idempotent. */
  close(): void {
    this.#stop()
    this.#unfollow()
    this.#names.close()
    this.#fence.close()
    this.#link.send({ type: 'close' })
  }

  /** Takes no other configuration from now on; sessions are fenced until they end. */
  #stop(): void {
    this.#stage = 'stopping'
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
    this.unstage()
  }

  #configure(): void {
    const { trust, hold, maxConnections, timeouts, tcpKeepaliveMs, drainTimeoutMs } = this.#config
    const logConnections = this.#deps.connectionLog?.isOn ?? false
    const settings = { trust, hold, maxConnections, timeouts, tcpKeepaliveMs, drainTimeoutMs, logConnections }
    this.#link.send({ type: 'configure', settings })
  }

  *#all(): Iterable<ControlledListener> {
    yield* this.#listeners.values()
    yield* this.#leaving
  }

  /** Removes a listener; its sessions are fenced until they end. */
  #remove(listener: ControlledListener): void {
    const { id, config } = listener
    this.#endTimer(listener)
    this.#toListen.delete(listener)
    this.#leaving.add(listener)
    const why = `the listener ${config.name} was removed or has another route`
    const left = (): void => {
      this.#leaving.delete(listener)
      this.#past = pastOf(this.#past, listener.state)
      this.#fence.forget(listener)
    }
    void this.#link.ask({ type: 'drain', ids: [id], why, isLast: true }).then(left, left)
  }

  /** Listens, if need be later: an address that cannot be bound does not affect the other listeners. */
  async #listen(listener: ControlledListener): Promise<void> {
    this.#endTimer(listener)
    try {
      if (!(await listener.listen())) return
      listener.listenFault = null
      this.#logListening(listener)
    } catch (error) {
      if (this.#stage === 'stopping' || this.#listeners.get(listener.config.name) !== listener) return
      const reason = explain(error)
      if (listener.listenFault === null) this.#log(listener, 'error', { event: 'listen-failed', reason }, reason)
      listener.listenFault = reason
      this.#timers.set(
        listener,
        setTimeout(() => void this.#listen(listener), LISTEN_AGAIN_MS),
      )
    }
  }

  #endTimer(listener: ControlledListener): void {
    clearTimeout(this.#timers.get(listener))
    this.#timers.delete(listener)
  }

  #reported(report: Told): void {
    switch (report.type) {
      case 'dial-failed':
        this.#deps.dialFailed(report.failure)
        break
      case 'log':
        logLines(this.#deps.log, [report])
        break
      case 'ended':
        this.#logEnded(report)
        break
      case 'state':
        for (const listener of [...this.#all(), ...this.#staged.all()])
          if (listener.id === report.id) listener.state = report.state
        // It follows the next view: where there is none, this one again.
        if (report.state.fault !== null) this.#fence.retryLater()
    }
  }

  #logEnded({ connections, dropped }: Report & { readonly type: 'ended' }): void {
    const { connectionLog } = this.#deps
    const cluster = this.#deps.cluster?.() ?? null
    if (dropped > 0) connectionLog?.output.addDropped(dropped)
    connectionLog?.output.writeConnections(connections.map((each) => connectionLine(each, cluster)))
  }

  #log({ config }: ControlledListener, level: LogLine['level'], fields: LogLine['fields'], message: string): void {
    listenerLog(config, (line) => logLines(this.#deps.log, [line]))(level, fields, message)
  }

  #logListening({ config: { name, route }, state: { address } }: ControlledListener): void {
    const fields = { event: 'listening', listener: name, route, address }
    this.#deps.log.info(fields, `listening on ${address} (${name})`)
  }
}

function bindFailed(error: unknown): RouterError {
  const { message, cause } = error instanceof Error ? error : new Error(explain(error))
  return new RouterError('BIND_FAILED', message, { cause })
}
