import { setTimeout as sleep } from 'node:timers/promises'
import {
  destination,
  type DestinationStream,
  levels,
  pino,
  stdTimeFunctions,
  symbols,
  type Logger,
  type LoggerOptions,
} from 'pino'
import type { LoggingConfig } from '../config/config.ts'
import { counted } from '../text/wording.ts'
import { DroppedLines } from './dropped-lines.ts'
import { type ConnectionLine, ConnectionLines } from './connection-lines.ts'
import type { Io } from './io.ts'
import { logText } from '../text/log-text.ts'

/** A reader that has stopped costs this much memory; then lines are dropped, and the router continues. Bytes. */
const MAX_BACKLOG = 4 * 1024 * 1024
const STANDARD_OUTPUT = 1
const CLOSE_TIMEOUT_MS = 1000

type Output = ReturnType<typeof destination>

/** What of the output is there besides the log itself. */
interface LogOutput {
  /** Writes lines of the connection log, whatever the level. */
  readonly writeConnections: (lines: readonly ConnectionLine[]) => void
  /** Counts lines that were dropped before they were written. */
  readonly addDropped: (lines: number) => void
  /** Returns how many lines were dropped since the start. */
  readonly dropped: () => number
}

interface OpenLog {
  readonly log: Logger
  /** Sets level and form of all that is logged from now on. */
  readonly configure: (logging: Pick<LoggingConfig, 'level' | 'format'>) => void
  readonly output: LogOutput
  /** Resolves when the reader has taken everything, or does not take it. Nothing can be logged after it. */
  readonly close: () => Promise<void>
}

/**
 * Opens the router's log on standard output. `json`: one object a line, time in ISO 8601 and the level by name, as
 * journald's and Elastic's users want them; the host and the pid are added by whatever collects it. `text`: for eyes.
 * `record`: takes every line of level `note` or higher, as JSON, whatever level is configured.
 */
export function openLog(
  { level, format }: Pick<LoggingConfig, 'level' | 'format'>,
  io: Pick<Io, 'columns' | 'env'>,
  record: (line: string) => void = () => undefined,
  { fd = STANDARD_OUTPUT, maxBacklog = MAX_BACKLOG } = {},
): OpenLog {
  // Not process.stdout, whose writes to a pipe wait for the reader and the whole router with them.
  const output = destination({ dest: fd, sync: false, maxLength: maxBacklog })
  // A reader that has gone (EPIPE) is no reason to stop routing, and cannot be reported.
  let lost = false
  output.on('error', () => (lost = true))
  const form = { base: null, formatters: { level: (label: string) => ({ level: label }) } }
  const options: LoggerOptions = {
    ...form,
    level: recordedFrom(level),
    customLevels: { note: NOTE },
    timestamp: stdTimeFunctions.isoTime,
  }
  let isForEyes = isText(format, io)
  const inForm = (line: string): string => (isForEyes ? logText(line, hasColours(io)) : line)
  const stream = divided(
    { write: (line) => output.write(inForm(line)), flushSync: () => output.flushSync() },
    level,
    record,
  )
  const log = pino(options, stream)
  const dropped = new DroppedLines(output, (lines) => {
    const were = lines === 1 ? 'was' : 'were'
    const message = `${counted(lines, 'line')} of the log ${were} dropped: its reader did not keep up`
    log.warn({ event: 'log-dropped', lines }, message)
  })
  const connections = new ConnectionLines(form, inForm, (lines, chunk) =>
    dropped.together(lines, () => output.write(chunk)),
  )
  let isClosed = false
  return {
    log,
    output: {
      writeConnections: (lines) => {
        if (!isClosed) connections.write(lines)
      },
      addDropped: (lines) => dropped.add(lines),
      dropped: () => dropped.total,
    },
    configure: (next) => {
      isForEyes = isText(next.format, io)
      stream.least = levels.values[next.level] ?? 0
      log.level = recordedFrom(next.level)
    },
    close: async () => {
      dropped.report()
      isClosed = true
      if (lost) return
      const taken = new AbortController()
      output.once('close', () => taken.abort())
      output.end()
      await sleep(CLOSE_TIMEOUT_MS, undefined, { signal: taken.signal }).catch(() => undefined) // Closed in time.
      // Without this pino's exit hook waits for the reader without a limit.
      if (!taken.signal.aborted) output.destroy()
    },
  }
}

/** Returns whether the log is for eyes: as configured, else on a terminal. */
export function isText(format: LoggingConfig['format'], { columns }: Pick<Io, 'columns'>): boolean {
  return format === 'auto' ? columns() !== null : format === 'text'
}

/** Returns whether the log may be coloured, see https://no-color.org. */
export function hasColours({ columns, env }: Pick<Io, 'columns' | 'env'>): boolean {
  return columns() !== null && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
}

/** Of milestones: above `debug`, below `info`. */
const NOTE = 25

/** Returns the level of a logger whose lines are recorded; `debug` stays off unless it is configured. */
function recordedFrom(level: LoggingConfig['level']): string {
  return (levels.values[level] ?? 0) < NOTE ? level : 'note'
}

/** Returns a stream that hands each line to `record`, from `note` on, and to `shown`, from `level` on. */
function divided(
  shown: DestinationStream & Pick<Output, 'flushSync'>,
  level: LoggingConfig['level'],
  record: (line: string) => void,
): DestinationStream & Pick<Output, 'flushSync'> & { least: number } {
  return {
    // pino sets `lastLevel` before each line.
    ...{ [symbols.needsMetadataGsym]: true, lastLevel: 0, least: levels.values[level] ?? 0 },
    write(this: { readonly lastLevel: number; readonly least: number }, line: string) {
      if (this.lastLevel >= NOTE) record(line)
      // For those who read the log there is no level of its own.
      if (this.lastLevel >= this.least)
        shown.write(this.lastLevel === NOTE ? line.replace('"level":"note"', '"level":"debug"') : line)
    },
    flushSync: () => shown.flushSync(),
  }
}
