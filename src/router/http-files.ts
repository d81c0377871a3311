/** The files of HTTP: its certificate, and the tokens of those who may act. */
import type { Logger } from 'pino'
import type { ServerTls } from '../admin/http/address.ts'
import { readTokens, type Tokens } from '../admin/http/tokens.ts'
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

/** Reads a certificate again. One that cannot be used any more is logged, and its last good contents are returned. */
export function renewedTls({ certificates }: HttpTls, log: Logger): HttpTls {
  const pem = pemOf(certificates)
  const { trouble } = certificates
  if (trouble !== null)
    log.error({ event: 'http-tls-unusable' }, `HTTP: the former certificate stays in use: ${explain(trouble)}`)
  return { certificates, pem }
}

/** Reads the tokens; null: they cannot be used, which is logged, or there are none. Never rejects. */
export async function tokensOrNull({ tokenFile }: HttpConfig, log: Logger, otherwise: string): Promise<Tokens | null> {
  if (tokenFile === null) return null
  try {
    return await readTokens(tokenFile)
  } catch (error) {
    log.error({ event: 'http-tokens-unusable' }, `HTTP: ${otherwise}: ${explain(error)}`)
    return null
  }
}

function pemOf(certificates: Certificates): ServerTls {
  const { cert, key } = certificates.read()
  if (cert === null || key === null) throw new RouterError('CONFIG_INVALID', `${SETTINGS.cert} has no certificate`)
  return { cert, key }
}
