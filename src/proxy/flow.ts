/** One direction of a session: what is read of one connection is written to the other, with back-pressure and half-close. */
import type { Connection, ConnectionOwner } from './connection.ts'
import type { Tally } from './traffic-meter.ts'
import type { TransferBuffers } from './transfer-buffers.ts'

/** The session that a flow belongs to. */
export interface FlowOwner {
  /** Notes that the other side has not taken the last `bytes` yet. Returns whether more are read all the same. */
  blocked(flow: Flow, bytes: number): boolean
  /** Notes that the other side has taken all. */
  drained(flow: Flow): void
  /** Notes that there is nothing more to come. */
  over(flow: Flow): void
  /** Notes that what it reads is broken. */
  broken(flow: Flow): void
  /** Notes that `from` is closed. */
  closed(): void
}

const NOTHING = Buffer.alloc(0)

export class Flow implements ConnectionOwner {
  readonly #from: Connection
  readonly #to: Connection
  readonly #buffers: TransferBuffers
  readonly #owner: FlowOwner
  /** What it carries is counted here. */
  readonly #carried: Tally
  /** Writes that the kernel has not taken in full. */
  #unfinished = 0

  constructor(from: Connection, to: Connection, buffers: TransferBuffers, owner: FlowOwner, carried: Tally) {
    this.#from = from
    this.#to = to
    this.#buffers = buffers
    this.#owner = owner
    this.#carried = carried
  }

  /** Copies from now on. The end of `from` becomes the end of `to`; a side that closes altogether takes the other with it. */
  start(): void {
    this.#from.pass(this)
  }

  ended(): void {
    const { socket } = this.#to
    // Where both have ended, a close sends the same as an end, and costs less.
    if (socket.readableEnded && socket.writableLength === 0) socket.destroy()
    else socket.end()
    this.#owner.over(this)
  }

  failed(): void {
    // `closed` follows, and does what else there is to do.
    this.#owner.broken(this)
  }

  /** Closes the other side, however this one went, behind what was read of it. */
  closed(): void {
    const { socket } = this.#to
    socket.destroySoon()
    if (!socket.destroyed) this.#owner.over(this)
    this.#owner.closed()
  }

  received(bytes: Buffer, length: number): boolean {
    const { socket } = this.#to
    // It is closed, or its end is on the way: the other side goes as well.
    if (!socket.writable) return true
    this.#carried.bytes += length
    if (this.#unfinished > 0) return this.#readAhead(Buffer.from(bytes.subarray(0, length)))
    const copy = this.#buffers.copy(bytes, length)
    socket.write(copy.first(length))
    if (socket.writableLength === 0) {
      this.#buffers.giveBack(copy)
      return true
    }
    this.#unfinished++
    // An empty write ends after all before it: no 'drain' comes for a write below the high-water mark.
    socket.write(NOTHING, (error) => {
      if ((error ?? null) === null) this.#buffers.giveBack(copy)
      this.#finished()
    })
    return this.#owner.blocked(this, length)
  }

  /** Writes bytes that wait behind others. */
  #readAhead(bytes: Buffer): boolean {
    this.#unfinished++
    this.#to.socket.write(bytes, () => this.#finished())
    return this.#owner.blocked(this, bytes.length)
  }

  #finished(): void {
    this.#unfinished--
    if (this.#unfinished > 0) return
    this.#owner.drained(this)
    if (!this.#from.socket.destroyed) this.#from.resume()
  }
}
