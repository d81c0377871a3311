/** How the members' REST API is connected to, with the certificates as they are on disk now. */
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { RestApiConfig } from '../../config/config.ts'
import { explain, failureOf, RouterError } from '../../errors.ts'
import type { HttpUrl } from '../../http-url.ts'
import { hostAmong, lookupAmong } from '../../names/among.ts'
import { CertificateLog } from '../tls/certificate-log.ts'
import type { Log } from '../../text/log-line.ts'
import { Certificates, type CertificateSet, REST_SETTINGS } from '../tls/certificates.ts'
import { perhapsRefused, type TlsPeer, tlsReason, diagnoseTls } from '../tls/diagnosis.ts'

/** For how long the files are taken to be unchanged while questions succeed. Milliseconds. */
const FRESH_MS = 1000

/** Begins a connection to a server, at the first of these addresses that answers. */
export type Connect = (server: HttpUrl, at: readonly string[]) => Socket

interface Secure {
  readonly set: CertificateSet
  readonly connect: Connect
}

export class RestTls {
  readonly #config: RestApiConfig
  readonly #certificates: Certificates
  readonly #news: CertificateLog
  /** null until the files have been of use. */
  #secure: Secure | null = null
  /** Why not. */
  #failure: RouterError | null = null
  #readAt = -Infinity

  /** Reads nothing yet: the files of a router that uses no https are left alone. */
  constructor(config: RestApiConfig, log: Log | null) {
    this.#config = config
    const verifies = !config.insecure || config.certFile !== null
    this.#certificates = new Certificates(config, { systemTrust: verifies, settings: REST_SETTINGS })
    this.#news = new CertificateLog('REST API', log)
  }

  /**
   * Returns what a new connection to `url` is made by.
   * @throws RouterError naming the file and its setting, while the files have never been of use.
   */
  connector(url: string): Connect {
    if (!isHttps(url)) return plain
    if (performance.now() - this.#readAt >= FRESH_MS) this.#renew()
    if (this.#secure !== null) return this.#secure.connect
    throw this.#failure ?? new RouterError('INTERNAL', 'the certificate files have not been read')
  }

  /** Looks at the files at once; whether there is another way to connect than `used` by now, so that it may be tried. */
  isOutdated(used: Connect): boolean {
    this.#renew()
    return used !== this.#secure?.connect
  }

  /** Returns why a question to `url` failed, with what to do about it. */
  explain(error: unknown, url: string): string {
    if (!isHttps(url) || error === this.#failure) return explain(error)
    const what = tlsReason(explain(error))
    const peer = peerOf(this.#config)
    const known = diagnoseTls(what, peer) ?? (failureOf(error) === 'reset' ? perhapsRefused(what, peer) : what)
    return this.#news.trouble === null ? known : `${known} (and ${this.#news.trouble})`
  }

  #renew(): void {
    this.#readAt = performance.now()
    try {
      const set = this.#certificates.read()
      if (set !== this.#secure?.set) this.#secure = { set, connect: this.#build(set) }
      this.#failure = null
      this.#news.tell(set, this.#certificates.trouble?.message ?? null)
    } catch (error) {
      // `read` throws no other.
      if (!(error instanceof RouterError)) throw error
      this.#failure = error
      this.#news.tell(null, error.message)
    }
  }

  #build({ context }: CertificateSet): Connect {
    const { insecure, certFile } = this.#config
    const options = {
      secureContext: context,
      // As Patroni's own client: with a certificate of ours, `insecure` leaves out the name only (request.py).
      rejectUnauthorized: !insecure || certFile !== null,
      ...(insecure ? { checkServerIdentity: () => undefined } : {}),
    }
    // No session is resumed: its certificate would not be verified again.
    return ({ url: { port }, host }, at) =>
      connectTls({
        ...{ ...options, ...addressOf(at), port: Number(port || 443), ALPNProtocols: ['http/1.1'] },
        // In TLS an address is not the name of a server (RFC 6066).
        ...(isIP(host) === 0 ? { servername: host } : {}),
      })
  }
}

const plain: Connect = ({ url: { port } }, at) => connect({ ...addressOf(at), port: Number(port || 80) })

function addressOf(at: readonly string[]) {
  return { host: hostAmong(at), lookup: lookupAmong }
}

export function isHttps(url: string): boolean {
  return url.startsWith('https:')
}

function peerOf({ caFile, certFile, insecure }: RestApiConfig): TlsPeer {
  return {
    name: 'the REST API',
    settings: REST_SETTINGS,
    caFile,
    certFile,
    named: 'one for its restapi.connect_address, or set ctl.insecure',
    withoutTls: 'its URL begins with http, not https',
    asksBy: 'restapi.verify_client',
    trustsBy: 'restapi.cafile',
    insecure: { setting: 'ctl.insecure', isSet: insecure },
  }
}
