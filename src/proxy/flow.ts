/** One direction of a session: what is read of one connection is written to the other, with back-pressure and half-close. */
import type { Connection } from './connection.ts'
import type { TransferBuffers } from './transfer-buffers.ts'

export interface FlowEvents {
  /** Bytes have been read. */
  readonly passing: () => void
  /** The other side has not taken the last `bytes` yet. Returns whether more are read all the same. */
  readonly blocked: (bytes: number) => boolean
  /** The other side has taken all. */
  readonly drained: () => void
  /** There is nothing more to come. */
  readonly over: () => void
}

const NOTHING = Buffer.alloc(0)

export class Flow {
  readonly #from: Connection
  readonly #to: Connection
  readonly #buffers: TransferBuffers
  readonly #events: FlowEvents
  /** Writes that the kernel has not taken in full. */
  #unfinished = 0

  /** Copies from now on. The end of `from` becomes the end of `to`; a side that closes altogether takes the other with it. */
  constructor(from: Connection, to: Connection, buffers: TransferBuffers, events: FlowEvents) {
    this.#from = from
    this.#to = to
    this.#buffers = buffers
    this.#events = events
    from.receive((bytes, length) => this.#pass(bytes, length))
    from.socket.once('end', () => {
      to.socket.end()
      events.over()
    })
    // 'close' follows, and does what there is to do.
    from.socket.on('error', () => undefined)
    // However it went: what was read of it is still on its way to the other side.
    from.socket.once('close', () => {
      to.socket.destroySoon()
      if (!to.socket.destroyed) events.over()
    })
    from.socket.resume()
  }

  #pass(bytes: Buffer, length: number): boolean {
    const { socket } = this.#to
    this.#events.passing()
    // It is closed, or its end is on the way: the other side goes as well.
    if (!socket.writable) return true
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
    return this.#events.blocked(length)
  }

  /** Writes bytes that wait behind others. */
  #readAhead(bytes: Buffer): boolean {
    this.#unfinished++
    this.#to.socket.write(bytes, () => this.#finished())
    return this.#events.blocked(bytes.length)
  }

  #finished(): void {
    this.#unfinished--
    if (this.#unfinished > 0) return
    this.#events.drained()
    if (!this.#from.socket.destroyed) this.#from.socket.resume()
  }
}
