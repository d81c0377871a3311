/** One client of a member's PostgreSQL: startup, then batches of messages for the database. */
import type { Socket } from 'node:net'
import { errorResponse, firstPacket } from '../../pgwire.ts'
import { explain } from '../../errors.ts'
import { isCopyIn } from './context.ts'
import type { Database } from './database.ts'
import type { DatabaseSession } from './database-session.ts'
import { type Frame, frame, splitFrames, sqlOf, startupParameters } from './frames.ts'
import { type BackendKey, type Greeting, greet } from './greeting.ts'

export interface WireHost {
  readonly database: Database
  /** The answer to a new client, at its startup packet. */
  readonly greeting: () => Greeting
  readonly key: BackendKey
  /** Called with a cancel request. */
  readonly cancel: (key: BackendKey) => void
}

/** All that a client may send; Terminate is a case of its own. */
const KNOWN = new Set('QPBDECSHFdcf')
/** These end a batch: the client waits for an answer. */
const ENDS_BATCH = new Set('QSHF')
/** What is collected for one answer. Bytes. */
const MAX_BATCH = 64 * 1024 * 1024

const EVICTION_HINT = 'All sessions of the demo share one server session, and others were waiting.'

export class WireSession {
  readonly #socket: Socket
  readonly #host: WireHost
  #session: DatabaseSession | null = null
  #batch: Frame[] = []
  #batchSize = 0
  #copying = false
  /** Settled when nothing of it is left. */
  readonly closed: Promise<void>

  constructor(socket: Socket, host: WireHost) {
    this.#socket = socket
    this.#host = host
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    // It breaks off: 'close' follows, and that is all there is to do.
    socket.on('error', () => undefined)
    this.closed = Promise.all([this.#serve(), closed.then(() => this.#session?.close())]).then(() => undefined)
  }

  /** Takes a cancel request that names this session. */
  cancel(): void {
    this.#session?.cancel()
  }

  /** Ends it with a FATAL error, as PostgreSQL ends sessions. */
  terminate(sqlState: string, message: string, hint = ''): void {
    if (this.#socket.writable) this.#socket.write(errorResponse('FATAL', sqlState, message, hint))
    this.#socket.destroySoon()
  }

  /** Ends it as if the machine had died. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }

  async #serve(): Promise<void> {
    try {
      let bytes: Buffer = Buffer.alloc(0)
      // A client that has half-closed its connection waits for its answers.
      const chunks = this.#socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
      for await (const chunk of chunks) {
        bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
        bytes = this.#session === null ? this.#startup(bytes) : bytes
        if (this.#session !== null) bytes = await this.#messages(bytes, this.#session)
        if (!this.#socket.writable) break
      }
    } catch (error) {
      if (this.#socket.writable) this.terminate('58000', `the demo's PostgreSQL has failed: ${explain(error)}`)
    } finally {
      this.#socket.destroySoon()
    }
  }

  /** Takes the packets before a session begins; returns what is left. */
  #startup(bytes: Buffer): Buffer {
    const packet = firstPacket(bytes)
    switch (packet.kind) {
      case 'incomplete':
        return bytes
      case 'encryption-request':
        this.#socket.write('N')
        return Buffer.alloc(0)
      case 'cancel':
        if (bytes.length >= 16) this.#host.cancel({ pid: bytes.readInt32BE(8), secret: bytes.readInt32BE(12) })
        this.#socket.destroySoon()
        return Buffer.alloc(0)
      // TLS was declined.
      case 'opaque':
        this.#socket.destroySoon()
        return Buffer.alloc(0)
      case 'startup': {
        const length = bytes.readInt32BE(0)
        const parameters = startupParameters(bytes.subarray(0, length))
        const { answer, settings } = greet(this.#host.greeting(), parameters, this.#host.key, bytes.readUInt16BE(6))
        this.#socket.write(answer)
        if (settings === null) this.#socket.destroySoon()
        else this.#open(settings)
        return bytes.subarray(length)
      }
    }
  }

  #open(settings: ReadonlyMap<string, string>): void {
    const { database, greeting, key } = this.#host
    const evicted = (): void =>
      this.terminate('25P03', 'terminating connection due to idle-in-transaction timeout', EVICTION_HINT)
    this.#session = database.open({ identity: () => greeting().identity, backendPid: key.pid, settings, evicted })
  }

  async #messages(bytes: Buffer, session: DatabaseSession): Promise<Buffer> {
    const split = splitFrames(bytes)
    for (const message of split?.frames ?? []) {
      if (message.type === 'X' || !this.#socket.writable) {
        this.#socket.destroySoon()
        return Buffer.alloc(0)
      }
      // PostgreSQL would end the server session, which is that of all clients.
      if (!KNOWN.has(message.type)) return this.#violation(`invalid frontend message type ${message.bytes[0] ?? 0}`)
      await this.#message(message, session)
      if (this.#batchSize > MAX_BATCH) return this.#violation('the demo takes no more than 64 MB at once')
    }
    return split === null ? this.#violation('invalid message length') : split.rest
  }

  async #message(message: Frame, session: DatabaseSession): Promise<void> {
    const isData = 'dcf'.includes(message.type)
    // As PostgreSQL does: outside COPY what is left of one is ignored, and inside it Flush and Sync are.
    if (isData !== this.#copying) return
    this.#batch.push(message)
    this.#batchSize += message.bytes.length
    if (isData) {
      if (message.type !== 'd') await this.#run(session, true)
    } else if (message.type === 'Q' && isCopyIn(sqlOf(message)) === true) {
      // PGlite has to have all of the data at once, so they are requested before the statement is looked at.
      this.#copying = true
      this.#socket.write(frame('G', Buffer.from([/\bbinary\b/i.test(sqlOf(message)) ? 1 : 0, 0, 0])))
    } else if (ENDS_BATCH.has(message.type)) await this.#run(session, false)
  }

  async #run(session: DatabaseSession, isCopy: boolean): Promise<void> {
    const messages = this.#batch
    this.#batch = []
    this.#batchSize = 0
    this.#copying = false
    const answer = await session.run(messages)
    if (answer === null || !this.#socket.writable) return
    // CopyInResponse was sent when the data were requested.
    const skip = isCopy && answer[0] === 0x47 ? 1 + answer.readInt32BE(1) : 0
    if (!this.#socket.write(answer.subarray(skip))) await drained(this.#socket)
  }

  #violation(message: string): Buffer {
    this.terminate('08P01', message)
    return Buffer.alloc(0)
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done)
      resolve()
    }
    socket.once('drain', done).once('close', done)
  })
}
