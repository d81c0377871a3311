import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { until } from '../../../support/until.ts'

/** One end of a connection that writes and records bytes; half-open connections stay so until `end`. */
export class Wire {
  readonly socket: Socket
  error: Error | null = null
  ended = false
  closed = false
  #chunks: Buffer[] = []

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk) => this.#chunks.push(chunk))
    socket.on('error', (error) => (this.error = error))
    socket.on('end', () => (this.ended = true))
    socket.on('close', () => (this.closed = true))
  }

  /** Connects to a port of this machine. */
  static async to(port: number, host = '127.0.0.1'): Promise<Wire> {
    return Wire.#connected({ port, host })
  }

  /** Connects to a Unix socket. */
  static async at(path: string): Promise<Wire> {
    return Wire.#connected({ path })
  }

  static async #connected(where: { port: number; host: string } | { path: string }): Promise<Wire> {
    const wire = new Wire(connect({ ...where, allowHalfOpen: true, noDelay: true }))
    const name = 'path' in where ? where.path : where.port
    await until(`a connection to ${name}`, () => !wire.socket.connecting, { everyMs: 1 })
    assert.equal(wire.error, null)
    return wire
  }

  get received(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0] ?? Buffer.alloc(0)
  }

  /** The other side has hung up; nobody can tell while nothing is read. */
  get isLetGo(): boolean {
    return this.isOver || this.socket.isPaused()
  }

  /** The other side has ended or broken the connection: no more bytes come. */
  get isOver(): boolean {
    return this.ended || this.closed
  }

  send(bytes: Buffer | string): this {
    this.socket.write(bytes)
    return this
  }

  /** Waits until exactly `bytes` have come; the other side's end is also the end of waiting. */
  async got(bytes: Buffer | string): Promise<void> {
    const expected = Buffer.from(bytes)
    await until(`${show(expected)} arrive`, () => this.received.length >= expected.length || this.isOver, {
      everyMs: 2,
    })
    assert.deepEqual(show(this.received), show(expected))
  }

  /** Waits until the other side has ended or broken the connection. */
  async over(): Promise<void> {
    await until('the other side hangs up', () => this.isOver, { everyMs: 2 })
  }
}

function show(bytes: Buffer): string {
  return bytes.length > 400 ? `${bytes.length} bytes` : bytes.toString('latin1')
}
