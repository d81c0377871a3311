/** The admin socket: how every tool and every command of the command line reaches the running router. */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createServer, type Server, type Socket } from 'node:net'
import type { Logger } from 'pino'
import { within } from '../clock.ts'
import { explain, RouterError } from '../errors.ts'
import { listenOnUnixSocket } from '../unix-socket.ts'
import { CommandQueue, serveClient } from './client-session.ts'
import { withSessionCommands, type Command } from './command.ts'
import { clientToClose, type ClientActivity } from './client-limit.ts'

/** HAProxy's 10 s is too short for typing; a client may choose its own (`set timeout cli`). */
const IDLE_TIMEOUT_MS = 60_000
/** How long the commands that are running may take when the socket is replaced. */
const RETIRE_MS = 5000
/** Each may cost one answer in memory. Beyond that the connection that is missed least is closed. */
const MAX_CLIENTS = 64
/** While all of them are busy, or have just connected. */
const MAX_BUSY_CLIENTS = 256

export interface AdminSocketOptions {
  readonly path: string
  /** Its commands, besides help, prompt, quit and set timeout cli. */
  readonly commands: readonly Command[]
  readonly log: Logger
  readonly idleTimeoutMs?: number
}

/**
 * A Unix socket with HAProxy's runtime protocol. File permissions decide which users can connect: its directory is created with mode 0700,
 * and the socket itself is accessible to owner and group at most.
 */
export class AdminSocket {
  readonly #path: string
  readonly #commands: readonly Command[]
  readonly #log: Logger
  readonly #idleTimeoutMs: number
  readonly #clients = new Map<Socket, Promise<void>>()
  readonly #activities = new Map<Socket, ClientActivity>()
  readonly #turns = new CommandQueue()
  #server: Server | null = null
  #stopped: Promise<void> | null = null
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
    // A connection that cannot be accepted concerns its client only.
    server.on('error', (error) => {
      const reason = explain(error)
      this.#log.warn({ event: 'admin-accept-failed', reason }, `admin socket: cannot accept a connection: ${reason}`)
    })
    this.#server = server
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

  /** libuv removes the socket's file then. */
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
    const served = serveClient(socket, { idleTimeoutMs, commands, log, activity, turns }).finally(() => {
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

/** Returns how an error of the admin socket begins. */
function failureAt(path: string): string {
  return `cannot open the admin socket ${path}`
}

/**
 * Creates the directory of the admin socket. Only the innermost one is the router's own, with mode 0700: a user who can enter it can
 * read the state of the router. Rejects with BIND_FAILED.
 */
async function makeSocketDirectory(path: string): Promise<void> {
  const directory = dirname(path)
  try {
    await mkdir(dirname(directory), { recursive: true })
    await mkdir(directory, { recursive: true, mode: 0o700 })
  } catch (cause) {
    const message = `${failureAt(path)}: cannot create its directory: ${explain(cause)}`
    throw new RouterError('BIND_FAILED', message, { cause })
  }
}
