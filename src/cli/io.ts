/** What a command may touch of the process; made by main.ts, the only module that touches `process`. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly version: string
  /** Of Node.js, such as `v24.21.0`. */
  readonly nodeVersion: string
  readonly pid: number
  /** Returns the bytes of memory that the control group allows; 0, or more than there is: it has no limit. */
  memoryLimit(): number
  /** Returns the time of CLOCK_MONOTONIC. Microseconds. */
  monotonicUsec(): bigint
  /** Writes to standard output. */
  out(text: string): void
  /** Writes to standard error. */
  err(text: string): void
  /** Columns of the terminal that standard output is; null where it is none. */
  readonly columns: () => number | null
  /** Its rows; null where standard output is no terminal. */
  readonly rows: () => number | null
  /**
   * Calls `handler` with each key that is pressed, Ctrl-C (`\x03`) included, until the returned function is called. null
   * where there is no terminal to read from and to write to.
   */
  onKey(handler: (key: string) => void): (() => void) | null
  /** Aborted when standard output has no reader any more. */
  readonly outputLost: AbortSignal
  /** Calls `handler` at each of these signals, which then do nothing else, until the returned function is called. */
  onSignal(signals: readonly Signal[], handler: (signal: Signal) => void): () => void
  /** Calls `handler` at each unhandled error, which then does not end the process. */
  onFault(handler: (error: unknown) => void): () => void
  /** Sends `signal` to the process group that `pid` leads; false where there is none any more. Never throws. */
  signalGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): boolean
  /** Returns whether there is a process with that number, of any user. */
  isAlive(pid: number): boolean
}

export type Signal = 'SIGINT' | 'SIGTERM' | 'SIGQUIT' | 'SIGHUP'

/** The same for all commands. */
export const EXIT = {
  ok: 0,
  /** The router could not start; a status without a primary; a DCS that does not answer. */
  failed: 1,
  /** The command line or the configuration. */
  usage: 2,
  /** No router answers. */
  noRouter: 3,
} as const
