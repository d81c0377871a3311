/** Patroni's REST API of one member over HTTP. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type HandoverRequest, parseHandover } from './handover.ts'
import { listenNear, unlisten } from '../listening.ts'
import { answerTo, type RestAnswer, type RestState } from './rest-answer.ts'

export interface RestHost {
  readonly state: () => RestState
  /** Requests a switchover and waits for its outcome, or for the end of the request. */
  readonly handOver: (request: HandoverRequest, signal: AbortSignal) => Promise<RestAnswer>
}

/** More than any request has. Bytes. */
const MAX_BODY = 16 * 1024

export class RestServer {
  readonly #host: RestHost
  #server: Server | null = null
  #port: number
  /** Requests that a frozen process has not read yet. */
  #unread: (() => void)[] | null = null

  /** `port`: where it likes to listen; the next free one is as good. */
  constructor(port: number, host: RestHost) {
    this.#port = port
    this.#host = host
  }

  get port(): number {
    return this.#port
  }

  async start(): Promise<void> {
    const server = createServer({ keepAlive: false }, (request, response) => this.#accept(request, response))
    this.#port = await listenNear(server, this.#port)
    server.on('error', () => undefined) // A connection that cannot be accepted is its client's loss only.
    this.#server = server
  }

  /** Stops answering: the kernel continues to accept connections. */
  freeze(): void {
    this.#unread ??= []
  }

  thaw(): void {
    const unread = this.#unread ?? []
    this.#unread = null
    for (const read of unread) read()
  }

  /** Ends all connections and listens no longer. */
  async stop(): Promise<void> {
    this.#unread = null
    const server = this.#server
    this.#server = null
    if (server === null) return
    const closed = unlisten(server)
    server.closeAllConnections()
    await closed
  }

  #accept(request: IncomingMessage, response: ServerResponse): void {
    // They break off: no request is left to be answered.
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    const read = (): void => {
      // A member that dies owes no answer, and a client that breaks off gets none.
      void this.#answer(request, response).catch(() => response.destroy())
    }
    if (this.#unread === null) read()
    else this.#unread.push(read)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET' } = request
    const answer = await this.#answerTo(request, method, aborting(response))
    const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)
    const type = typeof answer.body === 'string' ? 'text/html' : 'application/json'
    response.writeHead(answer.status, { 'Content-Type': type, Connection: 'close' })
    response.end(method === 'GET' || method === 'POST' ? text : '')
  }

  async #answerTo(request: IncomingMessage, method: string, signal: AbortSignal): Promise<RestAnswer> {
    const url = URL.parse(request.url ?? '/', 'http://localhost')
    if (url === null) return { status: 400, body: 'Bad request' }
    const { pathname, searchParams } = url
    if (['GET', 'HEAD', 'OPTIONS'].includes(method)) return answerTo(pathname, searchParams, this.#host.state())
    const [, action] = /^\/(switchover|failover)$/.exec(pathname) ?? []
    if (method !== 'POST' || (action !== 'switchover' && action !== 'failover'))
      return { status: 501, body: `Unsupported method ('${method}')` }
    let body = ''
    for await (const chunk of request) {
      body += String(chunk)
      if (body.length > MAX_BODY) return { status: 400, body: 'The request is too large' }
    }
    const asked = parseHandover(action, body)
    if (asked !== null) return this.#host.handOver(asked, signal)
    return { status: 400, body: 'A JSON object is expected: {"leader": "...", "candidate": "..."}' }
  }
}

/** Returns a signal that aborts when the client has gone. */
function aborting(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  return gone.signal
}
