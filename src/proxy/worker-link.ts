/** The proxy's end of the messages to and from its worker. */
import type { StartWorker } from './worker.ts'
import type { Command, Report } from './messages.ts'
import type { ProxySession } from './session-list.ts'

/** A command that is acknowledged, without the number that the link gives it. */
export type Asked = DistributiveOmit<Extract<Command, { readonly request: number }>, 'request'>
type DistributiveOmit<T, K extends string> = T extends unknown ? Omit<T, K> : never

/** What the worker reports by itself. */
export type Told = Exclude<Report, { readonly type: 'done' | 'sessions' }>

export interface SessionList {
  readonly sessions: readonly ProxySession[]
  /** How many match in all; or were closed. */
  readonly total: number
}

export class WorkerLink {
  readonly #send: (command: Command) => void
  readonly #asked = new Map<number, (error: Error | null) => void>()
  readonly #lists = new Map<number, (part: SessionList) => void>()
  #requests = 0

  /** Starts the worker. `reported`: called with what it reports besides answers. */
  constructor(start: StartWorker, reported: (report: Told) => void) {
    this.#send = start((report) => {
      if (report.type === 'done') this.#asked.get(report.request)?.(report.error)
      else if (report.type === 'sessions') this.#lists.get(report.request)?.(report)
      else reported(report)
    })
  }

  /** Sends a command that is not acknowledged. */
  send(command: Exclude<Command, { readonly request: number }>): void {
    this.#send(command)
  }

  /**
   * Sends a command. Resolves when it is done; rejects when it has failed, or with the reason of `signal` when that aborts
   * before.
   */
  async ask(command: Asked, signal?: AbortSignal): Promise<void> {
    await this.#ask(++this.#requests, command, signal)
  }

  /** Sends a command that is answered by sessions. Resolves with all of them when it is done; rejects when it has failed. */
  async list(command: Asked & { readonly type: 'list-sessions' | 'close-sessions' }): Promise<SessionList> {
    const request = ++this.#requests
    const sessions: ProxySession[] = []
    let total = 0
    this.#lists.set(request, (part) => {
      sessions.push(...part.sessions)
      total = part.total
    })
    try {
      await this.#ask(request, command)
    } finally {
      this.#lists.delete(request)
    }
    return { sessions, total }
  }

  async #ask(request: number, command: Asked, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const onAbort = (): void => reject(signal?.reason)
    this.#asked.set(request, (error) => (error === null ? resolve(undefined) : reject(error)))
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      this.#send({ ...command, request })
      await promise
    } finally {
      this.#asked.delete(request)
      signal?.removeEventListener('abort', onAbort)
    }
  }
}
