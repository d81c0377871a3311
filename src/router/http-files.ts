/** The files of HTTP: its certificate, and the tokens of those who may act. */
import type { Logger } from 'pino'
import type { ServerTls } from '../admin/http/address.ts'
import { readTokensIfThere, Tokens } from '../admin/http/tokens.ts'
import type { HttpConfig } from '../config/config.ts'
import { explain, RouterError } from '../errors.ts'
import { Certificates } from '../watcher/tls/certificates.ts'

const SETTINGS = { ca: '', cert: 'admin.tls.cert_file', key: 'admin.tls.key_file' }

/** A certificate that can be renewed, and what it was when it was read last. */
export interface HttpTls {
  readonly certificates: Certificates
  readonly pem: ServerTls
}

/** Reads the certificate. Throws CONFIG_UNREADABLE or CONFIG_INVALID, which names the file. null: HTTP is without TLS. */
export function readTls({ tls }: HttpConfig): HttpTls | null {
  if (tls === null) return null
  const certificates = new Certificates({ caFile: null, ...tls }, { settings: SETTINGS })
  return { certificates, pem: pemOf(certificates) }
}

/** What has been read again, and why it cannot be used; `trouble` null: it can. */
interface Renewed<T> {
  readonly value: T
  readonly trouble: string | null
}

/** Reads a certificate again. Of files that cannot be used any more, which is logged, the last good contents are returned. */
export function renewedTls({ certificates }: HttpTls, log: Logger): Renewed<HttpTls> {
  const pem = pemOf(certificates)
  const trouble =
    certificates.trouble === null ? null : `HTTP: the former certificate stays in use: ${explain(certificates.trouble)}`
  if (trouble !== null) log.error({ event: 'http-tls-unusable' }, trouble)
  return { value: { certificates, pem }, trouble }
}

/**
 * Reads the tokens. Without a file there are none; null: it cannot be used, and the former ones stay in force. Both are logged.
 * `otherwise`: what an unusable file means. Never rejects.
 */
export async function currentTokens(
  { tokenFile }: HttpConfig,
  log: Logger,
  otherwise: string,
): Promise<Renewed<Tokens | null>> {
  const unusable = (value: Tokens | null, trouble: string): Renewed<Tokens | null> => {
    log.error({ event: 'http-tokens-unusable' }, trouble)
    return { value, trouble }
  }
  if (tokenFile === null) return { value: null, trouble: null }
  try {
    const value = await readTokensIfThere(tokenFile)
    if (value !== null) return { value, trouble: null }
    return unusable(Tokens.none, `HTTP: no act is possible: admin.token_file: ${tokenFile} does not exist`)
  } catch (error) {
    return unusable(null, `HTTP: ${otherwise}: ${explain(error)}`)
  }
}

function pemOf(certificates: Certificates): ServerTls {
  const { cert, key } = certificates.read()
  if (cert === null || key === null) throw new RouterError('CONFIG_INVALID', `${SETTINGS.cert} has no certificate`)
  return { cert, key }
}
