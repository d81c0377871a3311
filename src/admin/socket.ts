/** The admin socket: how every tool and every command of the command line reaches the running router. */
import { createServer, type Server, type Socket } from 'node:net'
import type { Logger } from 'pino'
import { explain } from '../errors.ts'
import { listenOnUnixSocket } from '../unix-socket.ts'
import { serveClient } from './client-session.ts'
import { withSessionCommands, type Command } from './command.ts'
import { FairTurns } from './fair-turns.ts'
import { leastMissed, type Occupancy } from './room.ts'
import { failureAt, makeSocketDirectory } from './socket-path.ts'

/** HAProxy's 10 s throws out whoever types; a client may choose its own (`set timeout cli`). */
const IDLE_TIMEOUT_MS = 60_000
/** Each may cost one answer in memory. Where there are more, the one that is missed least is closed. */
const MAX_CLIENTS = 64
/** While all of them are at work, or have just come. */
const MAX_BUSY_CLIENTS = 256

export interface AdminSocketOptions {
  readonly path: string
  /** What it answers, besides help, prompt, quit and set timeout cli. */
  readonly commands: readonly Command[]
  readonly log: Logger
  readonly idleTimeoutMs?: number
}

/**
 * A Unix socket that speaks HAProxy's runtime protocol. Who may connect is a matter of file permissions: its directory is
 * made with mode 0700, and the socket itself is never for others than owner and group.
 */
export class AdminSocket {
  readonly #path: string
  readonly #commands: readonly Command[]
  readonly #log: Logger
  readonly #idleTimeoutMs: number
  readonly #clients = new Map<Socket, Promise<void>>()
  readonly #occupancies = new Map<Socket, Occupancy>()
  readonly #turns = new FairTurns()
  #server: Server | null = null
  #closing: Promise<void> | null = null

  constructor({ path, commands, log, idleTimeoutMs = IDLE_TIMEOUT_MS }: AdminSocketOptions) {
    this.#path = path
    this.#commands = withSessionCommands(commands)
    this.#log = log
    this.#idleTimeoutMs = idleTimeoutMs
  }

  /** Listens, or rejects with BIND_FAILED, which names the path, and leaves no socket behind. */
  async start(): Promise<void> {
    const path = this.#path
    await makeSocketDirectory(path)
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket))
    await listenOnUnixSocket(server, { path, failure: failureAt(path), mode: (umasked) => umasked & 0o770 })
    // A connection that cannot be accepted is its client's loss only.
    server.on('error', (error) => this.#log.warn({ reason: explain(error) }, 'the admin socket cannot accept'))
    this.#server = server
  }

  /** Closes all connections and removes the socket; resolves when both are done. Harmless when it has not started. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const server = this.#server
    if (server === null) return
    const done = closed(server)
    for (const socket of this.#clients.keys()) socket.destroy()
    await Promise.all(this.#clients.values())
    await done
    server.removeAllListeners('error')
  }

  #accept(socket: Socket): void {
    this.#makeRoom()
    const occupancy = { isInteractive: false, isBusy: false, since: performance.now() }
    const [idleTimeoutMs, commands, log, turns] = [this.#idleTimeoutMs, this.#commands, this.#log, this.#turns]
    const served = serveClient(socket, { idleTimeoutMs, commands, log, occupancy, turns }).finally(() => {
      this.#clients.delete(socket)
      this.#occupancies.delete(socket)
    })
    this.#clients.set(socket, served)
    this.#occupancies.set(socket, occupancy)
  }

  #makeRoom(): void {
    while (this.#occupancies.size >= MAX_CLIENTS) {
      const graceMs = this.#occupancies.size >= MAX_BUSY_CLIENTS ? 0 : undefined
      const socket = leastMissed(this.#occupancies, performance.now(), graceMs)
      if (socket === null) return
      this.#log.debug({ event: 'admin-crowded' }, 'the admin socket has too many clients: one is closed')
      this.#occupancies.delete(socket)
      socket.destroy()
    }
  }
}

/** libuv removes the socket's file when its server is closed. */
function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
