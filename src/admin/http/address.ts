/** One address of the HTTP server. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { RequestListener } from 'node:http'
import { hostPort } from '../../address.ts'
import { within } from '../../clock.ts'
import type { TcpBind } from '../../config/config.ts'
import { nodeHttp, nodeHttps } from '../../node-http.ts'
import { listenOnTcp } from '../../tcp-listen.ts'
import type { ConnectionLimits, Connections } from './connections.ts'

/** How long requests that are being answered may take when the address is given up. Milliseconds. */
const CLOSE_MS = 1000

/** A certificate and its key, in PEM. */
export interface ServerTls {
  readonly cert: Buffer
  readonly key: Buffer
}

export interface HttpAddressOptions {
  readonly bind: TcpBind
  readonly tls: ServerTls | null
  readonly limits: ConnectionLimits
  readonly connections: Connections
  readonly listener: RequestListener
  /** A connection cannot be accepted. */
  readonly trouble: (error: Error) => void
}

export class HttpAddress {
  readonly bind: TcpBind
  readonly isTls: boolean
  readonly #options: HttpAddressOptions
  readonly #server: Server | TlsServer
  /** All that are open, also before their TLS session has come about, which no server of Node counts. */
  readonly #sockets = new Set<Socket>()
  #closing: Promise<void> | null = null
  #isOver = false

  /** Starts nothing. */
  constructor(options: HttpAddressOptions) {
    const { bind, tls, limits, connections, listener } = options
    const { headMs: headersTimeout, requestMs: requestTimeout } = limits
    const common = { headersTimeout, requestTimeout, connectionsCheckingInterval: 500, requireHostHeader: false }
    this.#options = options
    this.bind = bind
    this.isTls = tls !== null
    this.#server =
      tls === null
        ? nodeHttp().createServer(common, listener)
        : nodeHttps().createServer({ ...common, ...tls, handshakeTimeout: headersTimeout }, listener)
    connections.guard(this.#server)
    this.#server.on('connection', (socket: Socket) => {
      if (this.#isOver) socket.destroy()
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  /** Returns `host:port` as bound; as configured before that. */
  get text(): string {
    const { host, port } = this.bind
    const bound = this.#server.address() as AddressInfo | null
    return bound === null ? hostPort(host ?? '*', port) : hostPort(bound.address, bound.port)
  }

  /** Listens, or rejects with BIND_FAILED, which names the address. */
  async start(): Promise<void> {
    const { host, port } = this.bind
    await listenOnTcp(this.#server, { host, port, failure: `HTTP cannot bind ${this.text} (admin.bind)` })
    // Without a listener, one connection that cannot be accepted would end the process.
    this.#server.on('error', this.#options.trouble)
    if (this.#closing !== null) this.#server.close()
  }

  /** Takes another certificate for the connections to come. */
  renew(tls: ServerTls): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext({ ...tls })
  }

  /** Stops listening at once, and ends all connections when their requests are answered, or a moment later. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const server = this.#server
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeIdleConnections()
    await within(closed, CLOSE_MS, new AbortController().signal)
    this.#isOver = true
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}
