/** An accepted connection that has no server yet: what it sends is kept, and its departure is noticed. */
import type { Socket } from 'node:net'
import { firstPacket, type FirstPacket } from '../pgwire.ts'
import { Connection, type ConnectionOwner } from './connection.ts'
import type { ConnectionEnd, PeerEnd, Stage } from './connection-line.ts'
import type { Target } from './route.ts'

/** What is kept of a client without a server; then it has to wait. Bytes. */
const MAX_PENDING = 10 * 1024
/** How long a refused client may take to hang up. Milliseconds. */
const REFUSAL_LINGER_MS = 1000

const NOTHING = Buffer.alloc(0)

/** Where clients are counted that send much before a server has answered. */
export interface Talk {
  /** Returns whether one more may; `leaveTalkative` is due then. */
  enterTalkative(): boolean
  leaveTalkative(): void
}

/** The other end of a TCP connection. */
export interface Peer {
  readonly address: string
  readonly port: number
}

export class Client implements ConnectionOwner {
  readonly connection: Connection
  /** The order of arrival among the clients of its route. */
  readonly arrival: number
  /** When it had to wait for the first time; the hold's timeout counts from here. */
  heldSince: number | null = null
  /** Its first packet is complete. */
  hasSpoken = false
  /** Why the router has closed it without a message; null: it has not. */
  droppedFor: string | null = null
  /** It has left, or was refused. */
  isGone = false
  /** How it has left, where it did so by itself. */
  leftBy: PeerEnd | null = null
  /** Why it has no session, where the router or a server has seen to that. */
  unservedFor: ConnectionEnd | null = null
  stage: Stage = 'request'
  /** How long it had to wait for its last turn, since it had to wait for the first time. Milliseconds. */
  heldMs = 0
  /** The member that was dialled for it last, and how long the answer took; null: none, or no answer. Milliseconds. */
  target: Target | null = null
  connectMs: number | null = null
  /** The path of the Unix socket by which it came; null: by TCP. */
  readonly via: string | null
  #peer: Peer | null = null
  /** Called when it is gone: by the one that waits for it at present; null: that is none. */
  onGone: (() => void) | null = null
  readonly #since = performance.now()
  #pending: Buffer = NOTHING
  #sink: ((bytes: Buffer) => void) | null = null
  readonly #room: Talk | null
  #isTalkative = false

  /** Takes over an accepted socket. `shared`: what it is read into; `room`: where it is counted when it sends much. */
  constructor(socket: Socket, shared: Buffer, arrival: number, room: Talk | null = null, via: string | null = null) {
    this.via = via
    this.connection = Connection.accepted(socket, shared, this, MAX_PENDING)
    this.arrival = arrival
    this.#room = room
  }

  get socket(): Socket {
    return this.connection.socket
  }

  /** Notes its address, which cannot be read any more when it has left. */
  notePeer(): void {
    const { remoteAddress: address, remotePort: port } = this.socket
    if (this.via === null && address !== undefined && port !== undefined) this.#peer = { address, port }
  }

  /** Returns its address as it was noted. */
  get peer(): Peer | null {
    return this.#peer
  }

  /** Resolves when its connection is closed. */
  get whenClosed(): Promise<void> {
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
    if (this.isGone) return null
    const { promise, resolve } = Promise.withResolvers<FirstPacket['kind'] | null>()
    const look = (): void => {
      const { kind } = this
      if (kind === 'incomplete') return
      this.hasSpoken = true
      resolve(kind)
    }
    const giveUp = (): void => resolve(null)
    const timer = setTimeout(giveUp, timeoutMs)
    this.onGone = giveUp
    this.#sink = look
    look()
    const kind = await promise
    clearTimeout(timer)
    this.onGone = null
    this.#sink = null
    return kind
  }

  /** Gives what it has sent, and all that it sends from now on, to `sink`; it is kept all the same. null: to no sink. */
  feed(sink: ((bytes: Buffer) => void) | null): void {
    this.#sink = sink
    if (sink !== null && this.#pending.length > 0) sink(this.#pending)
  }

  /** Passes a server's answer on; the bytes that were answered are not kept any longer. */
  answer(bytes: Buffer): void {
    this.#pending = NOTHING
    this.#limit()
    this.socket.write(bytes)
  }

  /** Hands the connection over: from here on it belongs to the caller, which passes it on at once. The server has all that was fed. */
  release(): Connection {
    this.#endTalk()
    this.#sink = null
    return this.connection
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
    await this.whenClosed
    clearTimeout(timer)
  }

  /** Returns when it was accepted; milliseconds since the epoch. */
  get acceptedAt(): number {
    return Math.round(performance.timeOrigin + this.#since)
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
    if (this.isGone) return
    this.isGone = true
    this.onGone?.()
  }

  ended(): void {
    if (!this.isGone) this.leftBy = 'client-closed'
    this.#going()
  }

  failed(): void {
    if (!this.isGone) this.leftBy = 'client-reset'
    this.#going()
  }

  closed(): void {
    this.#going()
  }

  #going(): void {
    this.#leave()
    this.socket.destroySoon()
  }

  /** Limits the next reads to the bytes that can still be kept. */
  #limit(): void {
    this.connection.limit(MAX_PENDING - this.#pending.length)
  }

  received(bytes: Buffer, length: number): boolean {
    // What a client that is refused still sends must not turn the close into a reset.
    if (this.isGone) return true
    // One copy: a second one of each waiting client would be garbage for a while.
    const before = this.#pending
    this.#pending = Buffer.allocUnsafe(before.length + length)
    this.#pending.set(before)
    this.#pending.set(bytes.subarray(0, length), before.length)
    const isFull = this.#pending.length >= MAX_PENDING
    if (isFull && !this.#isTalkativeNow()) return false
    if (!isFull) this.#limit()
    this.#sink?.(this.#pending.subarray(before.length))
    return !isFull
  }

  /** Counts a client that sends more than any PostgreSQL client does before an answer. False: it was one too many. */
  #isTalkativeNow(): boolean {
    if (this.#isTalkative) return true
    this.#isTalkative = this.#room?.enterTalkative() ?? true
    if (!this.#isTalkative) this.drop(`it had sent ${this.#pending.length} bytes before a server answered`)
    return this.#isTalkative
  }

  #endTalk(): void {
    if (this.#isTalkative) this.#room?.leaveTalkative()
    this.#isTalkative = false
  }
}
