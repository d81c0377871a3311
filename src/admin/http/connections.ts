/** The connections of all addresses: how many there may be, and how long one may take for what. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { codeOf, failureOf } from '../../errors.ts'
import { isLoopback } from './access.ts'
import type { HttpRefusals } from './refusals.ts'
import type { HttpRefusal } from './status.ts'

export interface ConnectionLimits {
  readonly connections: number
  /** Of these, those that only this host can have: it sees what is wrong while others use up theirs. */
  readonly reserved: number
  /** For the head of a request. Milliseconds, as all below. */
  readonly headMs: number
  /** For a request with its body. */
  readonly requestMs: number
  /** Between two requests. */
  readonly keepAliveMs: number
  /** While nothing is sent or received. Longer than `requestMs`, so that a request that stops half-way is answered before. */
  readonly idleMs: number
  /** For a request and its answer. */
  readonly answerMs: number
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  ...{ connections: 256, reserved: 32 },
  ...{ headMs: 5000, requestMs: 10_000, keepAliveMs: 5000, idleMs: 12_000, answerMs: 30_000 },
}

export class Connections {
  readonly #limits: ConnectionLimits
  readonly #refusals: HttpRefusals
  readonly #open = new Set<Socket>()
  /** Answers that are not sent yet, with the end of their time. */
  readonly #answering = new Map<Socket, Map<ServerResponse, NodeJS.Timeout>>()

  constructor(limits: ConnectionLimits, refusals: HttpRefusals) {
    this.#limits = limits
    this.#refusals = refusals
  }

  get count(): number {
    return this.#open.size
  }

  /** Keeps watch over the connections of a server. */
  guard(server: Server): void {
    const { keepAliveMs, idleMs } = this.#limits
    server.keepAliveTimeout = keepAliveMs
    server.timeout = idleMs
    server.on('connection', (socket: Socket) => this.#accept(socket))
    server.on('clientError', (error, socket) => this.#failed(error, socket))
    server.on('tlsClientError', (error: Error, { remoteAddress }: Socket) => {
      if (failureOf(error) !== 'reset') this.#refusals.add('tls', remoteAddress ?? '')
    })
    server.on('timeout', (socket: Socket) => {
      // Between two requests it is only idle.
      if ((this.#answering.get(socket)?.size ?? 0) > 0) this.#refusals.add('slow-reader', socket.remoteAddress ?? '')
      socket.destroy()
    })
  }

  /**
   * Gives a request and its answer their time. Returns false where the connection is closed instead: one read can have thousands of
   * requests. `isEndless`: whether it has turned out to be a stream of events.
   */
  limit({ socket }: IncomingMessage, response: ServerResponse, isEndless: () => boolean): boolean {
    if (socket.destroyed) return false
    const answers = this.#answersOn(socket)
    // With TLS a client has its answer a moment before Node reports it as sent.
    if (answers.size > 1 || [...answers.keys()].some(({ writableEnded }) => !writableEnded)) {
      this.#refusals.add('pipelined', socket.remoteAddress ?? '')
      socket.destroy()
      return false
    }
    const timer = setTimeout(() => {
      if (isEndless()) return
      this.#refusals.add('slow-reader', socket.remoteAddress ?? '')
      socket.destroy()
    }, this.#limits.answerMs).unref()
    answers.set(response, timer)
    response.once('close', () => {
      clearTimeout(timer)
      answers.delete(response)
    })
    return true
  }

  #answersOn(socket: Socket): Map<ServerResponse, NodeJS.Timeout> {
    const known = this.#answering.get(socket)
    if (known !== undefined) return known
    const answers = new Map<ServerResponse, NodeJS.Timeout>()
    this.#answering.set(socket, answers)
    socket.once('close', () => {
      // Of an answer behind another one there is no event.
      for (const timer of answers.values()) clearTimeout(timer)
      this.#answering.delete(socket)
    })
    return answers
  }

  #accept(socket: Socket): void {
    const { connections, reserved } = this.#limits
    const address = socket.remoteAddress
    const max = isLoopback(address) ? connections : connections - reserved
    if (this.#open.size >= max) {
      this.#refusals.add('connection-limit', address ?? '')
      socket.destroy()
      return
    }
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
  }

  #failed(error: Error, socket: Duplex): void {
    const { reason, status } = FAILURES[codeOf(error) ?? ''] ?? MALFORMED
    const hasLeft = failureOf(error) === 'reset' || codeOf(error) === 'HPE_INVALID_EOF_STATE'
    if (hasLeft || !socket.writable || !(socket instanceof Socket)) {
      socket.destroy()
      return
    }
    // Browsers open connections that they may never use.
    if (socket.bytesRead > 0) this.#refusals.add(reason, socket.remoteAddress ?? '')
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
    socket.destroySoon()
  }
}

interface ClientFailure {
  readonly reason: HttpRefusal
  readonly status: string
}

const MALFORMED: ClientFailure = { reason: 'malformed', status: '400 Bad Request' }
const FAILURES: Readonly<Record<string, ClientFailure>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { reason: 'slow', status: '408 Request Timeout' },
  HPE_HEADER_OVERFLOW: { reason: 'malformed', status: '431 Request Header Fields Too Large' },
}
