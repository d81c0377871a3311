/** What came of a command. */
export interface CommandResult {
  readonly ok: boolean
  /** For a person, one line: `exited with 1`, `killed: not done within 30s`, `cannot be started: no such file`. */
  readonly outcome: string
  readonly exitCode: number | null
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly durationMs: number
  /** What it wrote to both outputs, as text fit to be shown, at most the last 4 KiB. */
  readonly output: string
}
