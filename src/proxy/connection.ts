/**
 * One TCP connection, or one of a Unix socket: of a client, or to a server. What arrives is read into the buffer that all
 * connections share (`onread` of `node:net`), so that neither a packet nor an idle connection costs memory.
 */
import { connect, Socket, type TcpNetConnectOpts } from 'node:net'

/** What a connection belongs to at present: all that happens to it is reported there. */
export interface ConnectionOwner {
  /**
   * Takes the first `length` of `bytes`, which count during the call only. Returns false to get nothing more until `resume`.
   */
  received(bytes: Buffer, length: number): boolean
  /** Notes that the other end sends nothing more. */
  ended(): void
  /** Notes that it is broken; `closed` follows. */
  failed(error: Error): void
  closed(): void
}

export class Connection {
  readonly socket: Socket
  #owner: ConnectionOwner
  /** The owner has wanted nothing more. */
  #isStopped = false
  #isClosed = false
  readonly #shared: Buffer
  /** What is read into from the next read on; null: as before. */
  #next: Buffer | null = null

  private constructor(shared: Buffer, owner: ConnectionOwner, open: (connection: Connection) => Socket) {
    this.#shared = shared
    this.#owner = owner
    this.socket = open(this)
      .on('end', () => this.#owner.ended())
      .on('error', (error) => this.#owner.failed(error))
      .on('close', () => {
        this.#isClosed = true
        this.#owner.closed()
      })
  }

  /**
   * Takes over an accepted socket that is paused, and reads at most `limit` bytes of it at a time. `node:net` offers `onread`
   * for outgoing connections only, so its handle is moved to a socket of its own; where Node does not have it as expected,
   * the socket is read chunk by chunk.
   */
  static accepted(socket: Socket, shared: Buffer, owner: ConnectionOwner, limit: number): Connection {
    const handle: unknown = Reflect.get(socket, '_handle')
    if (!isReadIntoBuffers(handle)) {
      const connection = new Connection(shared, owner, () => socket)
      socket.on('data', (chunk: Buffer) => {
        if (!connection.#read(chunk, chunk.length)) socket.pause()
      })
      // It was accepted paused.
      socket.resume()
      return connection
    }
    Reflect.set(socket, '_handle', null)
    return new Connection(shared, owner, (connection) => {
      connection.limit(limit)
      const callback = (length: number): boolean => connection.#read(shared, length)
      // The function is called after each read, and what is no buffer changes nothing: it costs less than the same one again.
      const options = { allowHalfOpen: true, onread: { buffer: () => connection.#takeNext(), callback } }
      Reflect.set(options, 'handle', handle)
      return new Socket(options as object)
    })
  }

  /** Begins to connect; `connected` is called when it has. */
  static to(options: TcpNetConnectOpts, shared: Buffer, owner: ConnectionOwner, connected: () => void): Connection {
    return new Connection(shared, owner, (connection) => {
      const callback = (length: number): boolean => connection.#read(shared, length)
      return connect({ ...options, allowHalfOpen: true, onread: { buffer: shared, callback } }, connected)
    })
  }

  /**
   * Gives it to another owner, which gets all that arrives from now on, without a limit; at once that it is closed, where it
   * is. A connection that is read already costs no call to the kernel.
   */
  pass(owner: ConnectionOwner): void {
    this.#owner = owner
    if (this.#isClosed) owner.closed()
    this.limit(Infinity)
    if (this.#isStopped) this.resume()
  }

  /** Reads on, where `received` has returned false. */
  resume(): void {
    this.#isStopped = false
    this.socket.resume()
  }

  /** Reads at most `bytes` of an accepted one at a time, from the read after the next one on. */
  limit(bytes: number): void {
    this.#next = bytes >= this.#shared.length ? this.#shared : this.#shared.subarray(0, bytes)
  }

  #takeNext(): Buffer | null {
    const next = this.#next
    this.#next = null
    return next
  }

  #read(bytes: Buffer, length: number): boolean {
    const isOn = this.#owner.received(bytes, length)
    if (!isOn) this.#isStopped = true
    return isOn
  }
}

function isReadIntoBuffers(handle: unknown): handle is object {
  return typeof handle === 'object' && handle !== null && typeof Reflect.get(handle, 'useUserBuffer') === 'function'
}
