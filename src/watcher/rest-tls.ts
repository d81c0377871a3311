/** How the members' REST API is connected to, with the certificates as they are on disk now. */
import { buildConnector } from 'undici'
import type { RestApiConfig } from '../config/config.ts'
import { explain } from '../errors.ts'
import { Certificates, type CertificateSet } from './certificates.ts'
import { explainTls } from './tls-trouble.ts'

/** For how long the files are taken to be unchanged while questions succeed. Milliseconds. */
const FRESH_MS = 1000

/** The part of the logger that is needed. */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export class RestTls {
  readonly #config: RestApiConfig
  readonly #timeoutMs: number
  readonly #log: Log | null
  readonly #certificates: Certificates
  #set: CertificateSet
  #connector: buildConnector.connector
  #readAt: number
  #trouble: string | null = null

  /** @throws RouterError where the certificates are of no use. */
  constructor(config: RestApiConfig, timeoutMs: number, log: Log | null) {
    this.#config = config
    this.#timeoutMs = timeoutMs
    this.#log = log
    this.#certificates = new Certificates(config)
    this.#set = this.#certificates.read()
    this.#connector = this.#build()
    this.#readAt = performance.now()
  }

  /** For a new connection to `url`. The files of a router that uses no https are left alone. */
  connector(url: string): buildConnector.connector {
    if (isHttps(url) && performance.now() - this.#readAt >= FRESH_MS) this.#renew()
    return this.#connector
  }

  /** Looks at the files at once; whether there is another connector than `used` by now, so that it may be tried. */
  isOutdated(used: buildConnector.connector): boolean {
    this.#renew()
    return used !== this.#connector
  }

  /** Why a question to `url` failed, with what to do about it. */
  explain(error: unknown, url: string): string {
    if (!isHttps(url)) return explain(error)
    const reason = explainTls(error, this.#config)
    return this.#trouble === null ? reason : `${reason} (and ${this.#trouble})`
  }

  #renew(): void {
    const set = this.#certificates.read()
    this.#readAt = performance.now()
    const { trouble } = this.#certificates
    if (trouble !== null && trouble.message !== this.#trouble) {
      const message = `REST API: ${trouble.message}; what was there before goes on to count`
      this.#log?.warn({ event: 'certificates-unusable', error: trouble.message }, message)
    }
    const isOver = trouble === null && this.#trouble !== null
    this.#trouble = trouble?.message ?? null
    const isNew = set !== this.#set
    if (isNew || isOver) {
      const message = `REST API: the certificate files ${isNew ? 'have been replaced and count' : 'are of use again'}`
      this.#log?.info({ event: 'certificates-read' }, message)
    }
    if (!isNew) return
    this.#set = set
    this.#connector = this.#build()
  }

  #build(): buildConnector.connector {
    const { insecure, certFile } = this.#config
    return buildConnector({
      timeout: this.#timeoutMs,
      allowH2: false,
      // A resumed session would not be verified again.
      maxCachedSessions: 0,
      secureContext: this.#set.context,
      // As Patroni's own client: with a certificate of ours, `insecure` leaves out the name only (request.py).
      rejectUnauthorized: !insecure || certFile !== null,
      ...(insecure ? { checkServerIdentity: () => undefined } : {}),
    })
  }
}

export function isHttps(url: string): boolean {
  return url.startsWith('https:')
}
