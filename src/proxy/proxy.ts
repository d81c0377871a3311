/** The native TCP proxy: listeners, and the routes they serve, following the view. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Socket } from 'node:net'
import type { Logger } from 'pino'
import { now } from '../clock.ts'
import type { ListenerConfig, ProxyConfig } from '../config/config.ts'
import { explain, shortage } from '../errors.ts'
import type { ClusterView, DialFailure } from '../watcher/view.ts'
import { counted } from '../text/wording.ts'
import { roundRobin } from './balance.ts'
import { Client } from './client.ts'
import { PrimaryFence } from './primary-fence.ts'
import { ENDINGS, FENCINGS, Counters, REFUSALS } from './counters.ts'
import { Listener } from './listener.ts'
import { ProcessBudget } from './process-budget.ts'
import { Refusals } from './refusals.ts'
import { RouteControl } from './route-control.ts'
import { RouteServer, type Unserved } from './route-server.ts'
import { ConnectionLimit } from './connection-limit.ts'
import type { ProxyStatus } from './status.ts'

export interface ProxyDeps {
  readonly config: ProxyConfig
  readonly log: Logger
  /** A dial that failed is an observation of the watcher. */
  readonly dialFailed: (failure: DialFailure) => void
  /** What the proxies of the process share. */
  readonly room?: ProcessBudget
  /** How long ago a name was resolved last, in milliseconds; without it none is too old. */
  readonly ageOf?: (host: string) => number
}

interface Served {
  readonly listener: Listener
  readonly route: RouteServer
  readonly control: RouteControl
  readonly counters: Counters
}

/** How long those may take that are being refused when the drain ends. Milliseconds. */
const LAST_WORDS_MS = 1000
const STOPPING = 'the router is shutting down'

export class Proxy {
  readonly #deps: ProxyDeps
  readonly #served: readonly Served[]
  readonly #totals = { accepted: 0, failedDials: 0 }
  readonly #limit: ConnectionLimit
  readonly #room: ProcessBudget
  readonly #follower: PrimaryFence
  #arrivals = 0
  readonly #refusals: Refusals
  readonly #closing = new AbortController()

  constructor(deps: ProxyDeps) {
    this.#deps = deps
    const { config, room = new ProcessBudget() } = deps
    this.#room = room
    this.#limit = new ConnectionLimit(config.maxConnections === 0 ? Infinity : config.maxConnections)
    this.#refusals = new Refusals(config.hold.refuseTls, this.#room.refusals)
    this.#served = config.listeners.map((listener) => this.#build(listener))
    // Every route may have sessions on the primary: all of them are fenced before any of them may use the next one.
    const controls = this.#served.map(({ control }) => control)
    this.#follower = new PrimaryFence({
      hold: (reason) => controls.forEach((control) => control.hold(reason)),
      open: (target) => controls.forEach((control) => control.open(target)),
      fence: async (epoch, reason) => {
        await Promise.all(controls.map((control) => control.fence(epoch, reason)))
      },
    })
  }

  #build(listener: ListenerConfig): Served {
    const { config, dialFailed } = this.#deps
    const { name, route: kind } = listener
    const log = this.#deps.log.child({ listener: name, route: kind })
    const counters = new Counters(name, log)
    const hasRoom = (): boolean => this.#held() < config.hold.maxConnections
    const failedDial = (): number => this.#totals.failedDials++
    const deps = {
      config,
      listener,
      log,
      counters,
      refusals: this.#refusals,
      room: this.#room,
      hasRoom,
      dialFailed,
      failedDial,
      ageOf: this.#deps.ageOf ?? (() => 0),
    }
    const route = new RouteServer(deps, roundRobin)
    const events = {
      accept: (socket: Socket) => this.#accept(route, socket),
      trouble: (error: Error | null) => trouble(name, log, error, this.#room),
    }
    const control = new RouteControl(listener, route, log)
    return { route, control, counters, listener: new Listener(listener, config.tcpKeepaliveMs, events) }
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
      const fields = { event: 'listening', listener: name, route, address: listener.address }
      this.#deps.log.info(fields, `listening on ${listener.address} (${name})`)
    }
  }

  /** Follows the view. New connections are held, and sessions begin to be closed, before this returns. */
  apply(view: ClusterView): void {
    for (const { control } of this.#served) control.observe(view)
    this.#follower.follow(view)
    for (const { control } of this.#served) control.update()
  }

  status(): ProxyStatus {
    const refusals = summed(
      REFUSALS,
      this.#served.map(({ counters }) => counters.refusals),
    )
    const endings = summed(
      ENDINGS,
      this.#served.map(({ counters }) => counters.endings),
    )
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
      totals: {
        ...this.#totals,
        refused: Object.values(refusals).reduce((sum, n) => sum + n, 0),
        fenced: FENCINGS.reduce((sum, cause) => sum + endings[cause], 0),
      },
      refusals,
      endings,
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
    for (const { route } of this.#served)
      route.endSessions('drain-timeout', `${STOPPING}, and drain_timeout has passed`)
    await Promise.race([
      this.#refusals.settled(),
      sleep(LAST_WORDS_MS, undefined, { signal: this.#closing.signal }).catch(() => undefined),
    ])
  }

  /** Closes everything at once. Idempotent. */
  close(): void {
    for (const { listener, route, counters } of this.#served) {
      listener.close()
      route.close('shutdown', STOPPING)
      counters.close()
    }
    this.#closing.abort()
  }

  #accept(route: RouteServer, socket: Socket): void {
    this.#totals.accepted++
    const client = new Client(socket, this.#arrivals++, this.#room)
    route.serve(client, () => this.#admit(client))
  }

  /** Gives it a seat, or says why not. Those that are refused have none: they must not keep others out while they hang up. */
  #admit(client: Client): Unserved | null {
    const unserved = this.#unserved(client)
    if (unserved !== null) return unserved
    this.#limit.take(client)
    this.#room.connections.take(client)
    return null
  }

  #unserved({ hasSpoken }: Client): Unserved | null {
    const { maxConnections } = this.#deps.config
    if (!this.#limit.makeRoom(hasSpoken)) {
      const message = `the router's limit of ${counted(maxConnections, 'connection')} is reached (max_connections)`
      return { reason: 'connection-limit', sqlState: '53300', message }
    }
    if (this.#room.connections.makeRoom(hasSpoken)) return null
    return { reason: 'process-limit', sqlState: '53300', message: this.#room.limit }
  }

  #held(): number {
    return this.#served.reduce((sum, { route }) => sum + route.held, 0)
  }
}

function trouble(listener: string, log: Logger, error: Error | null, { descriptors }: ProcessBudget): void {
  const reason = error === null ? null : explain(error)
  const fields = { event: 'accept-trouble', reason }
  if (error === null) log.info(fields, `${listener}: accepts connections again`)
  else log.error(fields, `${listener}: cannot accept connections: ${shortage(error, descriptors) ?? reason}`)
}

function summed<K extends string>(
  reasons: readonly K[],
  each: readonly Readonly<Record<K, number>>[],
): Readonly<Record<K, number>> {
  const sum = (reason: K): number => each.reduce((total, counts) => total + counts[reason], 0)
  return Object.fromEntries(reasons.map((reason) => [reason, sum(reason)])) as Record<K, number>
}
