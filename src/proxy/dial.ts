/** Opens a connection to a server for a client, and looks at its first answer before the client sees it. */
import { explain, failedHere } from '../errors.ts'
import { firstAnswer, isEncryptionRefused } from '../pgwire.ts'
import type { Address } from '../watcher/view.ts'
import { hostPort } from '../address.ts'
import type { Client } from './client.ts'
import { Connection, type ConnectionOwner } from './connection.ts'

/** The server has answered: the client is to get the answer, and both are to be joined, before the next turn of the event loop. */
export interface Answered {
  readonly kind: 'answered'
  readonly server: Connection
  readonly answer: Buffer
}

export type Dialled =
  | Answered
  /** The server accepts no session. The client has seen nothing of it and may be held again. */
  | { readonly kind: 'down'; readonly reason: string }
  /** This machine could not even try; the server may be well. */
  | { readonly kind: 'local'; readonly reason: string; readonly error: Error }
  /** The server is not at fault, and the client is to be served again from the start: its target may not be used any more, or it wants a cancel request passed on. */
  | { readonly kind: 'again' }
  | { readonly kind: 'client-gone' }
  /** The server closes because of what the client has sent; no PostgreSQL client sends such things. */
  | { readonly kind: 'rejected' }

export interface DialOptions {
  readonly address: Address
  /** What the server is called; for messages. */
  readonly host: string
  readonly client: Client
  /** For the TCP connection alone. Milliseconds. */
  readonly timeoutMs: number
  readonly keepaliveMs: number
  /** What connections are read into. */
  readonly shared: Buffer
}

/**
 * Connects, and waits for the first answer. A server that is shutting down or starting up accepts connections and answers
 * 57P03; a server that dies leaves them in its backlog. Both are noticed before the client has seen an answer, so that it
 * can wait instead of fail. With TLS the answer cannot be seen: there the server's consent to TLS counts as its answer.
 */
export class Dial implements ConnectionOwner {
  readonly #options: DialOptions
  readonly #server: Connection
  readonly #timer: NodeJS.Timeout
  #isConnected = false
  #isOver = false
  #received: Buffer = NOTHING
  #resolve: (result: Dialled) => void = () => undefined
  readonly result: Promise<Dialled>

  /** Begins to connect. The client has not left. */
  constructor(options: DialOptions) {
    const { address, client, timeoutMs, keepaliveMs, shared } = options
    this.#options = options
    this.result = new Promise((resolve) => (this.#resolve = resolve))
    this.#timer = setTimeout(() => this.#down(`does not answer within ${timeoutMs} ms`), timeoutMs)
    client.onGone = () => this.#end({ kind: 'client-gone' })
    const keepalive = { keepAlive: keepaliveMs > 0, keepAliveInitialDelay: keepaliveMs }
    this.#server = Connection.to({ ...address, noDelay: true, ...keepalive }, shared, this, () => this.#connected())
  }

  /** Closes the connection before this returns: the target may not be used any more. */
  abandon(): void {
    this.#server.socket.destroy()
    this.#end({ kind: 'again' })
  }

  #connected(): void {
    if (this.#isOver) return
    this.#isConnected = true
    clearTimeout(this.#timer)
    this.#options.client.feed((bytes) => {
      // libpq 17 requests TLS before it requests a cancel, which is for the servers of its session, not for just any server.
      if (this.#options.client.kind === 'cancel') this.#end({ kind: 'again' })
      else this.#server.socket.write(bytes)
    })
  }

  received(bytes: Buffer, length: number): boolean {
    if (this.#isOver) {
      // It belongs to a session, or is closed: nothing can be read here any more, and nothing may be lost without notice.
      this.#server.socket.destroy()
      return false
    }
    const { client } = this.#options
    const chunk = Buffer.from(bytes.subarray(0, length))
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    if (isEncryptionRefused(client.pending, this.#received)) {
      // The client continues in plaintext, and the next answer is looked at again.
      client.answer(this.#received)
      this.#received = NOTHING
      return true
    }
    const answer = client.kind === 'startup' ? firstAnswer(this.#received) : UP
    if (answer.kind === 'down') this.#down(`says: ${answer.message}`)
    if (answer.kind === 'up') this.#end({ kind: 'answered', server: this.#server, answer: this.#received })
    // What follows the answer is read in another turn of the event loop: by then the session has the connection.
    return answer.kind !== 'down'
  }

  ended(): void {
    this.#broken(`${this.#where} closes the connection without an answer`)
  }

  failed(error: Error): void {
    const reason = `${this.#where}: ${explain(error)}`
    if (!this.#isConnected && failedHere(error)) this.#end({ kind: 'local', reason, error })
    else this.#broken(reason)
  }

  closed(): void {
    // Its end or its failure came before, unless the dial itself has closed it.
  }

  #broken(reason: string): void {
    const { kind } = this.#options.client
    if (!this.#isConnected || kind === 'startup' || kind === 'encryption-request') this.#end({ kind: 'down', reason })
    // It was the client's turn to send: Postgres does not wait for ever (authentication_timeout).
    else this.#end({ kind: kind === 'incomplete' ? 'again' : 'rejected' })
  }

  #down(what: string): void {
    this.#end({ kind: 'down', reason: `${this.#where} ${what}` })
  }

  get #where(): string {
    const { host, address } = this.#options
    return `Postgres at ${hostPort(host, address.port)}${host === address.host ? '' : ` (${address.host})`}`
  }

  /** Ends it with `result`, unless it has ended before. */
  #end(result: Dialled): void {
    if (this.#isOver) return
    this.#isOver = true
    const { client } = this.#options
    clearTimeout(this.#timer)
    client.onGone = null
    if (result.kind !== 'answered') {
      client.feed(null)
      this.#server.socket.destroy()
    }
    this.#resolve(result)
  }
}

const NOTHING = Buffer.alloc(0)
const UP = { kind: 'up' } as const
