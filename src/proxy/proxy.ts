/** The native TCP proxy: listeners, and the routes they serve, following the view. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Socket } from 'node:net'
import type { Logger } from 'pino'
import { now } from '../clock.ts'
import type { ProxyConfig } from '../config/config.ts'
import { explain } from '../errors.ts'
import type { ClusterView, DialFailure } from '../watcher/view.ts'
import { roundRobin } from './balance.ts'
import { PrimaryFollower } from './data-plane.ts'
import { Listener } from './listener.ts'
import { RouteControl } from './route-control.ts'
import { RouteServer } from './route-server.ts'
import type { ProxyStatus } from './status.ts'

export interface ProxyDeps {
  readonly config: ProxyConfig
  readonly log: Logger
  /** A dial that failed is an observation of the watcher. */
  readonly dialFailed: (failure: DialFailure) => void
}

interface Served {
  readonly listener: Listener
  readonly route: RouteServer
  readonly control: RouteControl
}

export class Proxy {
  readonly #deps: ProxyDeps
  readonly #served: readonly Served[]
  readonly #totals = { accepted: 0, refused: 0, fenced: 0, failedDials: 0 }
  #connections = 0
  readonly #follower: PrimaryFollower

  constructor(deps: ProxyDeps) {
    this.#deps = deps
    const { config, log, dialFailed } = deps
    const hasRoom = (): boolean => this.#held() < config.hold.maxConnections
    const count = (what: 'refused' | 'failedDials' | 'fenced', n: number): void => void (this.#totals[what] += n)
    this.#served = config.listeners.map((listener) => {
      const route = new RouteServer(listener.name, { config, log, hasRoom, dialFailed, count }, roundRobin)
      const events = {
        accept: (socket: Socket) => this.#accept(route, socket),
        trouble: (error: Error | null) => this.#trouble(listener.name, error),
      }
      const control = new RouteControl(listener, route, log)
      return { route, control, listener: new Listener(listener, config.tcpKeepaliveMs, events) }
    })
    // Every route may have sessions on the primary: all of them are fenced before any of them may use the next one.
    const controls = this.#served.map(({ control }) => control)
    this.#follower = new PrimaryFollower({
      hold: (reason) => controls.forEach((control) => control.hold(reason)),
      open: (target) => controls.forEach((control) => control.open(target)),
      fence: async (epoch, reason) => {
        await Promise.all(controls.map((control) => control.fence(epoch, reason)))
      },
    })
  }

  /** Binds every listener, or none: rejects with BIND_FAILED. */
  async start(): Promise<void> {
    try {
      for (const { listener } of this.#served) await listener.start()
    } catch (error) {
      this.close()
      throw error
    }
    for (const { listener } of this.#served) {
      const { name, route } = listener.config
      this.#deps.log.info(
        { event: 'listening', listener: name, route, address: listener.address },
        `listening on ${listener.address} (${name})`,
      )
    }
  }

  /** Follows the view. New connections are held, and sessions begin to be closed, before this returns. */
  apply(view: ClusterView): void {
    for (const { control } of this.#served) control.observe(view)
    this.#follower.follow(view)
    for (const { control } of this.#served) control.update()
  }

  status(): ProxyStatus {
    const oldest = this.#served.map(({ route }) => route.oldestHeld).filter((since) => since !== null)
    return {
      listeners: this.#served.map(({ listener: { config, address }, route, control }) => {
        const { name, route: kind } = config
        return { name, route: kind, address, sessions: route.sessions.size, held: route.held, ...control.status }
      }),
      sessions: this.#served.flatMap(({ listener, route }) =>
        [...route.sessions.countByMember()].map(([member, sessions]) => ({
          member,
          listener: listener.config.name,
          sessions,
        })),
      ),
      held: { connections: this.#held(), oldestMs: oldest.length === 0 ? null : now() - Math.min(...oldest) },
      totals: { ...this.#totals },
    }
  }

  /** Stops accepting, tells who waits, and gives sessions `drainTimeoutMs` to end by themselves. */
  async drain(): Promise<void> {
    for (const { listener } of this.#served) listener.close()
    const deadline = new AbortController()
    await Promise.race([
      Promise.all(this.#served.map(({ route }) => route.drain())),
      sleep(this.#deps.config.drainTimeoutMs, undefined, { signal: deadline.signal }).catch(() => undefined),
    ])
    deadline.abort()
  }

  /** Closes everything at once. Idempotent. */
  close(): void {
    for (const { listener, route } of this.#served) {
      listener.close()
      route.close()
    }
  }

  #accept(route: RouteServer, socket: Socket): void {
    const { maxConnections } = this.#deps.config
    this.#totals.accepted++
    if (maxConnections > 0 && this.#connections >= maxConnections) {
      route.serve(socket, `the router's limit of ${maxConnections} connections is reached`)
      return
    }
    // Those that are refused do not count: they must not keep others out while they hang up.
    this.#connections++
    socket.once('close', () => this.#connections--)
    route.serve(socket, null)
  }

  #trouble(listener: string, error: Error | null): void {
    const fields = { event: 'accept-trouble', listener, reason: error === null ? null : explain(error) }
    if (error === null) this.#deps.log.info(fields, `${listener}: accepts connections again`)
    else this.#deps.log.error(fields, `${listener}: cannot accept connections: ${fields.reason}`)
  }

  #held(): number {
    return this.#served.reduce((sum, { route }) => sum + route.held, 0)
  }
}
