/** A client and its server, joined: bytes both ways, until one of them or the router ends it. */
import { ClientGoneWatch, type ReadAhead } from './client-gone.ts'
import type { Connection } from './connection.ts'
import { Flow } from './flow.ts'
import type { IdleWheels, Watched } from './idle-wheel.ts'
import type { TransferBuffers } from './transfer-buffers.ts'

export type OwnEnd = 'client-timeout' | 'server-timeout' | 'client-gone'

/** What the sessions of an event loop share. */
export interface SessionPool {
  readonly buffers: TransferBuffers
  readonly wheels: IdleWheels
  readonly readAhead: ReadAhead
}

export interface SessionOptions {
  readonly client: Connection
  readonly server: Connection
  /** Without a byte in either direction for this long, the session ends; 0: never. Milliseconds. */
  readonly clientTimeoutMs: number
  readonly serverTimeoutMs: number
  /** Called before the session is ended, where it is for a reason of its own. */
  readonly ending: (reason: OwnEnd) => void
  readonly pool: SessionPool
}

/** Joins the connections; both are owned from here on. `ended` resolves when both are closed. */
export class Session {
  readonly #client: Connection
  readonly #server: Connection
  readonly #ending: (reason: OwnEnd) => void
  readonly #idle: Watched | null
  readonly #readAhead: ReadAhead
  /** Only where it is needed: for a client that is blocked, or has ended its side. */
  #watch: ClientGoneWatch | null = null
  readonly ended: Promise<void>

  constructor({ client, server, clientTimeoutMs, serverTimeoutMs, ending, pool }: SessionOptions) {
    this.#client = client
    this.#server = server
    this.#ending = ending
    this.#readAhead = pool.readAhead
    // A byte in either direction passes both sides: the shorter timeout decides.
    const isClient = clientTimeoutMs > 0 && (serverTimeoutMs === 0 || clientTimeoutMs <= serverTimeoutMs)
    this.#idle = pool.wheels.watch(isClient ? clientTimeoutMs : serverTimeoutMs, () =>
      this.#end(isClient ? 'client-timeout' : 'server-timeout'),
    )
    this.ended = Promise.all([closed(client), closed(server)]).then(() => {
      this.#idle?.end()
      this.#watch?.close()
    })
    const passing = (): void => this.#idle?.touch()
    new Flow(client, server, pool.buffers, {
      passing,
      blocked: (bytes) => this.#watched().blocked(bytes),
      drained: () => {
        passing()
        this.#watch?.flowing()
      },
      over: () => this.#watched().ended(),
    })
    new Flow(server, client, pool.buffers, { passing, blocked: () => false, drained: passing, over: () => undefined })
    // A side that broke before it was listened to.
    if (client.socket.destroyed || server.socket.destroyed) this.destroy()
  }

  /** Closes the client's side at once: from then on it gets nothing more from the server. `destroy` has to follow. */
  cutOff(): void {
    this.#client.socket.destroy()
  }

  /** Closes both sides at once; unsent bytes are dropped. */
  destroy(): void {
    this.#client.socket.destroy()
    this.#server.socket.destroy()
  }

  #end(reason: OwnEnd): void {
    if (!this.#client.socket.destroyed || !this.#server.socket.destroyed) this.#ending(reason)
    this.destroy()
  }

  #watched(): ClientGoneWatch {
    return (this.#watch ??= new ClientGoneWatch({
      client: this.#client.socket,
      server: this.#server.socket,
      readAhead: this.#readAhead,
      gone: () => this.#end('client-gone'),
    }))
  }
}

async function closed({ socket }: Connection): Promise<void> {
  if (socket.closed) return
  await new Promise<void>((resolve) => socket.once('close', () => resolve()))
}
