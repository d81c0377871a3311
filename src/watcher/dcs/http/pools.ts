/**
 * Connections to servers, shared by all clusters that are read there: Consul takes 200 of one client (its
 * `limits.http_max_conns_per_client`). The only importer of undici.
 */
import type { Socket } from 'node:net'
import { Pool } from 'undici'
import { dial, dialKey, type DialTarget } from '../dial.ts'
import { type Share, Sharing } from '../sharing.ts'

/** Much more than the keys of a cluster. Bytes. */
export const MAX_BODY = 32 * 1024 * 1024

export class SharedPool {
  static readonly #all = new Sharing<SharedPool>((pool) => pool.#end())
  readonly pool: Pool
  readonly #sockets = new Set<Socket>()

  private constructor(target: DialTarget) {
    const { certificates, endpoint } = target
    // The zone of an address is of this machine alone: no server is to see it.
    this.pool = new Pool(`${certificates === null ? 'http' : 'https'}://${endpoint.replace(/%.*(?=\])/, '')}`, {
      // No request waits for the end of another: one may wait for an event.
      connections: null,
      ...{ headersTimeout: 0, bodyTimeout: 0, maxResponseSize: MAX_BODY, allowH2: false },
      connect: (_options, done) => {
        const socket = dial(target, ['http/1.1'], (error) => (error === null ? done(null, socket) : done(error, null)))
        this.#sockets.add(socket)
        socket.once('close', () => this.#sockets.delete(socket))
      },
    })
  }

  /** Returns the one for a target, until it is left. Connects with the first request. */
  static take(target: DialTarget): Share<SharedPool> {
    return SharedPool.#all.take(dialKey(target), () => new SharedPool(target))
  }

  #end(): void {
    // The requests have been rejected with their signals.
    void this.pool.destroy().catch(() => undefined)
    for (const socket of this.#sockets) socket.destroy()
  }
}
