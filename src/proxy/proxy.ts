/**
 * The native TCP proxy of one cluster: which listeners there are, and what they are to do with each view. A worker serves
 * them; messages.ts has what passes between the two.
 */
import type { Logger } from 'pino'
import type { ListenerConfig, ProxyConfig } from '../config/config.ts'
import { explain, RouterError } from '../errors.ts'
import type { Reconfigurable } from '../part.ts'
import type { ClusterView, DialFailure } from '../watcher/view.ts'
import { ControlledListener } from './controlled-listener.ts'
import { type LogLine, logLines } from '../text/log-line.ts'
import { heldLine, listenerLog, openedLine } from './log-lines.ts'
import type { Counts, ProxySettings, Report } from './messages.ts'
import { PrimaryFence } from './primary-fence.ts'
import { StaleNames } from './stale-names.ts'
import { countsOf, NO_COUNTS, type ProxyStatus, statusOf } from './status.ts'
import { SHUTTING_DOWN } from './unserved.ts'
import { WorkerLink } from './worker-link.ts'
import { inProcess, type StartWorker } from './worker.ts'

export interface ProxyDeps {
  readonly config: ProxyConfig
  readonly log: Logger
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
  /** The counts of listeners that have been removed. */
  #past: Counts = NO_COUNTS
  readonly #fence: PrimaryFence<ControlledListener>
  readonly #names: StaleNames
  #ids = 0
  #stage: 'built' | 'started' | 'stopping' = 'built'
  #view: ClusterView | null = null
  readonly #timers = new Map<ControlledListener, NodeJS.Timeout>()

  constructor(deps: ProxyDeps) {
    const { config, startWorker = inProcess(), ageOf = () => 0 } = deps
    this.#deps = deps
    this.#config = config
    this.#fence = new PrimaryFence({
      all: () => this.#all(),
      take: (view, hold) => this.#link.send({ type: 'view', view, hold }),
      held: (view, reason) => logLines(deps.log, [heldLine(view.primary.member, reason)]),
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
    this.#link.send({ type: 'configure', settings: settingsOf(config) })
    for (const listener of config.listeners) this.#add(listener)
  }

  /** Binds every listener, or none: rejects with BIND_FAILED. */
  async start(): Promise<void> {
    this.#stage = 'started'
    try {
      for (const listener of this.#listeners.values()) await listener.listen()
    } catch (error) {
      this.close()
      const { message, cause } = error instanceof Error ? error : new Error(explain(error))
      throw new RouterError('BIND_FAILED', message, { cause })
    }
    for (const listener of this.#listeners.values()) this.#logListening(listener)
  }

  /** Follows the view. New connections are held, and sessions begin to be closed, before this returns. */
  apply(view: ClusterView): void {
    this.#view = view
    if (this.#config.trust === 'dcs' && this.#stage !== 'stopping') this.#names.watch(view)
    this.#fence.follow(view)
  }

  /**
   * Takes another configuration. A listener whose name and route are there in both keeps its sessions, also where its other
   * settings change; on other addresses it listens as soon as they are free. Others begin, or end as in a drain. Timeouts
   * count for new sessions. Returns false once it is being stopped.
   */
  reconfigure(next: ProxyConfig): boolean {
    if (this.#stage === 'stopping') return false
    this.#config = next
    if (next.trust !== 'dcs') this.#names.close()
    this.#link.send({ type: 'configure', settings: settingsOf(next) })
    const routes = new Map(next.listeners.map(({ name, route }) => [name, route]))
    for (const listener of this.#listeners.values())
      if (routes.get(listener.config.name) !== listener.config.route) this.#remove(listener)
    const before = new Map(this.#listeners)
    this.#listeners.clear()
    const toListen: ControlledListener[] = []
    for (const config of next.listeners) {
      const listener = before.get(config.name)
      if (listener === undefined) toListen.push(this.#add(config))
      else {
        this.#listeners.set(config.name, listener)
        if (listener.configure(config)) toListen.push(listener)
      }
    }
    // Only now: an address may have been another listener's before.
    if (this.#stage === 'started') for (const listener of toListen) void this.#listen(listener)
    if (this.#view !== null) this.apply(this.#view)
    return true
  }

  status(): ProxyStatus {
    this.#link.send({ type: 'report' })
    return statusOf(this.#listeners.values(), this.#leaving, this.#past, this.#fence.faults)
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
    this.#names.close()
    this.#fence.close()
    this.#link.send({ type: 'close' })
  }

  /** Takes no other configuration from now on; sessions are fenced until they end. */
  #stop(): void {
    this.#stage = 'stopping'
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }

  *#all(): Iterable<ControlledListener> {
    yield* this.#listeners.values()
    yield* this.#leaving
  }

  #add(config: ListenerConfig): ControlledListener {
    const listener = new ControlledListener(++this.#ids, config, this.#link)
    this.#listeners.set(config.name, listener)
    listener.configure(config)
    return listener
  }

  /** Removes a listener; its sessions are fenced until they end. */
  #remove(listener: ControlledListener): void {
    const { id, config } = listener
    this.#endTimer(listener)
    this.#listeners.delete(config.name)
    this.#leaving.add(listener)
    const why = `the listener ${config.name} was removed or has another route`
    const left = (): void => {
      this.#leaving.delete(listener)
      this.#past = countsOf([this.#past, listener.state])
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

  #reported(report: Exclude<Report, { readonly type: 'done' }>): void {
    switch (report.type) {
      case 'dial-failed':
        this.#deps.dialFailed(report.failure)
        break
      case 'log':
        logLines(this.#deps.log, [report])
        break
      case 'state':
        for (const listener of this.#all()) if (listener.id === report.id) listener.state = report.state
        // It follows the next view: where there is none, this one again.
        if (report.state.fault !== null) this.#fence.retryLater()
    }
  }

  #log({ config }: ControlledListener, level: LogLine['level'], fields: LogLine['fields'], message: string): void {
    listenerLog(config, (line) => logLines(this.#deps.log, [line]))(level, fields, message)
  }

  #logListening({ config: { name, route }, state: { address } }: ControlledListener): void {
    const fields = { event: 'listening', listener: name, route, address }
    this.#deps.log.info(fields, `listening on ${address} (${name})`)
  }
}

function settingsOf(config: ProxyConfig): ProxySettings {
  const { trust, hold, maxConnections, timeouts, tcpKeepaliveMs, drainTimeoutMs } = config
  return { trust, hold, maxConnections, timeouts, tcpKeepaliveMs, drainTimeoutMs }
}
