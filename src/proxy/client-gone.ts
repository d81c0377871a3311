/**
 * Finds out that a client has left whose server no longer reads what it sent. Nothing is read of such a client, so its end
 * is not seen; and one that has ended its side may only have half-closed and wait for an answer.
 */
import type { Socket } from 'node:net'

const TICK_MS = 5000
/** A client that has ended its side and whose bytes the server does not take is given up after this. Milliseconds. */
const UNDELIVERED_MS = 15_000
/** Idle time before the kernel asks the host of a half-closed client whether it is still there. Milliseconds. */
const KEEPALIVE_MS = 5000
/**
 * What is read of a client at most beyond what the server takes, to find its end: more than the kernels' buffers hold, whose
 * limit (tcp_rmem, tcp_wmem) is 6 MiB by default and 32 MiB on machines that are tuned. Bytes.
 */
const READ_AHEAD = 64 * 1024 * 1024
const STEP = 256 * 1024
const NOTHING = Buffer.alloc(0)

/** What all sessions of a process may read ahead together. */
export interface ReadAhead {
  /** Returns whether `bytes` are granted to a session that has been granted `held` before; `giveBack` is due then. */
  grant(bytes: number, held: number): boolean
  giveBack(bytes: number): void
}

export interface ClientGoneOptions {
  readonly client: Socket
  readonly server: Socket
  readonly readAhead: ReadAhead
  readonly gone: () => void
}

export class ClientGoneWatch {
  readonly #options: ClientGoneOptions
  #timer: NodeJS.Timeout | null = null
  #isBlocked = false
  #hasEnded = false
  #isKeptAlive = false
  /** The bytes that may be read ahead, and those of them that have not been read yet. */
  #granted = 0
  #ahead = 0
  #delivered = 0
  #stalledMs = 0

  constructor(options: ClientGoneOptions) {
    this.#options = options
  }

  /** Notes that the server has not taken the last `bytes` yet. Returns whether more may be read. */
  blocked(bytes: number): boolean {
    this.#isBlocked = true
    if (this.#granted > 0) this.#ahead -= bytes
    this.#start()
    return this.#ahead > 0 || (this.#granted > 0 && this.#mayReadOn())
  }

  /** Notes that the server has taken all. */
  flowing(): void {
    this.#isBlocked = false
    this.#endReadAhead()
    if (!this.#hasEnded) this.#stop()
  }

  /** Notes that the client has ended its side, or is closed: its bytes are still passed on, as long as the server reads them. */
  ended(): void {
    this.#hasEnded = true
    this.#start()
  }

  /** Ends with the session. */
  close(): void {
    this.#stop()
    this.#endReadAhead()
  }

  #start(): void {
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS)
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.#stalledMs = 0
  }

  #tick(): void {
    const { client, server, gone } = this.#options
    if (this.#hasEnded && !this.#isKeptAlive && !client.destroyed) {
      this.#isKeptAlive = true
      client.setKeepAlive(true, KEEPALIVE_MS)
    }
    const delivered = server.bytesWritten - server.writableLength
    this.#stalledMs = server.writableLength > 0 && delivered === this.#delivered ? this.#stalledMs + TICK_MS : 0
    this.#delivered = delivered
    if (this.#hasEnded && this.#stalledMs >= UNDELIVERED_MS) {
      gone()
      return
    }
    const isStuck = this.#isBlocked && !this.#hasEnded && this.#stalledMs > 0
    if (isStuck && this.#ahead <= 0 && this.#mayReadOn()) client.resume()
    // A write fails when the client is gone for good. A client that is still there sees nothing of an empty one.
    if (client.writable && client.writableLength === 0) client.write(NOTHING)
  }

  #mayReadOn(): boolean {
    const { readAhead } = this.#options
    if (this.#granted >= READ_AHEAD || !readAhead.grant(STEP, this.#granted)) return false
    this.#granted += STEP
    this.#ahead += STEP
    return true
  }

  #endReadAhead(): void {
    if (this.#granted > 0) this.#options.readAhead.giveBack(this.#granted)
    this.#granted = 0
    this.#ahead = 0
  }
}
