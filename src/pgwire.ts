/** The little of PostgreSQL's wire protocol (version 3) that a router has to read and write. Pure. */

/** What a client says first; see "Message Formats" of the PostgreSQL manual: StartupMessage, SSLRequest and the like. */
export type FirstPacket =
  /** More bytes are needed to tell. */
  | { readonly kind: 'incomplete' }
  /** A plaintext StartupMessage: its errors can be answered in plaintext. */
  | { readonly kind: 'startup' }
  /** SSLRequest or GSSENCRequest, and nothing more: the server answers with one byte. */
  | { readonly kind: 'encryption-request' }
  | { readonly kind: 'cancel' }
  /** TLS without SSLRequest (libpq 17, sslnegotiation=direct), or no PostgreSQL client at all. */
  | { readonly kind: 'opaque' }

const SSL_REQUEST = 80877103
const GSSENC_REQUEST = 80877104
const CANCEL_REQUEST = 80877102
const ENCRYPTION_REQUEST_LENGTH = 8
/** PostgreSQL's MAX_STARTUP_PACKET_LENGTH, which does not count the length itself. */
const MAX_STARTUP_LENGTH = 10000 + 4

/** Parses the first packet of a client. */
export function firstPacket(bytes: Buffer): FirstPacket {
  if (bytes.length > 0 && bytes[0] !== 0) return { kind: 'opaque' }
  if (bytes.length < 8) return { kind: 'incomplete' }
  const length = bytes.readInt32BE(0)
  const code = bytes.readInt32BE(4)
  if (length < 8 || length > MAX_STARTUP_LENGTH) return { kind: 'opaque' }
  if (code === CANCEL_REQUEST) return bytes.length < length ? { kind: 'incomplete' } : { kind: 'cancel' }
  if (code === SSL_REQUEST || code === GSSENC_REQUEST) {
    // Postgres closes the connection of a client that sends more before it has answered.
    const isAlone = length === ENCRYPTION_REQUEST_LENGTH && bytes.length === length
    return { kind: isAlone ? 'encryption-request' : 'opaque' }
  }
  if (code >>> 16 !== 3) return { kind: 'opaque' }
  return bytes.length < length ? { kind: 'incomplete' } : { kind: 'startup' }
}

/**
 * Returns whether the answer to an SSLRequest or GSSENCRequest is 'N' alone: the client continues in plaintext, on the
 * same connection.
 */
export function isEncryptionRefused(request: Buffer, answer: Buffer): boolean {
  return firstPacket(request).kind === 'encryption-request' && answer.equals(NOT_WILLING)
}

/** The answer to SSLRequest and GSSENCRequest of a server that has no such thing. */
export const NOT_WILLING: Buffer = Buffer.from('N')

/** Makes a StartupMessage of protocol 3.0. */
export function startupMessage(parameters: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(parameters).map(([key, value]) => `${key}\0${value}\0`)
  const body = Buffer.from(`${pairs.join('')}\0`)
  const head = Buffer.alloc(8)
  head.writeInt32BE(body.length + 8, 0)
  head.writeInt32BE(3 << 16, 4)
  return Buffer.concat([head, body])
}

/** What the server says first to a StartupMessage. */
export type FirstAnswer =
  | { readonly kind: 'incomplete' }
  /** It is up: it requests authentication, or refuses this user for a reason of its own. */
  | { readonly kind: 'up' }
  /** It accepts no clients: it starts, stops or recovers (57P03), or ends its sessions (57P01, 57P02). */
  | { readonly kind: 'down'; readonly message: string }

/** Longest error that is waited for whole; what is longer is passed on as it is. */
const MAX_ERROR_LENGTH = 4096

/**
 * Parses the server's first answer: only a whole ErrorResponse with a 57P0x state means that it accepts no connections.
 */
export function firstAnswer(bytes: Buffer): FirstAnswer {
  if (bytes.length === 0) return { kind: 'incomplete' }
  if (bytes[0] !== 0x45) return { kind: 'up' }
  if (bytes.length < 5) return { kind: 'incomplete' }
  const length = bytes.readInt32BE(1)
  if (length < 5 || length > MAX_ERROR_LENGTH) return { kind: 'up' }
  if (bytes.length < length + 1) return { kind: 'incomplete' }
  const fields = errorFields(bytes.subarray(5, length + 1))
  const state = fields.get('C') ?? ''
  if (!/^57P0[123]$/.test(state)) return { kind: 'up' }
  return { kind: 'down', message: `${oneLine(fields.get('M') ?? '')} (${state})` }
}

/** Makes one line of bounded length, for logs, `status` and clients. */
function oneLine(message: string): string {
  return message.replace(/[\p{Cc}\p{Cf}]+/gu, ' ').slice(0, 200)
}

function errorFields(body: Buffer): ReadonlyMap<string, string> {
  const fields = body.toString('utf8').split('\0').filter(Boolean)
  return new Map(fields.map((field) => [field.charAt(0), field.slice(1)]))
}

/** Makes an ErrorResponse. `hint` may be empty. */
export function errorResponse(severity: 'ERROR' | 'FATAL', sqlState: string, message: string, hint: string): Buffer {
  const fields = [`S${severity}`, `V${severity}`, `C${sqlState}`, `M${message}`, ...(hint === '' ? [] : [`H${hint}`])]
  const body = Buffer.from(`${fields.join('\0')}\0\0`)
  const head = Buffer.alloc(5)
  head.write('E', 0)
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

/** Makes a FATAL ErrorResponse; the caller closes the connection after it. `hint` may be empty. */
export function fatalError(sqlState: string, message: string, hint: string): Buffer {
  return errorResponse('FATAL', sqlState, message, hint)
}

/** Terminate: the client's polite end of a session. */
export const TERMINATE: Buffer = Buffer.from([0x58, 0, 0, 0, 4])
