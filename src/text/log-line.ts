/** A line of the log, as a pure function returns it. */
export interface LogLine {
  /** `note`: a milestone. It is in the history of events, and in the log at level `debug` only. */
  readonly level: 'debug' | 'note' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

type Write = (fields: LogLine['fields'], message: string) => void

/** What takes lines: pino's Logger does. A log without the level `note` takes such lines as `debug`. */
export type Log = Readonly<Record<Exclude<LogLine['level'], 'note'>, Write>> & { readonly note?: Write }

/** Returns a log each of whose lines is changed before it is written. */
export function changed(log: Log, change: (line: LogLine) => LogLine): Required<Log> {
  const write =
    (level: LogLine['level']): Write =>
    (fields, message) =>
      logLines(log, [change({ level, fields, message })])
  return { debug: write('debug'), note: write('note'), info: write('info'), warn: write('warn'), error: write('error') }
}

/** Returns a log whose lines have these fields too. */
export function withFields(log: Log, fields: LogLine['fields']): Log {
  return changed(log, (line) => ({ ...line, fields: { ...fields, ...line.fields } }))
}

/** Logs lines in their order. */
export function logLines(log: Log, lines: readonly LogLine[]): void {
  for (const { level, message, fields } of lines) {
    if (level !== 'note') log[level](fields, message)
    else if (log.note === undefined) log.debug(fields, message)
    else log.note(fields, message)
  }
}
