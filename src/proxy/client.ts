/** An accepted connection that has no server yet: what it sends is kept, and its departure is noticed. */
import type { Socket } from 'node:net'
import { firstPacket, type FirstPacket } from '../pgwire.ts'

/** What is kept of a client without a server; then it has to wait. Bytes. */
const MAX_PENDING = 16 * 1024
/** How long a refused client may take to hang up. Milliseconds. */
const REFUSAL_LINGER_MS = 1000

/** Where clients are counted that send much before a server has answered. */
export interface Talk {
  /** Returns whether one more may; `leaveTalkative` is due then. */
  enterTalkative(): boolean
  leaveTalkative(): void
}

export class Client {
  readonly socket: Socket
  /** The order of arrival among the clients of its route. */
  readonly arrival: number
  /** When it had to wait for the first time; the hold's timeout counts from here. */
  heldSince: number | null = null
  /** Its first packet is complete. */
  hasSpoken = false
  /** Why the router has closed it without a message; null: it has not. */
  droppedFor: string | null = null
  readonly #since = performance.now()
  readonly #gone = new AbortController()
  #pending: Buffer = Buffer.alloc(0)
  #sink: ((bytes: Buffer) => void) | null = null
  readonly #room: Talk | null
  #isTalkative = false

  /** `room`: where it is counted when it sends much; null: nowhere. */
  constructor(socket: Socket, arrival: number, room: Talk | null = null) {
    this.socket = socket
    this.arrival = arrival
    this.#room = room
    socket.on('data', this.#onData)
    socket.on('end', this.#onGone)
    socket.on('close', this.#onGone)
    socket.on('error', this.#onGone)
  }

  /** Aborts when the client has left, or was refused. */
  get gone(): AbortSignal {
    return this.#gone.signal
  }

  /** Resolves when its connection is closed. */
  get closed(): Promise<void> {
    const { socket } = this
    return new Promise((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve())))
  }

  /** Returns the bytes that it has sent and that no server has answered. */
  get pending(): Buffer {
    return this.#pending
  }

  /** Returns the kind of packet that `pending` begins with. */
  get kind(): FirstPacket['kind'] {
    return firstPacket(this.#pending).kind
  }

  /** Resolves with the kind of its first packet as soon as that is clear; null when it leaves or `timeoutMs` passes. */
  async first(timeoutMs: number): Promise<FirstPacket['kind'] | null> {
    const { promise, resolve } = Promise.withResolvers<FirstPacket['kind'] | null>()
    const look = (): void => {
      if (this.kind === 'incomplete') return
      this.hasSpoken = true
      resolve(this.kind)
    }
    const onGone = (): void => resolve(null)
    const timer = setTimeout(onGone, timeoutMs)
    this.gone.addEventListener('abort', onGone, { once: true })
    this.#sink = look
    if (this.gone.aborted) onGone()
    look()
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      this.gone.removeEventListener('abort', onGone)
      this.#sink = null
    }
  }

  /** Gives what it has sent, and all that it sends from now on, to `sink`; it is kept all the same. null: to no sink. */
  feed(sink: ((bytes: Buffer) => void) | null): void {
    this.#sink = sink
    if (sink !== null && this.#pending.length > 0) sink(this.#pending)
  }

  /** Passes a server's answer on; the bytes that were answered are not kept any longer. */
  answer(bytes: Buffer): void {
    this.#pending = Buffer.alloc(0)
    this.socket.write(bytes)
  }

  /** Hands the socket over, paused: from here on it belongs to the caller. The server has all that was fed. */
  release(): void {
    this.#endTalk()
    this.#sink = null
    this.socket.pause()
    this.socket.off('data', this.#onData)
    this.socket.off('end', this.#onGone)
    this.socket.off('close', this.#onGone)
    this.socket.off('error', this.#onGone)
  }

  /** Says `lastWords`, and closes. Resolves when that is done. */
  async farewell(lastWords: Buffer): Promise<void> {
    const { socket } = this
    this.#leave()
    if (!socket.writable) {
      socket.destroy()
      return
    }
    socket.end(lastWords)
    // What the client still sends must not turn the close into a reset that outruns the message.
    socket.resume()
    const timer = setTimeout(() => socket.destroy(), REFUSAL_LINGER_MS)
    await this.closed
    clearTimeout(timer)
  }

  /** Returns how long it has been connected. Milliseconds. */
  get ageMs(): number {
    return performance.now() - this.#since
  }

  /** Closes without waiting for anything. `why`: for the log; `lastWords`: for a client that reads before it sends. */
  drop(why: string, lastWords?: Buffer): void {
    this.droppedFor ??= why
    if (lastWords !== undefined && this.socket.writable) this.socket.write(lastWords)
    this.destroy()
  }

  /** Closes without a message. */
  destroy(): void {
    this.#leave()
    this.socket.destroy()
  }

  #leave(): void {
    this.#endTalk()
    this.#sink = null
    this.#gone.abort()
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.gone.aborted) return
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    if (this.#pending.length >= MAX_PENDING && !this.#pauseTalkative()) return
    this.#sink?.(chunk)
  }

  /** Pauses a client that sends more than any PostgreSQL client does before an answer. False: it was one too many. */
  #pauseTalkative(): boolean {
    this.socket.pause()
    if (this.#isTalkative) return true
    this.#isTalkative = this.#room?.enterTalkative() ?? true
    if (!this.#isTalkative) this.drop(`it had sent ${this.#pending.length} bytes before a server answered`)
    return this.#isTalkative
  }

  #endTalk(): void {
    if (this.#isTalkative) this.#room?.leaveTalkative()
    this.#isTalkative = false
  }

  readonly #onGone = (): void => {
    this.#leave()
    this.socket.destroySoon()
  }
}
