/** HTTP to one endpoint of a DCS: bounded answers with deadlines, answers that are waited for, TLS. The only importer of undici. */
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Pool } from 'undici'
import { failureOf, RouterError } from '../../../errors.ts'
import type { Lookups } from '../../../names/lookups.ts'
import type { CertificateSet } from '../../tls/certificates.ts'
import { hostOf } from '../endpoints.ts'

export interface HttpTarget {
  /** `host:port`, IPv6 in brackets. */
  readonly endpoint: string
  /** What the files hold; null: without TLS. */
  readonly certificates: CertificateSet | null
  /** Whether the certificate of the server is verified. */
  readonly verifies: boolean
  /** Sent with each request. May hold secrets: never shown. */
  readonly headers: Readonly<Record<string, string>>
  /** How long a read may take. Milliseconds. */
  readonly timeoutMs: number
  /** Where names are looked up, shared with the rest of the process. */
  readonly lookups: Lookups
}

/** The head of an answer. */
export interface HttpHead {
  readonly status: number
  /** Returns the value of a header; null: it is not there. */
  header(name: string): string | null
}

export interface HttpAnswer extends HttpHead {
  readonly text: string
}

export interface WaitOptions {
  /** How long the head may take, and then the body; null: as long as it likes. Milliseconds. */
  readonly headMs: number
  readonly bodyMs: number | null
  /** Takes the head as soon as it is there. @throws what the wait then rejects with. */
  readonly onHead?: (head: HttpHead) => void
}

/** Much more than the keys of a cluster. Bytes. */
export const MAX_BODY = 32 * 1024 * 1024

/** A silent connection is probed after that. Milliseconds. */
const KEEPALIVE_MS = 10_000

export class HttpConnection {
  readonly #target: HttpTarget
  readonly #pool: Pool
  readonly #closing = new AbortController()
  readonly #sockets = new Set<Socket>()
  #answered = false

  /** Connects with the first request. */
  constructor(target: HttpTarget) {
    this.#target = target
    const scheme = target.certificates === null ? 'http' : 'https'
    this.#pool = new Pool(`${scheme}://${target.endpoint.replace(/%.*(?=\])/, '')}`, {
      // No request waits for the end of another: one may wait for an event.
      connections: null,
      ...{ headersTimeout: 0, bodyTimeout: 0, maxResponseSize: MAX_BODY, allowH2: false },
      connect: (_options, done) => {
        const socket = this.#connect()
        const isReady = target.certificates === null ? 'connect' : 'secureConnect'
        const fail = (error: Error): void => done(error, null)
        this.#sockets.add(socket)
        socket.once('close', () => this.#sockets.delete(socket))
        socket.once('error', fail).once(isReady, () => {
          socket.off('error', fail)
          done(null, socket)
        })
      },
    })
  }

  /** Aborts when the connection is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal
  }

  /** Returns whether anything has ever answered in HTTP. */
  get answered(): boolean {
    return this.#answered
  }

  /** Reads within `factor` times the time of a read. Rejects without a whole answer. */
  async get(path: string, factor = 1): Promise<HttpAnswer> {
    const ms = this.#target.timeoutMs * factor
    try {
      return await this.#ask(path, ms, ms)
    } catch (error) {
      // A connection that was kept open may have been closed by the server meanwhile.
      if (failureOf(error) !== 'reset' || this.closed.aborted || !this.#answered) throw error
      return await this.#ask(path, ms, ms)
    }
  }

  /** Waits for an answer. Rejects without a whole one. */
  wait(path: string, { headMs, bodyMs, onHead }: WaitOptions): Promise<HttpAnswer> {
    return this.#ask(path, headMs, bodyMs, onHead)
  }

  /** Ends every request under way. Idempotent. */
  close(): void {
    if (this.closed.aborted) return
    this.#closing.abort()
    // The requests have been rejected with their signal.
    void this.#pool.destroy().catch(() => undefined)
    for (const socket of this.#sockets) socket.destroy()
  }

  async #ask(
    path: string,
    headMs: number,
    bodyMs: number | null,
    onHead?: (head: HttpHead) => void,
  ): Promise<HttpAnswer> {
    const giveUp = new AbortController()
    const late = (ms: number): NodeJS.Timeout =>
      setTimeout(() => giveUp.abort(new RouterError('TIMEOUT', `no answer within ${ms} ms`)), ms)
    const end = (): void => giveUp.abort(new RouterError('DCS_UNAVAILABLE', 'the connection is closed'))
    if (this.closed.aborted) end()
    this.closed.addEventListener('abort', end, { once: true })
    let timer = late(headMs)
    try {
      const { signal } = giveUp
      const { statusCode, headers, body } = await this.#pool.request({
        ...{ method: 'GET', path, headers: this.#target.headers, signal },
      })
      this.#answered = true
      clearTimeout(timer)
      if (bodyMs !== null) timer = late(bodyMs)
      const head = {
        status: statusCode,
        header: (name: string): string | null => {
          const value = headers[name]
          return (Array.isArray(value) ? value[0] : value) ?? null
        },
      }
      try {
        onHead?.(head)
      } catch (error) {
        // Its end is of no interest.
        body.on('error', () => undefined).destroy()
        throw error
      }
      return { ...head, text: await body.text() }
    } catch (error) {
      throw giveUp.signal.aborted ? giveUp.signal.reason : error
    } finally {
      clearTimeout(timer)
      this.closed.removeEventListener('abort', end)
    }
  }

  #connect(): Socket {
    const { endpoint, certificates, verifies, lookups } = this.#target
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
      // In TLS an address is not the name of a server (RFC 6066).
      ...(isIP(host) === 0 ? { servername: host } : {}),
    })
  }
}
