/** The admin socket: how every tool and every command of the command line reaches the running router. */
import { createServer, type Server, type Socket } from 'node:net'
import type { Logger } from 'pino'
import { within } from '../clock.ts'
import { explain } from '../errors.ts'
import { listenOnUnixSocket } from '../unix-socket.ts'
import { CommandQueue, serveClient } from './client-session.ts'
import { withSessionCommands, type Command } from './command.ts'
import { clientToClose, type ClientActivity } from './client-limit.ts'
import { type AccessSettings, SocketAccess } from './socket-access.ts'

/** HAProxy's 10 s is too short for typing; a client may choose its own (`set timeout cli`). */
const IDLE_TIMEOUT_MS = 60_000
/** How long the commands that are running may take when the socket is replaced. */
const RETIRE_MS = 5000
/** Each may cost one answer in memory. Beyond that the connection that is missed least is closed. */
const MAX_CLIENTS = 64
/** While all of them are busy, or have just connected. */
const MAX_BUSY_CLIENTS = 256
const USUAL: AccessSettings = { mode: null, group: null }

export interface AdminSocketOptions {
  readonly path: string
  /** Its commands, besides help, prompt, quit and set timeout cli. */
  readonly commands: readonly Command[]
  readonly log: Logger
  readonly idleTimeoutMs?: number
  /** Group and permissions; without them those that its user and umask give, to owner and group at most. */
  readonly access?: AccessSettings
}

/**
 * A Unix socket with HAProxy's runtime protocol. File permissions decide which users can connect: its directory is created for its user
 * alone, and with `access` for the group too; the socket itself is accessible to owner and group at most.
 */
export class AdminSocket {
  readonly #path: string
  readonly #commands: readonly Command[]
  readonly #log: Logger
  readonly #idleTimeoutMs: number
  readonly #access: SocketAccess
  #settings: AccessSettings
  readonly #clients = new Map<Socket, Promise<void>>()
  readonly #activities = new Map<Socket, ClientActivity>()
  readonly #turns = new CommandQueue()
  #server: Server | null = null
  #stopped: Promise<void> | null = null
  #closing: Promise<void> | null = null

  constructor({ path, commands, log, idleTimeoutMs = IDLE_TIMEOUT_MS, access = USUAL }: AdminSocketOptions) {
    this.#path = path
    this.#commands = withSessionCommands(commands)
    this.#log = log
    this.#idleTimeoutMs = idleTimeoutMs
    this.#access = new SocketAccess(path)
    this.#settings = access
  }

  /** Listens, or rejects with BIND_FAILED, which names the path, and leaves no socket behind. */
  async start(): Promise<void> {
    const path = this.#path
    await this.#access.check(this.#settings)
    await this.#access.makeDirectory()
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket))
    const failure = `cannot open the admin socket ${path}`
    await listenOnUnixSocket(server, { path, failure, mode: (umasked) => umasked & 0o770 })
    // A connection that cannot be accepted concerns its client only.
    server.on('error', (error) => {
      const reason = explain(error)
      this.#log.warn({ event: 'admin-accept-failed', reason }, `admin socket: cannot accept a connection: ${reason}`)
    })
    this.#server = server
    try {
      await this.#give(this.#settings)
    } catch (error) {
      await this.#close()
      this.#server = null
      this.#stopped = null
      throw error
    }
  }

  /**
   * Gives the same socket another group and other permissions; a socket that does not listen is opened with them. Rejects with
   * BIND_FAILED, which names the group: it stays as it was then.
   */
  async reconfigure(next: AccessSettings): Promise<void> {
    const before = this.#settings
    try {
      if (this.#server !== null) await this.#give(next)
      this.#settings = next
      if (this.#server === null) await this.start()
    } catch (error) {
      this.#settings = before
      throw error
    }
  }

  async #give(settings: AccessSettings): Promise<void> {
    await this.#access.apply(settings)
    const obstacle = await this.#access.obstacle(settings)
    if (obstacle !== null) this.#log.warn({ event: 'admin-directory-closed' }, `admin socket: ${obstacle}`)
  }

  /** Closes all connections and removes the socket; resolves when both are done. Harmless when it has not started. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Stops listening, and closes all connections once the commands that are running are answered, or have taken too long. */
  async retire(): Promise<void> {
    void this.#stopListening()
    for (const [socket, { isBusy }] of this.#activities) if (!isBusy) socket.destroy()
    await within(Promise.all(this.#clients.values()), RETIRE_MS, new AbortController().signal)
    await this.close()
  }

  /** Accepts no more connections; libuv removes the socket's file then. */
  #stopListening(): Promise<void> {
    const server = this.#server
    this.#stopped ??= new Promise((resolve) => {
      if (server === null) resolve()
      else server.close(() => resolve())
    })
    return this.#stopped
  }

  async #close(): Promise<void> {
    const server = this.#server
    if (server === null) return
    const done = this.#stopListening()
    for (const socket of this.#clients.keys()) socket.destroy()
    await Promise.all(this.#clients.values())
    await done
    server.removeAllListeners('error')
  }

  #accept(socket: Socket): void {
    this.#makeRoom()
    const activity = { isInteractive: false, isBusy: false, since: performance.now() }
    const [idleTimeoutMs, commands, log, turns] = [this.#idleTimeoutMs, this.#commands, this.#log, this.#turns]
    const isOver = (): boolean => this.#stopped !== null
    const served = serveClient(socket, { idleTimeoutMs, commands, log, activity, turns, isOver }).finally(() => {
      this.#clients.delete(socket)
      this.#activities.delete(socket)
    })
    this.#clients.set(socket, served)
    this.#activities.set(socket, activity)
  }

  #makeRoom(): void {
    while (this.#activities.size >= MAX_CLIENTS) {
      const graceMs = this.#activities.size >= MAX_BUSY_CLIENTS ? 0 : undefined
      const socket = clientToClose(this.#activities, performance.now(), graceMs)
      if (socket === null) return
      this.#log.debug({ event: 'admin-crowded' }, 'admin socket: too many clients: one is closed')
      this.#activities.delete(socket)
      socket.destroy()
    }
  }
}
