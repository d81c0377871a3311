/** Jute, the encoding of ZooKeeper's protocol: big-endian numbers, and bytes behind their length. Pure. */
import { RouterError } from '../../../errors.ts'

export class JuteWriter {
  readonly #parts: Buffer[] = []

  int(value: number): this {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    this.#parts.push(bytes)
    return this
  }

  long(value: bigint): this {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64BE(value)
    this.#parts.push(bytes)
    return this
  }

  boolean(value: boolean): this {
    this.#parts.push(Buffer.of(value ? 1 : 0))
    return this
  }

  buffer(bytes: Buffer): this {
    this.int(bytes.length)
    this.#parts.push(bytes)
    return this
  }

  text(value: string): this {
    return this.buffer(Buffer.from(value))
  }

  /** Returns all of it as one packet: behind its length. */
  packet(): Buffer {
    const body = Buffer.concat(this.#parts)
    const head = Buffer.alloc(4)
    head.writeInt32BE(body.length)
    return Buffer.concat([head, body])
  }
}

/** Reads values in their order. Each method throws a RouterError where the bytes end before. */
export class JuteReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Returns how many bytes have not been read. */
  get left(): number {
    return this.#bytes.length - this.#at
  }

  int(): number {
    return this.#bytes.readInt32BE(this.#advance(4))
  }

  long(): bigint {
    return this.#bytes.readBigInt64BE(this.#advance(8))
  }

  /** Returns bytes of their own; a length of -1 is none. */
  buffer(): Buffer {
    const length = this.int()
    if (length <= 0) return Buffer.alloc(0)
    const from = this.#advance(length)
    return Buffer.from(this.#bytes.subarray(from, from + length))
  }

  text(): string {
    return this.buffer().toString()
  }

  list<T>(read: () => T): readonly T[] {
    const length = this.int()
    // Each entry has four bytes at least.
    if (length > this.left / 4) throw truncated()
    return Array.from({ length: Math.max(0, length) }, read)
  }

  #advance(length: number): number {
    const from = this.#at
    if (length > this.left) throw truncated()
    this.#at += length
    return from
  }
}

function truncated(): RouterError {
  return new RouterError('DCS_UNAVAILABLE', 'its answer ends before it is complete')
}
