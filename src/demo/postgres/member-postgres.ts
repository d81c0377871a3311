/** The PostgreSQL of one member, as far as its clients can tell: a port, its states, and the sessions on it. */
import { randomInt } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import type { Database } from './database.ts'
import type { BackendKey, Greeting } from './greeting.ts'
import { listenNear, unlisten } from '../listening.ts'
import { WireSession } from './wire-session.ts'

export interface PostgresOptions {
  readonly member: string
  readonly database: Database
  readonly isReadOnly: () => boolean
  /** Unique over all members. */
  readonly nextPid: () => number
}

export class MemberPostgres {
  readonly #options: PostgresOptions
  readonly #sessions = new Map<WireSession, BackendKey>()
  #state: Greeting['state'] = 'starting'
  #server: Server | null = null
  #port: number

  /** `port`: where it likes to listen; the next free one is as good. */
  constructor(port: number, options: PostgresOptions) {
    this.#port = port
    this.#options = options
  }

  get port(): number {
    return this.#port
  }

  /** Accepts connections, and reports to them that it is starting up. */
  async start(): Promise<void> {
    this.#state = 'starting'
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(socket))
    this.#port = await listenNear(server, this.#port)
    // A connection that cannot be accepted is its client's loss only.
    server.on('error', () => undefined)
    this.#server = server
  }

  /** Accepts sessions from now on. */
  open(): void {
    this.#state = 'up'
  }

  /** Begins a fast shutdown: sessions are ended, and new connections are refused with the reason. */
  stopping(): void {
    this.#state = 'stopping'
    for (const session of this.#sessions.keys())
      session.terminate('57P01', 'terminating connection due to administrator command')
  }

  /** Ends what is left, and listens no longer. */
  async stop(): Promise<void> {
    const server = this.#server
    this.#server = null
    for (const session of this.#sessions.keys()) session.reset()
    if (server !== null) await unlisten(server)
  }

  #accept(socket: Socket): void {
    const { database, nextPid } = this.#options
    const key = { pid: nextPid(), secret: randomInt(2 ** 31) }
    const cancel = (of: BackendKey): void => this.#cancel(of)
    const session = new WireSession(socket, { database, greeting: () => this.#greeting(), key, cancel })
    this.#sessions.set(session, key)
    void session.closed.then(() => this.#sessions.delete(session))
  }

  #cancel({ pid, secret }: BackendKey): void {
    for (const [session, key] of this.#sessions) if (key.pid === pid && key.secret === secret) session.cancel()
  }

  #greeting(): Greeting {
    const { member, database, isReadOnly } = this.#options
    const identity = { member, port: this.#port, readOnly: isReadOnly() }
    return { state: this.#state, identity, serverVersion: database.facts.serverVersion }
  }
}
