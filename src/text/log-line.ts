/** A line of the log, as a pure function returns it. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** What takes lines: pino's Logger does. */
export type Log = Readonly<Record<LogLine['level'], (fields: LogLine['fields'], message: string) => void>>

/** Logs lines in their order. */
export function logLines(log: Log, lines: readonly LogLine[]): void {
  for (const { level, message, fields } of lines) log[level](fields, message)
}
