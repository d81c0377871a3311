/** One listener as its worker serves it: its sockets, its clients and its sessions. */
import type { Socket } from 'node:net'
import type { Balance, Bind, ListenerConfig } from '../config/config.ts'
import { now } from '../clock.ts'
import { explain, shortage } from '../errors.ts'
import type { Standstill } from '../standstill.ts'
import type { ClusterView, DialFailure } from '../watcher/view.ts'
import { doAll } from './attempts.ts'
import { type Balancer, SafeBalancer } from './balance.ts'
import type { Client } from './client.ts'
import { ConnectionLimit } from './connection-limit.ts'
import { Counters, type EndReason } from './counters.ts'
import type { EndedConnections } from './ended-connections.ts'
import { Listener } from './listener.ts'
import type { LogLine } from '../text/log-line.ts'
import { listenerLog, type ListenerLog } from './log-lines.ts'
import type { ListenerState, ProxySettings } from './messages.ts'
import type { ProcessBudget } from './process-budget.ts'
import type { Refusals } from './refusals.ts'
import { RouteControl } from './route-control.ts'
import { RouteServer } from './route-server.ts'
import type { Target } from './route.ts'
import type { SessionPool } from './session.ts'
import type { Joined, Sessions } from './sessions.ts'
import { TrafficMeter } from './traffic-meter.ts'
import type { Unserved } from './unserved.ts'

/** What the listeners of a worker share. */
export interface Shared {
  /** Read again for each client. */
  readonly settings: ProxySettings
  readonly balancers: Readonly<Record<Balance, () => Balancer>>
  readonly budget: ProcessBudget
  readonly pool: SessionPool
  readonly refusals: Refusals
  readonly isStale: (host: string) => boolean
  readonly standstill: Standstill
  readonly mayHold: () => boolean
  /** Takes an accepted connection, `via` a Unix socket of that path, that counts for `own` too; `admit` says why it is not served. */
  readonly client: (
    socket: Socket,
    via: string | null,
    own: ListenerLimit,
  ) => { readonly client: Client; readonly admit: () => Unserved | null }
  readonly ended: EndedConnections
  readonly dialFailed: (failure: DialFailure) => void
  readonly write: (line: LogLine) => void
  /** The state of this listener has changed. */
  readonly changed: (listener: ServedListener) => void
}

/** The limit of one listener, beside those of all. */
export interface ListenerLimit {
  readonly listener: string
  readonly limit: ConnectionLimit
}

interface Failure {
  readonly error: unknown
}

export class ServedListener {
  #config: ListenerConfig
  readonly #shared: Shared
  readonly #log: ListenerLog
  readonly #counters: Counters
  readonly #traffic = new TrafficMeter()
  readonly #limit: ListenerLimit
  readonly #balancer: SafeBalancer
  readonly #sockets: Listener
  readonly #route: RouteServer
  readonly #control: RouteControl
  #accepted = 0
  #failedDials = 0
  /** Why it could not take the view, or not close the sessions that this has ended. */
  #faults: { readonly view: Failure | null; readonly closing: Failure | null } = { view: null, closing: null }

