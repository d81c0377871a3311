import { setTimeout as sleep } from 'node:timers/promises'
import { destination, type DestinationStream, pino, stdTimeFunctions, type Logger } from 'pino'
import type { LoggingConfig } from '../config/config.ts'
import type { Io } from './io.ts'
import { logText } from './log-text.ts'

/** A reader that has stopped costs this much memory; then lines are dropped, and the router continues. Bytes. */
const MAX_BACKLOG = 4 * 1024 * 1024
const STANDARD_OUTPUT = 1
const CLOSE_TIMEOUT_MS = 1000

type Output = ReturnType<typeof destination>

interface OpenLog {
  readonly log: Logger
  /** Sets the level of all that is logged from now on, also by the parts that have a log of their own. */
  readonly setLevel: (level: LoggingConfig['level']) => void
  /** Resolves when the reader has taken everything, or does not take it. Nothing can be logged after it. */
  readonly close: () => Promise<void>
}

/**
 * Opens the router's log on standard output. `json`: one object a line, time in ISO 8601 and the level by name, as
 * journald's and Elastic's users want them; the host and the pid are added by whatever collects it. `text`: for eyes.
 */
export function openLog({ level, format }: LoggingConfig, io: Pick<Io, 'columns' | 'env'>): OpenLog {
  // Not process.stdout, whose writes to a pipe wait for the reader and the whole router with them.
  const output = destination({ dest: STANDARD_OUTPUT, sync: false, maxLength: MAX_BACKLOG })
  // A reader that has gone (EPIPE) is no reason to stop routing, and cannot be reported.
  let lost = false
  output.on('error', () => (lost = true))
  // A child has a level of its own. There is one for each cluster and listener.
  const children = new Set<Logger>()
  const options = {
    level,
    onChild: (child: Logger) => void children.add(child),
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  const log = pino(options, isText(format, io) ? textOf(output, hasColours(io)) : output)
  return {
    log,
    setLevel: (next) => {
      for (const each of [log, ...children]) each.level = next
    },
    close: async () => {
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

function textOf(output: Output, coloured: boolean): DestinationStream & Pick<Output, 'flushSync'> {
  return {
    write: (line) => void output.write(logText(line, coloured)),
    flushSync: () => output.flushSync(),
  }
}
