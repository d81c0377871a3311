/** What a command may touch of the process; made by main.ts, the only module that touches `process`. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly version: string
  readonly pid: number
  /** Writes to standard output. */
  out(text: string): void
  /** Writes to standard error. */
  err(text: string): void
  /** Columns of the terminal that standard output is; null where it is none. */
  readonly columns: () => number | null
  /** Aborted when nobody reads standard output any more. */
  readonly outputLost: AbortSignal
  /** Calls `handler` at each of these signals, which then do nothing else, until the returned function is called. */
  onSignal(signals: readonly Signal[], handler: (signal: Signal) => void): () => void
  /** Calls `handler` at each error that nobody has handled, which then does not end the process. */
  onFault(handler: (error: unknown) => void): () => void
}

export type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** The same for all commands. */
export const EXIT = {
  ok: 0,
  /** The router could not start; a status without a primary. */
  failed: 1,
  /** The command line or the configuration. */
  usage: 2,
  /** No router answers. */
  noRouter: 3,
} as const