  constructor(config: ListenerConfig, shared: Shared) {
    this.#config = config
    this.#shared = shared
    this.#limit = { listener: config.name, limit: new ConnectionLimit(Infinity) }
    const changed = (): void => shared.changed(this)
    this.#log = listenerLog(config, shared.write)
    this.#counters = new Counters(this.#log, changed)
    this.#balancer = new SafeBalancer(shared.balancers[config.balance](), (reason) => {
      const message = `the balancer failed, so the first member of the route gets all new connections; please report it: ${reason}`
      this.#log('error', { event: 'balancer-fault', reason }, message)
    })
    const dialFailed = (failure: DialFailure): void => {
      this.#failedDials++
      changed()
      shared.dialFailed(failure)
    }
    const { budget, pool, refusals, isStale, mayHold, ended } = shared
    this.#route = new RouteServer({
      get settings() {
        return shared.settings
      },
      name: config.name,
      route: config.route,
      log: this.#log,
      counters: this.#counters,
      traffic: this.#traffic,
      balancer: this.#balancer,
      ...{ budget, pool, refusals, isStale, mayHold, dialFailed, changed, ended },
    })
    this.#control = new RouteControl(config, this.#route, this.#log, (error) =>
      this.#found('closing', error === null ? null : { error }),
    )
    this.#sockets = new Listener(config, {
      accept: (socket, via) => this.#accept(socket, via),
      trouble: (error) => this.#trouble(error),
    })
  }

  get config(): ListenerConfig {
    return this.#config
  }

  get sessions(): Sessions {
    return this.#route.sessions
  }

  get held(): number {
    return this.#route.held
  }

  get state(): ListenerState {
    return {
      address: this.#sockets.address,
      sessions: [...this.#route.sessions.countByMember],
      held: this.#route.held,
      oldestHeld: this.#route.oldestHeld,
      ...this.#control.status,
      fault: this.#fault,
      accepted: this.#accepted,
      failedDials: this.#failedDials,
      gaveUp: this.#counters.gaveUp,
      refusals: this.#counters.refusals,
      endings: this.#counters.endings,
      traffic: this.#traffic.at(now()),
      maxConnections: Number.isFinite(this.#limit.limit.max) ? this.#limit.limit.max : 0,
    }
  }

  /**
   * Takes the next configuration, of the same name and route. On other addresses than those before and those of `stage` it
   * accepts nothing until `listen`.
   */
  configure(next: ListenerConfig): void {
    const before = this.#config
    this.#config = next
    this.#control.configure(next)
    this.#sockets.rebind(next.binds)
    const { [before.balance]: former, [next.balance]: balancer } = this.#shared.balancers
    if (balancer !== former) this.#balancer.replace(balancer(), this.#route.sessions.targetOfEach())
  }

  /** Listens; rejects with BIND_FAILED. */
  async listen(): Promise<void> {
    await this.#sockets.start()
  }

  /** Listens beside its addresses on those of its next configuration, see the command `stage`; rejects with BIND_FAILED. */
  async stage(binds: readonly Bind[], own: readonly Bind[]): Promise<void> {
    await this.#sockets.stage(binds, own)
  }

  /** Ends what `stage` has begun. Idempotent. */
  unstage(): void {
    this.#sockets.unstage()
  }

  /** Notes the addresses of the connections that there are: from now on they are logged. */
  noteAddresses(): void {
    this.#route.noteAddresses()
  }

  /** Takes the next view; see the command `view`. If that fails, all clients are held until the next one. */
  take(view: ClusterView, hold: string | null): void {
    this.#holding(() => {
      this.#traffic.follow(new Set(view.members.map(({ name }) => name)))
      this.#control.take(view, hold)
      this.#found('view', null)
    })
  }

  /** Holds the primary, see the command `hold`. */
  hold(reason: string): void {
    this.#holding(() => {
      this.#requireView()
      this.#control.hold(reason)
    })
  }

  /** Holds all new clients, see the command `pause`. */
  pause(why: string | null): void {
    this.#holding(() => this.#control.pause(why))
  }

  /** Closes sessions, see the command `fence`. Rejects when one may be left, or a client be let through to a former primary. */
  async fence(epoch: number, reason: string): Promise<void> {
    this.#requireView()
    await this.#control.fence(epoch, reason)
  }

  /** Destroys connections to servers, see the command `destroy`. */
  destroy(reason: string): void {
    this.#control.destroy(reason)
    // Readers are served again at once. If that fails, nothing is left open all the same.
    this.hold(reason)
  }

  /** Opens the primary, see the command `open`. */
  open(target: Target): void {
    this.#requireView()
    this.#control.open(target)
  }

  /** Refuses connections beyond `max`; 0: it has no limit of its own. */
  limit(max: number): void {
    this.#limit.limit.max = max === 0 ? Infinity : max
  }

  /** Closes the sessions that match and began up to `last`; returns how many. Rejects when some could not be closed. */
  async closeSome(matches: (joined: Joined) => boolean, last: number, why: string): Promise<number> {
    return this.#route.closeSome(matches, last, why)
  }

  /** Stops accepting. Idempotent. */
  stop(): void {
    this.#sockets.close()
  }

  /** Refuses the waiting clients because of `why`, and resolves when all have ended. */
  async drain(why: string): Promise<void> {
    await this.#route.drain(why)
  }

  /** Ends all sessions at once. */
  endSessions(cause: EndReason, why: string): void {
    this.#route.endSessions(cause, why)
  }

  /** Closes everything at once, and logs if something is left. Idempotent. */
  close(cause: EndReason, why: string): void {
    const steps = [() => this.stop(), () => this.#route.close(cause, why), () => this.#counters.close()]
    try {
      doAll(steps, 'some connections are left')
    } catch (error) {
      this.#found('closing', { error })
    }
  }

  #accept(socket: Socket, via: string | null): void {
    const { tcpKeepaliveMs } = this.#shared.settings
    this.#accepted++
    this.#traffic.accepted(now())
    this.#shared.changed(this)
    const { client, admit } = this.#shared.client(socket, via, this.#limit)
    if (tcpKeepaliveMs > 0) client.socket.setKeepAlive(true, tcpKeepaliveMs)
    const serve = (): void => this.#route.serve(client, admit)
    // The timers that are due come before a new one: by then the watcher has noticed it, and the primary is held.
    if (this.#shared.standstill.isOver) setTimeout(serve, 0)
    else serve()
  }

  /** Does what decides which clients are let through; if that fails, none is. */
  #holding(work: () => void): void {
    try {
      work()
    } catch (error) {
      try {
        this.#control.forget(`a fault of the router: ${explain(error)}`)
      } catch {
        // A client that is let through all the same has no session for long: the next fence of this listener destroys it.
      }
      this.#found('view', { error })
    }
  }

  /** Throws while the latest view could not be taken: what was known before it opens nothing. */
  #requireView(): void {
    if (this.#faults.view !== null) throw this.#faults.view.error
  }

  /** Returns the worse of the two. */
  get #fault(): ListenerState['fault'] {
    const { view, closing } = this.#faults
    if (view !== null) return { kind: 'view', reason: explain(view.error) }
    return closing === null ? null : { kind: 'closing', reason: explain(closing.error) }
  }

  /** Logs once when it cannot follow the cluster, and once when it can again. */
  #found(what: 'view' | 'closing', failure: Failure | null): void {
    const before = this.#fault
    this.#faults = { ...this.#faults, [what]: failure }
    const fault = this.#fault
    if (before?.kind === fault?.kind) return
    this.#shared.changed(this)
    if (fault === null) {
      this.#log('info', { event: 'listener-recovered' }, 'follows the cluster again')
      return
    }
    const { kind, reason } = fault
    const effect = kind === 'view' ? 'so new connections are held' : 'so sessions are left that should be closed'
    const message = `cannot follow the cluster, ${effect}; please report it: ${reason}`
    this.#log('error', { event: 'listener-fault', reason }, message)
  }

  /** Logs that connections cannot be accepted; null: that they can again. */
  #trouble(error: Error | null): void {
    const reason = error === null ? null : explain(error)
    const fields = { event: 'accept-trouble', reason }
    if (error === null) this.#log('info', fields, 'accepts connections again')
    else
      this.#log(
        'error',
        fields,
        `cannot accept connections: ${shortage(error, this.#shared.budget.descriptors) ?? reason}`,
      )
  }
}
