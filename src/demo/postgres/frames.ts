/** Messages of PostgreSQL's wire protocol, version 3, as a server reads and writes them. Pure. */

/** One message; `bytes` is all of it: type, length and body. */
export interface Frame {
  readonly type: string
  readonly bytes: Buffer
}

/** More than a person's statement, less than what fills the memory. Bytes. */
const MAX_FRAME = 32 * 1024 * 1024

/** Splits bytes into whole messages, and those of one that is not whole yet; null: this is no message. */
export function splitFrames(bytes: Buffer): { readonly frames: readonly Frame[]; readonly rest: Buffer } | null {
  const frames: Frame[] = []
  let at = 0
  while (bytes.length - at >= 5) {
    const length = bytes.readInt32BE(at + 1)
    if (length < 4 || length > MAX_FRAME) return null
    if (bytes.length - at < length + 1) break
    frames.push({ type: String.fromCharCode(bytes[at] ?? 0), bytes: bytes.subarray(at, at + length + 1) })
    at += length + 1
  }
  return { frames, rest: bytes.subarray(at) }
}

/** Makes a message of these parts; a string is ended by a zero byte. */
export function frame(type: string, ...parts: readonly (Buffer | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(`${part}\0`) : part)))
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

export const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

export const query = (sql: string): Buffer => frame('Q', sql)
export const SYNC: Buffer = frame('S')

/** The state after an answer: idle, in a transaction, in a failed one; null: it has not ended (no ReadyForQuery). */
export type Readiness = 'I' | 'T' | 'E' | null

/** Returns what the last message of an answer says of the transaction. */
export function readinessOf(answer: Buffer): Readiness {
  const at = answer.length - 6
  if (at < 0 || answer[at] !== 0x5a || answer.readInt32BE(at + 1) !== 5) return null
  const state = String.fromCharCode(answer[at + 5] ?? 0)
  return state === 'I' || state === 'T' || state === 'E' ? state : null
}

/** Returns the values of the rows in an answer; null is NULL. */
export function rowsOf(answer: Buffer): readonly (readonly (string | null)[])[] {
  const rows = splitFrames(answer)?.frames.filter(({ type }) => type === 'D') ?? []
  return rows.map(({ bytes }) => {
    const values: (string | null)[] = []
    for (let column = 0, at = 7; column < bytes.readInt16BE(5); column++) {
      const length = bytes.readInt32BE(at)
      values.push(length < 0 ? null : bytes.toString('utf8', at + 4, at + 4 + length))
      at += 4 + Math.max(0, length)
    }
    return values
  })
}

/** Returns the message of an ErrorResponse in an answer; null: there is none. */
export function errorOf(answer: Buffer): string | null {
  const error = splitFrames(answer)?.frames.find(({ type }) => type === 'E')
  const fields = error?.bytes.toString('utf8', 5).split('\0') ?? []
  return error === undefined ? null : (fields.find((field) => field.startsWith('M'))?.slice(1) ?? 'unknown error')
}

/** Returns the statement of a Query or Parse message; else empty. */
export function sqlOf({ type, bytes }: Frame): string {
  const strings = bytes.toString('utf8', 5).split('\0')
  return (type === 'Q' ? strings[0] : type === 'P' ? strings[1] : '') ?? ''
}

/**
 * Returns the Query or Parse message with another statement; a prepared one leaves the types of its parameters to the
 * server.
 */
export function withSql(message: Frame, sql: string): Frame {
  if (message.type === 'Q') return { type: 'Q', bytes: query(sql) }
  const [name = ''] = message.bytes.toString('utf8', 5).split('\0')
  return { type: 'P', bytes: frame('P', name, sql, Buffer.alloc(2)) }
}

/**
 * Removes from errors of the schema `mark` in an answer which function, or line of the server's source, they are from.
 */
export function withoutContext(answer: Buffer, mark: string): Buffer {
  if (!answer.includes(mark)) return answer
  const split = splitFrames(answer)
  if (split === null) return answer
  const frames = split.frames.map(({ type, bytes }) => {
    const fields = type === 'E' ? bytes.toString('utf8', 5).split('\0') : []
    if (!fields.includes(`s${mark}`)) return bytes
    return frame('E', ...fields.filter((field) => /^[^WFLRs]/.test(field)), '')
  })
  return Buffer.concat([...frames, split.rest])
}

/**
 * Puts `prefix` before the name of the prepared statement of `message`, unless it is the unnamed one: all sessions
 * share one server session, and their statements must not meet.
 */
export function renameStatement(
  { type, bytes }: Frame,
  prefix: string,
): { readonly bytes: Buffer; readonly name: string } {
  const body = bytes.subarray(5)
  const isStatement = type === 'P' || type === 'B' || ((type === 'D' || type === 'C') && body[0] === 0x53)
  if (!isStatement) return { bytes, name: '' }
  const from = type === 'P' ? 0 : type === 'B' ? body.indexOf(0) + 1 : 1
  const to = body.indexOf(0, from)
  if (to <= from) return { bytes, name: '' }
  const name = prefix + body.toString('utf8', from, to)
  return { bytes: frame(type, body.subarray(0, from), Buffer.from(name), body.subarray(to)), name }
}

/** Returns the parameters of a whole StartupMessage. */
export function startupParameters(packet: Buffer): ReadonlyMap<string, string> {
  const words = packet.toString('utf8', 8).split('\0')
  const pairs: [string, string][] = []
  for (let at = 0; at + 1 < words.length && words[at] !== ''; at += 2)
    pairs.push([words[at] ?? '', words[at + 1] ?? ''])
  return new Map(pairs)
}
