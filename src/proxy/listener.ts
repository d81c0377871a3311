/** A bound TCP port. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { ListenerConfig } from '../config/config.ts'
import { errno, explain, failureOf, RouterError } from '../errors.ts'

export interface ListenerEvents {
  /** Owns the socket from then on. */
  readonly accept: (socket: Socket) => void
  /** Connections cannot be accepted, because this machine is out of something; null: they can again. */
  readonly trouble: (error: Error | null) => void
}

export class Listener {
  readonly config: ListenerConfig
  readonly #server: Server
  readonly #events: ListenerEvents
  #address: string
  #isClosed = false
  #isInTrouble = false

  constructor(config: ListenerConfig, tcpKeepaliveMs: number, events: ListenerEvents) {
    this.config = config
    this.#events = events
    this.#address = hostPort(config.host ?? '*', config.port)
    const options = {
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: tcpKeepaliveMs > 0,
      keepAliveInitialDelay: tcpKeepaliveMs,
    }
    this.#server = createServer(options, (socket) => {
      this.#inTrouble(null)
      events.accept(socket)
    })
  }

  /** `host:port` as bound; as configured before that. */
  get address(): string {
    return this.#address
  }

  /** Binds; rejects with BIND_FAILED, naming the address. */
  async start(): Promise<void> {
    const { host, port, name } = this.config
    try {
      await this.#listen(host ?? '::', port).catch(async (error: unknown) => {
        // A machine without IPv6: every address is then every IPv4 address.
        const noIpv6 = host === null && ['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(codeOf(error))
        if (!noIpv6) throw error
        await this.#listen('0.0.0.0', port)
      })
    } catch (cause) {
      const inUse = failureOf(cause) === 'in-use' ? 'the port is in use by another process' : explain(cause)
      throw new RouterError('BIND_FAILED', `listener ${name} cannot bind ${this.#address}: ${inUse}`, { cause })
    }
    // Without a listener, one connection that cannot be accepted would end the process.
    this.#server.on('error', (error) => this.#inTrouble(error))
    const bound = this.#server.address() as AddressInfo
    this.#address = hostPort(bound.address, bound.port)
    if (this.#isClosed) this.#server.close()
  }

  /** Accepts nobody any more; connections that exist are not touched. Idempotent. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#server.listening) this.#server.close()
  }

  /** Says so once when it begins and once when it ends. */
  #inTrouble(error: Error | null): void {
    if (this.#isInTrouble === (error !== null)) return
    this.#isInTrouble = error !== null
    this.#events.trouble(error)
  }

  async #listen(host: string, port: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    this.#server.once('error', reject)
    this.#server.listen({ host, port, backlog: BACKLOG }, () => resolve(undefined))
    try {
      await promise
    } finally {
      this.#server.off('error', reject)
    }
  }
}

/** The kernel's limit (net.core.somaxconn) applies below this. */
const BACKLOG = 4096

function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function codeOf(error: unknown): string {
  return errno(error) ?? (error instanceof Error && 'code' in error ? String(error.code) : '')
}
