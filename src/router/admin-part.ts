/** The admin socket as a part of the router: it can move while commands are running. */
import type { Logger } from 'pino'
import type { Command } from '../admin/command.ts'
import { AdminSocket } from '../admin/socket.ts'
import { within } from '../clock.ts'
import type { AdminConfig } from '../config/config.ts'
import { explain, RouterError } from '../errors.ts'
import type { Prepared } from '../part.ts'
import { type Change, preparePart } from './change.ts'

export interface AdminPartDeps {
  readonly commands: () => readonly Command[]
  readonly log: Logger
  /** How long the file system of another socket may take; milliseconds, 10 s by default. */
  readonly openMs?: number
}

const OPEN_MS = 10_000

type Settings = Pick<AdminConfig, 'socket'>

export class AdminPart {
  readonly #deps: AdminPartDeps
  #config: Settings
  #socket: AdminSocket
  /** A listener has had its path until now. */
  #isToOpen = false
  /** Sockets of a former configuration, while they answer the commands that were running. */
  readonly #retiring = new Map<AdminSocket, Promise<void>>()

  /** Starts nothing. */
  constructor(config: Settings, deps: AdminPartDeps) {
    this.#deps = deps
    this.#config = config
    this.#socket = this.#build(config)
  }

  get path(): string {
    return this.#config.socket.path
  }

  /** Listens; rejects with BIND_FAILED. A default socket that cannot be opened is a warning. */
  async start(): Promise<void> {
    try {
      await this.#socket.start()
    } catch (error) {
      if (!this.#config.socket.isDefault) throw error
      this.#deps.log.warn({ event: 'admin-unavailable' }, `no admin socket, so no status: ${explain(error)}`)
    }
  }

  /** Prepares another socket. `isTaken`: whether a listener has that path, which it may leave. Never rejects. */
  async prepare(next: Settings, isTaken: (path: string) => boolean): Promise<Prepared> {
    return preparePart('admin', this.#config.socket, next.socket, () => this.#prepare(next, isTaken(next.socket.path)))
  }

  async #prepare(next: Settings, isTaken: boolean): Promise<Change> {
    const { socket } = this.#config
    if (next.socket.path === socket.path) {
      const present = this.#socket
      const given = present.reconfigure(next.socket)
      // What it has had before it can have again.
      const giveUp = (): void => void given.then(() => present.reconfigure(socket)).catch(() => undefined)
      await this.#inTime(next, given, giveUp)
      return { outcome: 'reconfigured', take: () => void (this.#config = next), giveUp }
    }
    const built = this.#build(next)
    const started = isTaken ? Promise.resolve() : built.start()
    const giveUp = (): void => void started.then(() => built.close()).catch(() => undefined)
    await this.#inTime(next, started, giveUp)
    const take = (): void => {
      const old = this.#socket
      this.#config = next
      this.#socket = built
      this.#isToOpen = isTaken
      // Not waited for: the command that is running may be the one that has caused this.
      const retired = old.retire().finally(() => this.#retiring.delete(old))
      this.#retiring.set(old, retired)
    }
    return { outcome: 'rebuilt', take, giveUp }
  }

  /** Waits for a file system, but not for one that hangs: `giveUp` then. Rejects with BIND_FAILED. */
  async #inTime({ socket }: Settings, work: Promise<void>, giveUp: () => void): Promise<void> {
    const { openMs = OPEN_MS } = this.#deps
    const done = work.then(() => true)
    if ((await within(done, openMs, new AbortController().signal)) !== null) return
    giveUp()
    const reason = `its file system has not answered for ${openMs / 1000} s`
    throw new RouterError('BIND_FAILED', `cannot open the admin socket ${socket.path}: ${reason}`)
  }

  /** Opens a socket that could not be opened in advance; returns why it cannot be; null: it is open. Never rejects. */
  async openAgain(): Promise<string | null> {
    if (!this.#isToOpen) return null
    this.#isToOpen = false
    try {
      await this.#socket.start()
      return null
    } catch (error) {
      const reason = explain(error)
      this.#deps.log.error({ event: 'admin-unavailable', reason }, `no admin socket, so no status: ${reason}`)
      return reason
    }
  }

  /** Closes everything once the commands that are running are answered, such as a reload. */
  async close(): Promise<void> {
    this.#isToOpen = false
    await Promise.all([this.#socket.retire(), ...this.#retiring.values()])
  }

  #build({ socket }: Settings): AdminSocket {
    const { commands, log } = this.#deps
    return new AdminSocket({ path: socket.path, access: socket, commands: commands(), log })
  }
}
