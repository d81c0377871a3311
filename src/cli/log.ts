import { setTimeout as sleep } from 'node:timers/promises'
import { destination, pino, stdTimeFunctions, type Logger } from 'pino'
import type { LoggingConfig } from '../config/config.ts'

/** A reader that has stopped costs this much memory; then lines are dropped, and the router goes on. Bytes. */
const MAX_BACKLOG = 4 * 1024 * 1024
const STANDARD_OUTPUT = 1
const CLOSE_TIMEOUT_MS = 1000

export interface Log {
  readonly log: Logger
  /** Resolves when the reader has taken everything, or does not take it. Nothing can be logged after it. */
  readonly close: () => Promise<void>
}

/**
 * The router's log on standard output: JSON lines, time in ISO 8601 and the level by name, as journald's and Elastic's
 * users want them. The host and the pid are added by whoever collects them.
 */
export function openLog({ level }: LoggingConfig): Log {
  // Not process.stdout, whose writes to a pipe wait for the reader and the whole router with them.
  const output = destination({ dest: STANDARD_OUTPUT, sync: false, maxLength: MAX_BACKLOG })
  // A reader that has gone (EPIPE) is no reason to stop routing, and there is nobody left to tell.
  let lost = false
  output.on('error', () => (lost = true))
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return {
    log: pino(options, output),
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
