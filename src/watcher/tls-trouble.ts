/** Says what is wrong with the TLS of a member's REST API, and which setting is about it. Pure. */
import type { RestApiConfig } from '../config/config.ts'
import { explain, failureOf } from '../errors.ts'
import { printable } from './printable.ts'

/** Longest part of what a stranger's certificate says that is shown. */
const MAX_SHOWN = 200

/** One line for a person. `error` is what a question over https failed with. */
export function explainTls(error: unknown, config: RestApiConfig): string {
  const { certFile } = config
  const code = codeOf(error)
  const what = printable(textOf(error), MAX_SHOWN)
  if (UNKNOWN_CA.has(code)) return `${what}: ${unknownCa(config)}`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `its certificate is for other names (${what}): give it one for its restapi.connect_address, or set ctl.insecure`
  if (OUT_OF_DATE.has(code)) return `${what}: the REST API needs another one${orInsecure(config)}`
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG')
    return `it speaks no TLS: its URL begins with http, not https`
  if (code.startsWith('ERR_SSL_') && code.includes('ALERT')) return `it refuses (${what}): ${aboutClient(certFile)}`
  // A server may break off instead of telling that it wants a certificate, and the alert may get lost on the way.
  if (failureOf(error) === 'reset') return `${what}; if it refuses the router as a TLS client: ${aboutClient(certFile)}`
  return what
}

function unknownCa(config: RestApiConfig): string {
  const { caFile, insecure } = config
  const set =
    caFile === null
      ? 'set ctl.cacert to the file of the CA that signed its certificate'
      : `no CA in ctl.cacert (${caFile}) signed its certificate; correct one or the other`
  // Patroni's own client does the same (request.py, reload_config).
  return insecure ? `${set}; with ctl.certfile, ctl.insecure leaves out the name only` : `${set}${orInsecure(config)}`
}

function orInsecure({ certFile }: RestApiConfig): string {
  return certFile === null ? ', or set ctl.insecure' : ''
}

function aboutClient(certFile: string | null): string {
  return certFile === null
    ? 'it may ask for a client certificate (restapi.verify_client), so set ctl.certfile and ctl.keyfile'
    : `it may not accept the client certificate, ctl.certfile (${certFile}): its restapi.cafile has to know who signed it`
}

const UNKNOWN_CA: ReadonlySet<string> = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
])

const OUT_OF_DATE: ReadonlySet<string> = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'CERT_REVOKED'])

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** OpenSSL's messages hold addresses in memory and lines of its source; its `reason` is what one wants to know. */
function textOf(error: unknown): string {
  const reason = error instanceof Error && 'reason' in error ? error.reason : undefined
  return typeof reason === 'string' && reason !== '' ? reason : explain(error)
}
