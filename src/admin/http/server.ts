/** The HTTP server: its addresses, which come and go, and what every request has to pass. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import type { HttpConfig, TcpBind } from '../../config/config.ts'
import { explain } from '../../errors.ts'
import { namesOf } from './access.ts'
import { HttpAddress, type ServerTls } from './address.ts'
import { buildApp } from './app.ts'
import { CONNECTION_LIMITS, type ConnectionLimits, Connections } from './connections.ts'
import type { HttpContext, HttpSources } from './context.ts'
import { EventFrames } from './event-frames.ts'
import type { StreamPace } from './event-stream.ts'
import { judgeRequest } from './gate.ts'
import { type PlaceLimits, Places } from './places.ts'
import { HttpRefusals } from './refusals.ts'
import { Slices } from './slices.ts'
import { StatusMemo } from './status-memo.ts'
import type { HttpStatus } from './status.ts'
import { Tokens } from './tokens.ts'

export interface HttpServerDeps {
  readonly sources: HttpSources
  readonly log: Logger
  readonly limits?: Partial<ConnectionLimits>
  readonly pace?: Partial<StreamPace>
}

/** Of the stream of events. */
const READERS: PlaceLimits = { places: 128, reserved: 16, perAddress: 100 }

type App = Awaited<ReturnType<typeof buildApp>>

export class HttpServer {
  readonly #log: Logger
  readonly #limits: ConnectionLimits
  readonly #refusals: HttpRefusals
  readonly #connections: Connections
  readonly #context: HttpContext
  readonly #closing = new AbortController()
  #app: App | null = null
  #tokens = Tokens.none
  #hosts: ReadonlySet<string> = new Set()
  #addresses: readonly HttpAddress[] = []
  #released: Promise<unknown> = Promise.resolve()

  /** Starts nothing. */
  constructor({ sources, log, limits, pace = {} }: HttpServerDeps) {
    this.#log = log
    this.#limits = { ...CONNECTION_LIMITS, ...limits }
    this.#refusals = new HttpRefusals(log)
    this.#connections = new Connections(this.#limits, this.#refusals)
    this.#context = {
      sources: new StatusMemo(sources).sources,
      access: () => ({ tokens: this.#tokens, hosts: this.#hosts }),
      refusals: this.#refusals,
      slices: new Slices(),
      frames: new EventFrames(),
      readers: new Set(),
      readerPlaces: new Places(READERS),
      pace,
      closing: this.#closing.signal,
    }
  }

  /** Loads the routes; before any address is opened. */
  async prepare(): Promise<void> {
    this.#app = await buildApp(this.#context, this.#log)
  }

  /** Has these tokens count from now on, unless null, and the names by which it may be addressed. */
  admit(tokens: Tokens | null, { hosts, binds }: Pick<HttpConfig, 'hosts' | 'binds'>): void {
    this.#tokens = tokens ?? this.#tokens
    const bound = binds.flatMap(({ host }) => host?.toLowerCase() ?? [])
    this.#hosts = namesOf(hostname(), [...hosts, ...bound])
  }

  /** Has no token count any more. */
  revoke(): void {
    this.#tokens = Tokens.none
  }

  /** Makes an address, which listens when it is started, and counts when it is one of `use`. */
  address(bind: TcpBind, tls: ServerTls | null): HttpAddress {
    return new HttpAddress({
      ...{ bind, tls, limits: this.#limits, connections: this.#connections },
      listener: (request, response) => this.#serve(request, response),
      trouble: (error) => {
        const reason = explain(error)
        this.#log.warn({ event: 'http-accept-failed', reason }, `HTTP: cannot accept a connection: ${reason}`)
      },
    })
  }

  get addresses(): readonly HttpAddress[] {
    return this.#addresses
  }

  /** Uses these addresses from now on, and closes all others. */
  use(addresses: readonly HttpAddress[]): void {
    const former = this.#addresses.filter((each) => !addresses.includes(each))
    this.#addresses = addresses
    this.#released = Promise.all(former.map((each) => each.close()))
  }

  /** Resolves when the addresses that it has used before are closed. */
  async released(): Promise<void> {
    await this.#released
  }

  /** Returns the state for `status`. `fault`: why it does not listen as configured. */
  status(fault: string | null): HttpStatus {
    return {
      addresses: this.#addresses.map(({ text }) => text),
      isTls: this.#addresses.some(({ isTls }) => isTls),
      fault,
      connections: this.#connections.count,
      readers: this.#context.readers.size,
      refusals: this.#refusals.counts,
    }
  }

  /** Ends all connections. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all([this.#released, ...this.#addresses.map((each) => each.close())])
    this.#refusals.close()
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    if (!this.#connections.limit(request, response, () => this.#context.readers.has(response))) return
    const refused = judgeRequest(request, this.#hosts)
    if (refused === null) {
      this.#app?.routing(request, response)
      return
    }
    this.#refusals.add(refused.reason, request.socket.remoteAddress ?? '')
    // What else it sends is not waited for.
    response.writeHead(refused.status, { 'content-type': 'application/json; charset=utf-8', connection: 'close' })
    response.end(`${JSON.stringify({ error: refused.message })}\n`)
  }
}
