import { connect, type Socket } from 'node:net'
import { until } from '../../support/until.ts'

/** A client of the admin socket that shows what it has received so far. */
export class Dialogue implements Disposable {
  readonly socket: Socket
  received = ''
  ended = false
  closed = false

  constructor(path: string) {
    this.socket = connect({ path, allowHalfOpen: true })
    this.socket.setEncoding('utf8')
    this.socket.on('data', (chunk) => (this.received += String(chunk)))
    this.socket.on('end', () => (this.ended = true))
    this.socket.on('close', () => (this.closed = true))
    // A connection that is reset shows in `closed`.
    this.socket.on('error', () => undefined)
  }

  send(text: string): this {
    this.socket.write(text)
    return this
  }

  /** Waits for an answer that ends like this and returns all that has come since the last call. */
  async upTo(ending: string): Promise<string> {
    await until(`the answer ends with ${JSON.stringify(ending)}`, () => this.received.endsWith(ending), {
      timeoutMs: 5000,
      everyMs: 2,
    })
    const text = this.received
    this.received = ''
    return text
  }

  /** Everything up to the end of the connection. */
  async toEnd(): Promise<string> {
    await until('the connection ends', () => this.ended || this.closed, { timeoutMs: 5000, everyMs: 2 })
    return this.received
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}
