/** A client and its server, joined: bytes both ways, until one of them or the router ends it. */
import type { Socket } from 'node:net'
import { ClientGoneWatch, type ReadAhead } from './client-gone.ts'
import type { Peer } from './client.ts'
import type { Connection } from './connection.ts'
import type { PeerEnd } from './connection-line.ts'
import { Flow, type FlowOwner } from './flow.ts'
import type { IdleTimeouts, Watched } from './idle-timeouts.ts'
import type { MemberMeter } from './traffic-meter.ts'
import type { TransferBuffers } from './transfer-buffers.ts'

export type OwnEnd = 'client-timeout' | 'server-timeout' | 'client-gone'

/** What the sessions of an event loop share. */
export interface SessionPool {
  readonly buffers: TransferBuffers
  readonly timeouts: IdleTimeouts
  readonly readAhead: ReadAhead
}

export interface SessionOptions {
  readonly client: Connection
  readonly server: Connection
  /** Without a byte in either direction for this long, the session ends; 0: never. Milliseconds. */
  readonly clientTimeoutMs: number
  readonly serverTimeoutMs: number
  /** Called before the session is ended, where it is for a reason of its own. */
  readonly ending: (reason: OwnEnd) => void
  readonly pool: SessionPool
  /** Where its bytes are counted. */
  readonly carried: Pick<MemberMeter, 'received' | 'sent'>
}

/** Joins the connections; both are owned from here on. */
export class Session implements FlowOwner, Watched {
  readonly #client: Connection
  readonly #server: Connection
  readonly #up: Flow
  readonly #down: Flow
  readonly #ending: (reason: OwnEnd) => void
  /** Whose timeout it is. */
  readonly #idleEnd: 'client-timeout' | 'server-timeout'
  readonly #endTimeout: () => void
  readonly #readAhead: ReadAhead
  /** Only where it is needed: for a client that is blocked, or has ended its side. */
  #watch: ClientGoneWatch | null = null
  #open = 2
  #endedBy: OwnEnd | PeerEnd | null = null
  #local: Peer | null = null
  #onEnded: (() => void) | null = null

  constructor({ client, server, clientTimeoutMs, serverTimeoutMs, ending, pool, carried }: SessionOptions) {
    this.#client = client
    this.#server = server
    this.#ending = ending
    this.#readAhead = pool.readAhead
    // A byte in either direction passes both sides: the shorter timeout decides.
    const isClient = clientTimeoutMs > 0 && (serverTimeoutMs === 0 || clientTimeoutMs <= serverTimeoutMs)
    this.#idleEnd = isClient ? 'client-timeout' : 'server-timeout'
    this.#endTimeout = pool.timeouts.watch(isClient ? clientTimeoutMs : serverTimeoutMs, this)
    this.#up = new Flow(client, server, pool.buffers, this, carried.received)
    this.#down = new Flow(server, client, pool.buffers, this, carried.sent)
    this.#up.start()
    this.#down.start()
    // A side that broke before it was listened to.
    if (client.socket.destroyed || server.socket.destroyed) {
      this.#endedBy ??= client.socket.destroyed ? 'client-closed' : 'server-closed'
      this.destroy()
    }
  }

  /** Calls `ended` when both sides are closed. */
  whenEnded(ended: () => void): void {
    if (this.#open === 0) ended()
    else this.#onEnded = ended
  }

  /** Closes the client's side at once: from then on it gets nothing more from the server. `destroy` has to follow. */
  cutOff(): void {
    this.#client.socket.destroy()
  }

  /** Closes both sides at once; unsent bytes are dropped. */
  destroy(): void {
    this.#client.socket.destroy()
    this.#server.socket.destroy()
  }

  /** Returns what has ended it; null: nothing, or its owner by `destroy`. */
  get endedBy(): OwnEnd | PeerEnd | null {
    return this.#endedBy
  }

  /** Notes this end of the connection to the server, which cannot be read any more when it is closed. */
  noteLocal(): void {
    const { localAddress: address, localPort: port } = this.#server.socket
    if (address !== undefined && port !== undefined) this.#local = { address, port }
  }

  /** Returns this end of the connection to the server as it was noted. */
  get local(): Peer | null {
    return this.#local
  }

  get progress(): number {
    return progressOf(this.#client.socket, this.#server.socket)
  }

  expired(): void {
    this.#end(this.#idleEnd)
  }

  blocked(flow: Flow, bytes: number): boolean {
    return flow === this.#up && this.#watched().blocked(bytes)
  }

  drained(flow: Flow): void {
    if (flow === this.#up) this.#watch?.flowing()
  }

  over(flow: Flow): void {
    this.#endedBy ??= flow === this.#up ? 'client-closed' : 'server-closed'
    if (flow === this.#up) this.#watched().ended()
  }

  broken(flow: Flow): void {
    this.#endedBy ??= flow === this.#up ? 'client-reset' : 'server-reset'
  }

  closed(): void {
    this.#open--
    if (this.#open > 0) return
    this.#endTimeout()
    this.#watch?.close()
    this.#onEnded?.()
  }

  #end(reason: OwnEnd): void {
    if (!this.#client.socket.destroyed || !this.#server.socket.destroyed) {
      this.#endedBy = reason
      this.#ending(reason)
    }
    this.destroy()
  }

  #watched(): ClientGoneWatch {
    return (this.#watch ??= new ClientGoneWatch({
      client: this.#client.socket,
      server: this.#server.socket,
      readAhead: this.#readAhead,
      gone: () => this.#end('client-gone'),
    }))
  }
}

/**
 * Returns a number that grows with each byte that is read of a side, and with each that a side takes after it had to wait. A
 * byte that is read counts twice: it may have to wait at once.
 */
export function progressOf(one: Counted, other: Counted): number {
  return 2 * (one.bytesRead + other.bytesRead) - one.writableLength - other.writableLength
}

type Counted = Readonly<Pick<Socket, 'bytesRead' | 'writableLength'>>
