/**
 * Connections to servers, shared by all clusters that are read there: Consul takes 200 of one client (its
 * `limits.http_max_conns_per_client`). The only importer of undici.
 */
import { createHash } from 'node:crypto'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Pool } from 'undici'
import type { Lookups } from '../../../names/lookups.ts'
import type { CertificateSet } from '../../tls/certificates.ts'
import { hostOf } from '../endpoints.ts'

export interface PoolTarget {
  /** `host:port`, IPv6 in brackets. */
  readonly endpoint: string
  /** What the files hold; null: without TLS. */
  readonly certificates: CertificateSet | null
  /** Whether the certificate of the server is verified. */
  readonly verifies: boolean
  /** false: where it is verified, it may be for any name. */
  readonly checksName?: boolean
  /** Where names are looked up, shared with the rest of the process. */
  readonly lookups: Lookups
}

/** Much more than the keys of a cluster. Bytes. */
export const MAX_BODY = 32 * 1024 * 1024

/** A silent connection is probed after that. Milliseconds. */
const KEEPALIVE_MS = 10_000

/** A connection that is not there by then is given up; requests have times of their own. Milliseconds. */
const CONNECT_MS = 10_000

export class SharedPool {
  static readonly #all = new Map<string, SharedPool>()
  readonly pool: Pool
  readonly #key: string
  readonly #target: PoolTarget
  readonly #sockets = new Set<Socket>()
  #users = 0

  private constructor(target: PoolTarget, key: string) {
    this.#target = target
    this.#key = key
    const { certificates, endpoint } = target
    // The zone of an address is of this machine alone: no server is to see it.
    this.pool = new Pool(`${certificates === null ? 'http' : 'https'}://${endpoint.replace(/%.*(?=\])/, '')}`, {
      // No request waits for the end of another: one may wait for an event.
      connections: null,
      ...{ headersTimeout: 0, bodyTimeout: 0, maxResponseSize: MAX_BODY, allowH2: false },
      connect: (_options, done) => {
        const socket = this.#connect()
        const late = setTimeout(() => socket.destroy(new Error(`no connection within ${CONNECT_MS} ms`)), CONNECT_MS)
        const fail = (error: Error): void => done(error, null)
        this.#sockets.add(socket)
        socket.once('close', () => {
          clearTimeout(late)
          this.#sockets.delete(socket)
        })
        socket.once('error', fail).once(certificates === null ? 'connect' : 'secureConnect', () => {
          clearTimeout(late)
          socket.off('error', fail)
          done(null, socket)
        })
      },
    })
  }

  /** Returns the one for a target, until it is left. Connects with the first request. */
  static take(target: PoolTarget): SharedPool {
    const { endpoint, certificates, verifies, checksName = true } = target
    const hash = createHash('sha256')
    for (const pem of [certificates?.ca, certificates?.cert, certificates?.key]) hash.update(pem ?? '').update('\0')
    const key = [certificates !== null, verifies, checksName, endpoint, hash.digest('hex')].join(' ')
    const shared = SharedPool.#all.get(key) ?? new SharedPool(target, key)
    SharedPool.#all.set(key, shared)
    shared.#users++
    return shared
  }

  /**
   * Gives it up, once for each `take`. Its connections may lead to a server that is gone: the next `take` makes others,
   * and these end with their last user.
   */
  leave(): void {
    if (SharedPool.#all.get(this.#key) === this) SharedPool.#all.delete(this.#key)
    if (--this.#users > 0) return
    // The requests have been rejected with their signals.
    void this.pool.destroy().catch(() => undefined)
    for (const socket of this.#sockets) socket.destroy()
  }

  #connect(): Socket {
    const { endpoint, certificates, verifies, checksName = true, lookups } = this.#target
    const host = hostOf(endpoint)
    const port = Number(endpoint.slice(endpoint.lastIndexOf(':') + 1))
    const options = {
      ...{ host, port, lookup: lookups.lookup, noDelay: true },
      ...{ keepAlive: true, keepAliveInitialDelay: KEEPALIVE_MS },
    }
    if (certificates === null) return connect(options)
    return connectTls({
      ...{ ...options, secureContext: certificates.context, rejectUnauthorized: verifies },
      ...{ ALPNProtocols: ['http/1.1'] },
      ...(checksName ? {} : { checkServerIdentity: () => undefined }),
      // In TLS an address is not the name of a server, and no name ends with a dot (RFC 6066).
      ...(isIP(host) === 0 ? { servername: host.replace(/\.$/, '') } : {}),
    })
  }
}
