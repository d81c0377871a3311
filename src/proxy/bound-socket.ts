/** One address or Unix socket that a listener listens on. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Bind, TcpBind } from '../config/config.ts'
import { listenOnTcp } from '../tcp-listen.ts'
import { listenOnUnixSocket } from '../unix-socket.ts'
import { hostPort } from '../address.ts'

/** The kernel's limit (net.core.somaxconn) applies below this. */
const BACKLOG = 4096
/** PostgreSQL's unix_socket_permissions. */
const SOCKET_MODE = 0o777

export interface BoundSocketOptions {
  /** Of its listener; for errors. */
  readonly name: string
  readonly bind: Bind
  readonly accept: (socket: Socket) => void
  /** A connection cannot be accepted. */
  readonly trouble: (error: Error) => void
}

export class BoundSocket {
  readonly #options: BoundSocketOptions
  readonly #server: Server
  #address: string
  #starting: Promise<void> | null = null
  #isBound = false
  #isClosed = false

  constructor(options: BoundSocketOptions) {
    const { bind, accept } = options
    this.#options = options
    this.#address = bind.kind === 'unix' ? bind.path : hostPort(bind.host ?? '*', bind.port)
    // Node leaves it out where the socket has no such thing.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, accept)
  }

  get bind(): Bind {
    return this.#options.bind
  }

  get isBound(): boolean {
    return this.#isBound
  }

  /** Returns `host:port` as bound, or the path; as configured before that. */
  get address(): string {
    return this.#address
  }

  /** Binds once; rejects with BIND_FAILED, naming the listener and the address. */
  start(): Promise<void> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  async #start(): Promise<void> {
    const { name, bind, trouble } = this.#options
    const failure = `listener ${name} cannot bind ${this.#address}`
    if (bind.kind === 'unix') {
      const mode = (): number => SOCKET_MODE
      await listenOnUnixSocket(this.#server, { path: bind.path, failure, mode, backlog: BACKLOG })
    } else await this.#startTcp(bind, failure)
    // Without a listener, one connection that cannot be accepted would end the process.
    this.#server.on('error', trouble)
    this.#isBound = true
    if (this.#isClosed) this.#server.close()
  }

  /** Stops accepting, and removes a Unix socket; connections that exist are not touched. Idempotent. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#server.listening) this.#server.close()
  }

  async #startTcp({ host, port }: TcpBind, failure: string): Promise<void> {
    await listenOnTcp(this.#server, { host, port, failure, backlog: BACKLOG })
    const bound = this.#server.address() as AddressInfo
    this.#address = hostPort(bound.address, bound.port)
  }
}
