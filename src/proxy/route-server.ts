/** Serves the clients of one route: waits for a target, dials, joins; a failed dial returns the client to the hold. */
import type { Socket } from 'node:net'
import { now } from '../clock.ts'
import { sendCancel } from './cancel.ts'
import { Client } from './client.ts'
import { Connector, type Choose, type ConnectorDeps } from './connector.ts'
import { Hold } from './hold.ts'
import { Sessions } from './sessions.ts'
import type { Target } from './route.ts'

export interface RouteDeps extends ConnectorDeps {
  /** Whether one more client may be held, over all routes. */
  readonly hasRoom: () => boolean
  readonly count: (what: 'refused' | 'failedDials' | 'fenced', n: number) => void
}

/** PostgreSQL's authentication_timeout, for a client that says nothing at all. Milliseconds. */
const FIRST_PACKET_MS = 60_000
/** How long a client that is refused may take to say who it is. Milliseconds. */
const REFUSAL_PATIENCE_MS = 5000
/** Before another round when no target could be dialled. Milliseconds. */
const RETRY_MS = 100

export class RouteServer {
  readonly #name: string
  readonly #deps: RouteDeps
  readonly #hold: Hold
  readonly #connector: Connector
  readonly #sessions = new Sessions()
  /** Those without a session, and everybody's end. */
  readonly #clients = new Set<Client>()
  readonly #served = new Set<Promise<void>>()
  readonly #closing = new AbortController()
  #arrivals = 0
  #reason = 'the cluster is not known yet'

  /** `name`: for logs and messages. `choose`: picks one of the targets, given the member picked last. */
  constructor(name: string, deps: RouteDeps, choose: Choose) {
    this.#name = name
    this.#deps = deps
    this.#hold = new Hold({ timeoutMs: deps.config.hold.timeoutMs, hasRoom: deps.hasRoom })
    this.#connector = new Connector(name, deps, choose, (client, target, session) => {
      this.#clients.delete(client)
      this.#sessions.add(target, session)
    })
  }

  get held(): number {
    return this.#hold.size
  }

  get oldestHeld(): number | null {
    return this.#hold.oldest
  }

  get sessions(): Sessions {
    return this.#sessions
  }

  /**
   * Lets clients through to these targets, or to `fallback` where none of them can be dialled; dials of others are given
   * up, and their clients served anew.
   */
  open(targets: readonly Target[], fallback: Target | null): void {
    this.#connector.use(targets, fallback)
    if (this.#hold.isOpen) return
    const waiting = this.#hold.size
    const since = this.#hold.oldest
    this.#hold.open()
    if (waiting === 0) return
    const fields = {
      event: 'released',
      route: this.#name,
      connections: waiting,
      waitedMs: since === null ? 0 : now() - since,
    }
    this.#deps.log.info(fields, `${this.#name}: releasing ${waiting} held connections`)
  }

  /** New clients wait, and those that no server has answered yet; `reason` is what they are told if in vain. */
  shut(reason: string): void {
    this.#reason = reason
    this.#hold.shut()
    this.#connector.use([], null)
  }

  /** Ends the dials and the sessions whose target matches; see `closeSessions`. */
  async fence(matches: (target: Target) => boolean, why: string): Promise<void> {
    this.#connector.abandon(matches)
    await this.closeSessions(matches, why)
  }

  /**
   * Ends the sessions whose target matches: clients are cut off before this returns, and it resolves when their servers
   * are as well. `why`: for the log.
   */
  async closeSessions(matches: (target: Target) => boolean, why: string): Promise<void> {
    const { closed, done } = this.#sessions.close(matches)
    for (const [member, connections] of closed) {
      this.#deps.count('fenced', connections)
      const fields = { event: 'fenced', route: this.#name, member, connections, reason: why }
      this.#deps.log.warn(fields, `${this.#name}: closed ${connections} sessions of ${member}: ${why}`)
    }
    await done
  }

  /** Refuses who waits, drops who has not spoken, and resolves when everybody else has ended. */
  async drain(): Promise<void> {
    this.#hold.close()
    for (const client of this.#clients) if (client.kind === 'incomplete') client.destroy()
    await Promise.all(this.#served)
  }

  /** Closes everything at once. */
  close(): void {
    for (const client of this.#clients) client.destroy()
    this.#hold.close()
    this.#connector.use([], null)
    this.#sessions.destroy()
    this.#closing.abort()
  }

  /** Serves one accepted connection to its end. `limit`: why it is refused, unless it asks for a cancel. */
  serve(socket: Socket, limit: string | null): void {
    const client = new Client(socket, this.#arrivals++)
    this.#clients.add(client)
    const served = this.#serve(client, limit).finally(() => {
      this.#clients.delete(client)
      this.#served.delete(served)
    })
    this.#served.add(served)
  }

  async #serve(client: Client, limit: string | null): Promise<void> {
    for (let isReturning = false; ; isReturning = true) {
      const kind = await client.first(limit === null ? FIRST_PACKET_MS : REFUSAL_PATIENCE_MS)
      if (kind === null) {
        client.destroy()
        return
      }
      if (kind === 'cancel') return this.#cancel(client)
      if (limit !== null) return this.#refuse(client, '53300', limit, '')
      const turn = await this.#hold.turn(client, isReturning)
      switch (turn.kind) {
        case 'go': {
          const result = await this.#connector.connect(client).finally(turn.done)
          if (result.kind === 'joined') return result.session.ended
          if (result.kind === 'none') this.#rest(result.reason)
          break
        }
        case 'gone':
          return
        case 'timeout': {
          const { timeoutMs } = this.#deps.config.hold
          const message = `no server to connect to${timeoutMs === 0 ? '' : ` within ${timeoutMs / 1000} s`}`
          return this.#refuse(client, '57P03', message, this.#reason)
        }
        case 'full':
          return this.#refuse(client, '53300', 'too many connections wait for a server', this.#reason)
        case 'closed':
          return this.#refuse(client, '57P03', 'the router is shutting down', '')
      }
    }
  }

  async #refuse(client: Client, sqlState: string, message: string, hint: string): Promise<void> {
    this.#deps.count('refused', 1)
    await client.refuse(sqlState, `${this.#name}: ${message}`, hint)
  }

  /** Nobody can be dialled, and the watcher sees no reason to close the route. */
  #rest(reason: string): void {
    if (!this.#hold.isOpen) return
    this.#reason = reason
    this.#hold.rest(RETRY_MS)
  }

  /** A cancel request belongs to a session that exists; which one only its server can tell. It never waits. */
  async #cancel(client: Client): Promise<void> {
    const deadline = AbortSignal.any([AbortSignal.timeout(this.#deps.config.timeouts.connectMs), this.#closing.signal])
    await Promise.all(this.#sessions.targets().map(({ address }) => sendCancel(address, client.pending, deadline)))
    client.destroy()
  }
}
