/** A client that holds one session, and keeps no process running. */
import { connect, type Socket } from 'node:net'
import type { Bind } from '../../../src/config/config.ts'
import { AUTHENTICATION } from './world.ts'

const STARTUP = Buffer.from('\0\0\0\x08\0\x03\0\0', 'latin1')

export class Client {
  readonly bind: Bind
  readonly #socket: Socket
  #text = ''
  #isClosed = false
  #error = ''

  private constructor(bind: Bind, socket: Socket) {
    this.bind = bind
    this.#socket = socket
    socket.unref()
    socket.setEncoding('latin1')
    socket.on('error', (error) => (this.#error = error.message))
    socket.on('close', () => (this.#isClosed = true))
    socket.on('data', (text: string) => (this.#text += text))
    socket.write(STARTUP)
  }

  /** Begins to connect. */
  static to(bind: Bind): Client {
    const socket = bind.kind === 'unix' ? connect(bind.path) : connect(bind.port, addressOf(bind.host))
    return new Client(bind, socket)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** The server that has answered first; null: none has. */
  get server(): string | null {
    const greeting = AUTHENTICATION.toString('latin1')
    return this.#text.startsWith(greeting) ? (/^[a-z-]+\d/.exec(this.#text.slice(greeting.length))?.[0] ?? null) : null
  }

  /** Whether it was refused by the router. */
  get isRefused(): boolean {
    return this.#text.startsWith('E')
  }

  /** Why it has no session, for people. */
  get what(): string {
    const text = this.#text.replaceAll(/[^ -~]+/g, ' ')
    return `${this.#isClosed ? 'closed' : 'open'} ${JSON.stringify(text)} ${this.#error}`
  }

  /** Sends something, and returns what tells whether an answer has come. */
  ping(): () => boolean {
    const before = this.#text.length
    this.#socket.write('x')
    return () => this.#text.length > before
  }

  end(): void {
    this.#socket.destroy()
  }
}

function addressOf(host: string | null): string {
  return host ?? '127.0.0.1'
}
