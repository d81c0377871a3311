/** One connection to one ZooKeeper server, with a session of its own: answers and notifications in their order. */
import type { Socket } from 'node:net'
import { now } from '../../../clock.ts'
import { RouterError } from '../../../errors.ts'
import { dial, type DialTarget } from '../dial.ts'
import { JuteReader } from './jute.ts'
import { Packets } from './packets.ts'
import {
  authRequest,
  checkReply,
  connectRequest,
  type Notification,
  OP,
  plainRequest,
  readConnectResponse,
  readNotification,
  readReplyHeader,
  type ReplyHeader,
  XID,
} from './protocol.ts'

export interface Credential {
  /** `digest`. */
  readonly scheme: string
  /** `user:password`. */
  readonly credential: string
}

export interface LinkTarget extends DialTarget {
  readonly auth: readonly Credential[]
}

export interface LinkListener {
  readonly onNotification: (notification: Notification) => void
  /** Called once: nothing more will come. */
  readonly onEnd: (error: unknown) => void
}

/** A request with its number, and what is made of its answer. */
export interface Question<T> {
  readonly packet: (xid: number) => Buffer
  readonly take: (header: ReplyHeader, reader: JuteReader) => T
}

/** The server has closed the connection. */
export class Hangup extends RouterError {
  /** There was no session yet. */
  readonly isEarly: boolean

  constructor(isEarly: boolean) {
    super('DCS_UNAVAILABLE', 'it closed the connection')
    this.isEarly = isEarly
  }
}

interface Pending {
  readonly take: (header: ReplyHeader, reader: JuteReader) => void
  readonly fail: (error: unknown) => void
}

/**
 * A session ends so long after the last sign of the other side; servers take it into their own limits, 2 to 20 of their
 * ticks. Milliseconds.
 */
const SESSION_MS = 6000

const MAX_XID = 2 ** 31 - 1

/** How long a server has to close a connection that ends. Milliseconds. */
const CLOSE_MS = 500

export class Link {
  readonly #target: LinkTarget
  readonly #listener: LinkListener
  readonly #pending = new Map<number, Pending>()
  readonly #packets = new Packets()
  readonly #opened = Promise.withResolvers<undefined>()
  #socket: Socket | null = null
  #hasSession = false
  #failure: { readonly error: unknown } | null = null
  #pings: NodeJS.Timeout | null = null
  #heardAt = 0
  #xid = 0

  /** Connects with `open`. */
  constructor(target: LinkTarget, listener: LinkListener) {
    this.#target = target
    this.#listener = listener
  }

  /** Connects; resolves when there is a session. Once. */
  async open(): Promise<void> {
    const socket = dial(this.#target, [], (error) => {
      if (error !== null || this.#failure !== null) return
      const auths = this.#target.auth.map(({ scheme, credential }) => authRequest(scheme, credential))
      socket.write(Buffer.concat([connectRequest(SESSION_MS), ...auths]))
    })
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Hangup(!this.#hasSession)))
    await this.#opened.promise
  }

  /**
   * Sends a request. `take` is called with the answer at once, in the order of answers and notifications; this resolves with its
   * result, and rejects with what it throws.
   */
  ask<T>({ packet, take }: Question<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    if (this.#failure !== null) {
      reject(this.#failure.error)
      return promise
    }
    const xid = this.#nextXid()
    this.#pending.set(xid, {
      take: (header, reader) => {
        try {
          resolve(take(header, reader))
        } catch (error) {
          reject(error)
        }
      },
      fail: reject,
    })
    this.#socket?.write(packet(xid))
    return promise
  }

  /** Ends the session, so that its server drops it at once, without a call of `onEnd`. Idempotent. */
  close(): void {
    const socket = this.#socket
    if (!this.#giveUp(new RouterError('DCS_UNAVAILABLE', 'the connection is closed')) || socket === null) return
    if (!this.#hasSession) {
      socket.destroy()
      return
    }
    const late = setTimeout(() => socket.destroy(), CLOSE_MS)
    socket.once('close', () => clearTimeout(late))
    socket.end(plainRequest(this.#nextXid(), OP.closeSession))
  }

  /** Returns the number of the next request, a positive one: the others have a meaning of their own. */
  #nextXid(): number {
    this.#xid = this.#xid === MAX_XID ? 1 : this.#xid + 1
    return this.#xid
  }

  #receive(chunk: Buffer): void {
    this.#heardAt = now()
    try {
      for (const packet of this.#packets.push(chunk)) {
        if (this.#failure !== null) return
        this.#read(new JuteReader(packet))
      }
    } catch (error) {
      this.#fail(error)
    }
  }

  #read(reader: JuteReader): void {
    if (!this.#hasSession) {
      const { timeoutMs } = readConnectResponse(reader)
      if (timeoutMs <= 0) throw new RouterError('DCS_UNAVAILABLE', 'it has made no session')
      this.#hasSession = true
      this.#keepAlive(timeoutMs)
      this.#opened.resolve(undefined)
      return
    }
    const header = readReplyHeader(reader)
    switch (header.xid) {
      case XID.notification:
        this.#listener.onNotification(readNotification(reader))
        return
      case XID.auth:
        checkReply(header, null)
        return
      case XID.ping:
        return
      default: {
        const pending = this.#pending.get(header.xid)
        if (pending === undefined) throw new RouterError('DCS_UNAVAILABLE', 'an answer belongs to no request')
        this.#pending.delete(header.xid)
        pending.take(header, reader)
      }
    }
  }

  /** Keeps the session, and gives up a server that is silent for two thirds of it: it ends with the last third. */
  #keepAlive(timeoutMs: number): void {
    const third = timeoutMs / 3
    let pingedAt = now()
    this.#pings = setInterval(() => {
      const silentMs = now() - this.#heardAt
      if (silentMs >= 2 * third) {
        this.#fail(new RouterError('TIMEOUT', `no sign of it for ${Math.round(silentMs)} ms`))
      } else if (now() - pingedAt >= third) {
        pingedAt = now()
        this.#socket?.write(plainRequest(XID.ping, OP.ping))
      }
    }, third / 4)
  }

  #fail(error: unknown): void {
    if (!this.#giveUp(error)) return
    this.#socket?.destroy()
    this.#listener.onEnd(error)
  }

  /** Ends all that waits for an answer; says whether it was in use until now. */
  #giveUp(error: unknown): boolean {
    if (this.#failure !== null) return false
    this.#failure = { error }
    if (this.#pings !== null) clearInterval(this.#pings)
    // Where nothing waits for it, it is no unhandled rejection.
    this.#opened.promise.catch(() => undefined)
    this.#opened.reject(error)
    for (const { fail } of this.#pending.values()) fail(error)
    this.#pending.clear()
    return true
  }
}
