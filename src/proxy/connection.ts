/**
 * One TCP connection, or one of a Unix socket: of a client, or to a server. What arrives is read into the buffer that all
 * connections share (`onread` of `node:net`), so that neither a packet nor an idle connection costs memory.
 */
import { connect, Socket, type TcpNetConnectOpts } from 'node:net'

/**
 * Takes the first `length` of `bytes`, which count during the call only. Returns false to get nothing more until the socket is
 * resumed.
 */
export type Receive = (bytes: Buffer, length: number) => boolean

export class Connection {
  readonly socket: Socket
  readonly #shared: Buffer
  #next: Buffer
  #receive: Receive

  private constructor(shared: Buffer, receive: Receive, limit: number, open: (onread: OnRead) => Socket) {
    this.#shared = shared
    this.#receive = receive
    this.#next = firstOf(shared, limit)
    this.socket = open({
      // A function is called for each read.
      buffer: limit < shared.length ? () => this.#next : shared,
      callback: (length) => this.#receive(this.#shared, length),
    })
  }

  /**
   * Takes over an accepted socket that is paused, and reads it into `shared`, see `receive`. `node:net` offers `onread` for
   * outgoing connections only, so its handle is moved to a socket of its own; where Node does not have it as expected, the
   * socket is read chunk by chunk.
   */
  static accepted(socket: Socket, shared: Buffer, receive: Receive, limit: number): Connection {
    const handle: unknown = Reflect.get(socket, '_handle')
    if (!isReadIntoBuffers(handle)) {
      const connection = new Connection(shared, receive, limit, () => socket)
      socket.on('data', (chunk: Buffer) => {
        if (!connection.#receive(chunk, chunk.length)) socket.pause()
      })
      // It was accepted paused.
      socket.resume()
      return connection
    }
    Reflect.set(socket, '_handle', null)
    return new Connection(shared, receive, limit, (onread) => {
      const options = { allowHalfOpen: true, onread }
      Reflect.set(options, 'handle', handle)
      return new Socket(options)
    })
  }

  /** Begins to connect. */
  static to(options: TcpNetConnectOpts, shared: Buffer, receive: Receive): Connection {
    return new Connection(shared, receive, Infinity, (onread) => connect({ ...options, allowHalfOpen: true, onread }))
  }

  /**
   * Gives what arrives to `receive` from now on; at most `limit` bytes at a time, from the read after the next one on, where
   * it had a limit from the beginning.
   */
  receive(receive: Receive, limit = Infinity): void {
    this.#receive = receive
    this.#next = firstOf(this.#shared, limit)
  }
}

function firstOf(buffer: Buffer, limit: number): Buffer {
  return limit >= buffer.length ? buffer : buffer.subarray(0, limit)
}

interface OnRead {
  readonly buffer: Buffer | (() => Buffer)
  readonly callback: (length: number) => boolean
}

function isReadIntoBuffers(handle: unknown): handle is object {
  return typeof handle === 'object' && handle !== null && typeof Reflect.get(handle, 'useUserBuffer') === 'function'
}
