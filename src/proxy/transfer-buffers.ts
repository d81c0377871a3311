/**
 * The memory that bytes pass through. All connections of an event loop are read into the same buffer, whose bytes are copied
 * before they are written: libuv keeps pointing into a buffer whose write is not finished, and then the next read would
 * overwrite it. A copy is used again as soon as the kernel has taken it, so that a packet costs no allocation.
 */

/** What one read can bring. Bytes. */
const READ_BYTES = 64 * 1024
/** Views up to this length are made once: most packets of PostgreSQL are short, and of few lengths. Bytes. */
const MAX_CACHED_VIEW = 2048
/** Copies that are kept for the next write; more than that were needed while many connections were blocked. */
const MAX_FREE = 8

/** A buffer, and views of its beginning. */
class Buffered {
  readonly bytes = Buffer.allocUnsafeSlow(READ_BYTES)
  readonly #views: (Buffer | undefined)[] = []

  first(length: number): Buffer {
    if (length > MAX_CACHED_VIEW) return this.bytes.subarray(0, length)
    return (this.#views[length] ??= this.bytes.subarray(0, length))
  }
}

/** A copy of what was read, until it is given back. */
export type Copy = Pick<Buffered, 'first'>

export class TransferBuffers {
  readonly #read = new Buffered()
  readonly #free: Buffered[] = []

  /** Returns the buffer that connections are read into; each read overwrites the one before. */
  get read(): Buffer {
    return this.#read.bytes
  }

  /** Copies the first `length` of `bytes`, which come from one read. */
  copy(bytes: Buffer, length: number): Copy {
    const copy = this.#free.pop() ?? new Buffered()
    copy.bytes.set(bytes === this.#read.bytes ? this.#read.first(length) : bytes)
    return copy
  }

  /** Uses the copy again: no write of it may be unfinished. */
  giveBack(copy: Copy): void {
    if (copy instanceof Buffered && this.#free.length < MAX_FREE) this.#free.push(copy)
  }
}
