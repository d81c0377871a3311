/** The proxy's end of the messages to and from its worker. */
import type { StartWorker } from './worker.ts'
import type { Command, Report } from './messages.ts'

/** A command that is acknowledged, without the number that the link gives it. */
export type Asked = DistributiveOmit<Extract<Command, { readonly request: number }>, 'request'>
type DistributiveOmit<T, K extends string> = T extends unknown ? Omit<T, K> : never

export class WorkerLink {
  readonly #send: (command: Command) => void
  readonly #asked = new Map<number, (error: Error | null) => void>()
  #requests = 0

  /** Starts the worker. `reported`: called with what it reports besides acknowledgements. */
  constructor(start: StartWorker, reported: (report: Exclude<Report, { readonly type: 'done' }>) => void) {
    this.#send = start((report) => {
      if (report.type === 'done') this.#asked.get(report.request)?.(report.error)
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
    const request = ++this.#requests
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
