import { startupMessage } from '../../../../src/pgwire.ts'

export const STARTUP: Buffer = startupMessage({ user: 'alice', database: 'shop' })
export const SSL_REQUEST: Buffer = request(80877103)
export const GSSENC_REQUEST: Buffer = request(80877104)
export const CANCEL_REQUEST: Buffer = Buffer.concat([request(80877102, 16), Buffer.from([0, 0, 0, 42, 0, 0, 0, 7])])
/** AuthenticationOk. */
export const AUTH_OK: Buffer = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0])
/** The server takes no TLS. */
export const NO: Buffer = Buffer.from('N')
export const YES: Buffer = Buffer.from('S')

/** Eight bytes, a length and a code. */
export function request(code: number, length = 8): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeInt32BE(length, 0)
  bytes.writeInt32BE(code, 4)
  return bytes
}

/** An ErrorResponse as a server sends it. */
export function errorResponse(sqlState: string, message: string): Buffer {
  const body = Buffer.from(`SFATAL\0VFATAL\0C${sqlState}\0M${message}\0\0`)
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

/** The fields of the ErrorResponse that `bytes` are; null when they are something else. */
export function errorFields(bytes: Buffer): Readonly<Record<string, string>> | null {
  if (bytes[0] !== 0x45 || bytes.readInt32BE(1) !== bytes.length - 1) return null
  const fields = bytes.subarray(5).toString().split('\0').filter(Boolean)
  return Object.fromEntries(fields.map((field) => [field.charAt(0), field.slice(1)]))
}
