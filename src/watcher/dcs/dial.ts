/** Connects to a server of a DCS, with or without TLS. */
import { createHash } from 'node:crypto'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Lookups } from '../../names/lookups.ts'
import type { CertificateSet } from '../tls/certificates.ts'
import { hostOf } from './endpoints.ts'

export interface DialTarget {
  /** `host:port`, IPv6 in brackets. */
  readonly endpoint: string
  /** What the files hold; null: without TLS. */
  readonly certificates: CertificateSet | null
  /** Whether the certificate of the server is verified. */
  readonly verifies: boolean
  /** Whether its name does not matter then. */
  readonly anyName?: boolean
  /** Where names are looked up, shared with the rest of the process. */
  readonly lookups: Lookups
}

/** A silent connection is probed after that. Milliseconds. */
const KEEPALIVE_MS = 10_000

/** A connection that is not there by then is given up; requests have times of their own. Milliseconds. */
const CONNECT_MS = 10_000

/** Begins to connect. `protocols`: of ALPN. `onDone`: gets null once it can be used, TLS included, or why it cannot; once. */
export function dial(target: DialTarget, protocols: readonly string[], onDone: (error: Error | null) => void): Socket {
  const { certificates } = target
  const socket = open(target, protocols)
  const late = setTimeout(() => socket.destroy(new Error(`no connection within ${CONNECT_MS} ms`)), CONNECT_MS)
  const fail = (error: Error): void => onDone(error)
  socket.once('close', () => clearTimeout(late))
  socket.once('error', fail).once(certificates === null ? 'connect' : 'secureConnect', () => {
    clearTimeout(late)
    socket.off('error', fail)
    onDone(null)
  })
  return socket
}

function open(
  { endpoint, certificates, verifies, anyName = false, lookups }: DialTarget,
  protocols: readonly string[],
): Socket {
  const host = hostOf(endpoint)
  const port = Number(endpoint.slice(endpoint.lastIndexOf(':') + 1))
  const options = {
    ...{ host, port, lookup: lookups.lookup, noDelay: true },
    ...{ keepAlive: true, keepAliveInitialDelay: KEEPALIVE_MS },
  }
  if (certificates === null) return connect(options)
  return connectTls({
    ...{ ...options, secureContext: certificates.context, rejectUnauthorized: verifies },
    ...(protocols.length > 0 ? { ALPNProtocols: [...protocols] } : {}),
    ...(anyName ? { checkServerIdentity: () => undefined } : {}),
    // In TLS an address is not the name of a server, and no name ends with a dot (RFC 6066).
    ...(isIP(host) === 0 ? { servername: host.replace(/\.$/, '') } : {}),
  })
}

/** Returns what is equal for two targets which one connection can serve: a text that is no secret. */
export function dialKey(
  { endpoint, certificates, verifies, anyName = false }: DialTarget,
  ...secrets: readonly string[]
): string {
  const hash = createHash('sha256')
  for (const pem of [certificates?.ca, certificates?.cert, certificates?.key]) hash.update(pem ?? '').update('\0')
  for (const secret of secrets) hash.update(secret).update('\0')
  return [certificates !== null, verifies, anyName, endpoint, hash.digest('hex')].join(' ')
}
