/** Tells systemd the state of the router, and that its event loop turns. */
import type { Logger } from 'pino'
import { MAX_TIMER_MS } from '../clock.ts'
import { Delivery, type DeliveryDeps } from './delivery.ts'
import { serviceManager, type ServiceManager } from './environment.ts'
import type { Phase } from './message.ts'
import { withPhase } from './outbox.ts'

export interface NotifierDeps extends Pick<DeliveryDeps, 'signalGroup' | 'hangMs'> {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly pid: number
  readonly log: Logger
  /** Returns the time of CLOCK_MONOTONIC. Microseconds. */
  readonly monotonicUsec: () => bigint
}

/** Signs of life in the time in which systemd expects one: two may be late. */
const PINGS = 3

/** Returns what notifies systemd; null: the router was not started by systemd, or its unit has no `NotifyAccess`. Starts nothing. */
export function notifierFor(deps: NotifierDeps): Notifier | null {
  const manager = serviceManager(deps.env, deps.pid)
  return manager === null ? null : new Notifier(manager, deps)
}

/** Nothing waits for systemd: a message that does not reach it is sent again, unless a later one has made it obsolete. */
export class Notifier {
  readonly #manager: ServiceManager
  readonly #deps: NotifierDeps
  readonly #delivery: Delivery
  #status: string | null = null
  #isStopping = false
  #pings: NodeJS.Timeout | null = null

  constructor(manager: ServiceManager, deps: NotifierDeps) {
    this.#manager = manager
    this.#deps = deps
    const { log, signalGroup, hangMs, env } = deps
    this.#delivery = new Delivery({ socket: manager.socket, path: env['PATH'], log, signalGroup, hangMs })
  }

  /** Begins to send, and gives signs of life from the event loop: a loop that stands still gives none. */
  start(): void {
    const { watchdogMs, watchdogOf } = this.#manager
    if (watchdogOf !== null) {
      const who = `process ${watchdogOf}, and the router is process ${this.#deps.pid}`
      const message = `systemd expects signs of life from ${who}: it sends none. ExecStart has to become the router (exec)`
      this.#deps.log.warn({ event: 'watchdog-foreign' }, message)
    }
    this.#delivery.start()
    if (watchdogMs === null || this.#pings !== null) return
    const ping = (): void => this.#delivery.put((outbox) => ({ ...outbox, ping: true }))
    this.#pings = setInterval(ping, Math.min(watchdogMs / PINGS, MAX_TIMER_MS))
  }

  /** Reports that the router serves: that it has started, or that a reload has ended, whatever came of it. */
  ready(): void {
    this.#enter({ type: 'ready' })
  }

  /** Reports that a reload begins. `ready` has to follow. */
  reloading(): void {
    this.#enter({ type: 'reloading', sinceUsec: this.#deps.monotonicUsec() })
  }

  /** Reports that the router drains, for `drainMs` at most: so long systemd waits, also with a shorter `TimeoutStopSec`. */
  stopping(drainMs: number): void {
    this.#enter({ type: 'stopping', drainMs })
    this.#isStopping = true
  }

  /** Shows `line` in `systemctl status`. */
  status(line: string): void {
    if (line === this.#status) return
    this.#status = line
    this.#delivery.put((outbox) => ({ ...outbox, status: line }))
  }

  /** Ends the signs of life, and the shell, within a second. Idempotent. */
  async close(): Promise<void> {
    if (this.#pings !== null) clearInterval(this.#pings)
    await this.#delivery.close()
  }

  #enter(phase: Phase): void {
    if (!this.#isStopping) this.#delivery.put((outbox) => withPhase(outbox, phase))
  }
}
