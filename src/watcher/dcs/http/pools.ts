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

/** So many connections begin in a turn of the event loop: each with TLS takes about a millisecond of it. */
const PER_TURN = 8

export class SharedPool {
  static readonly #waiting: (() => void)[] = []
  static readonly #all = new Sharing<SharedPool>((pool) => pool.#end())
  readonly pool: Pool
  readonly #sockets = new Set<Socket>()
  #isEnded = false

  private constructor(target: DialTarget) {
    const { certificates, endpoint } = target
    // The zone of an address is of this machine alone: no server is to see it.
    this.pool = new Pool(`${certificates === null ? 'http' : 'https'}://${endpoint.replace(/%.*(?=\])/, '')}`, {
      // No request waits for the end of another: one may wait for an event.
      connections: null,
      ...{ headersTimeout: 0, bodyTimeout: 0, maxResponseSize: MAX_BODY, allowH2: false },
      connect: (_options, done) => {
        SharedPool.#inTurn(() => {
          if (this.#isEnded) {
            done(new Error('the connection is closed'), null)
            return
          }
          const socket = dial(target, ['http/1.1'], (error) => {
            if (error === null) done(null, socket)
            else done(error, null)
          })
          this.#sockets.add(socket)
          socket.once('close', () => this.#sockets.delete(socket))
        })
      },
    })
  }

  /** Returns the one for a target, until it is left. Connects with the first request. */
  static take(target: DialTarget): Share<SharedPool> {
    return SharedPool.#all.take(dialKey(target), () => new SharedPool(target))
  }

  /** Does it in one of the next turns of the event loop, in the order of the calls. */
  static #inTurn(work: () => void): void {
    if (SharedPool.#waiting.push(work) > 1) return
    const next = (): void => {
      for (const each of SharedPool.#waiting.slice(0, PER_TURN)) each()
      SharedPool.#waiting.splice(0, PER_TURN)
      if (SharedPool.#waiting.length > 0) setImmediate(next)
    }
    setImmediate(next)
  }

  #end(): void {
    this.#isEnded = true
    // The requests have been rejected with their signals.
    void this.pool.destroy().catch(() => undefined)
    for (const socket of this.#sockets) socket.destroy()
  }
}
