/** Reading the configuration of a running router, whose file system may not answer. */
import type { Logger } from 'pino'
import { within } from '../clock.ts'
import { formatProblem } from '../config/file/problem.ts'
import type { ConfigResult, LoadedConfig } from '../config/load.ts'
import { explain, RouterError } from '../errors.ts'

/** How the configuration is read: with the environment of the start. */
export interface ConfigReader {
  /** Rejects with CONFIG_UNREADABLE. */
  readonly read: () => Promise<ConfigResult>
  /** Returns another text when the files have changed. Never rejects. */
  readonly fingerprint: () => Promise<string>
}

/** What is in the file now. */
export type Found =
  LoadedConfig | { readonly ok: false; readonly problems: readonly string[]; readonly warnings: readonly string[] }

export interface Reading {
  readonly found: Found
  /** Of the files before they were read; null: not known. */
  readonly fingerprint: string | null
}

/** Milliseconds. */
const TIMEOUT_MS = 10_000

export class ConfigReading {
  readonly #reader: ConfigReader
  readonly #log: Logger
  readonly #timeoutMs: number
  /** Ends with the last read that was begun: where the file system does not answer there is never a second. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(reader: ConfigReader, log: Logger, timeoutMs = TIMEOUT_MS) {
    this.#reader = reader
    this.#log = log
    this.#timeoutMs = timeoutMs
  }

  /** Reads it, with a deadline; `signal` ends the wait. Never rejects: what cannot be read is a problem. */
  async read(signal: AbortSignal): Promise<Reading> {
    const given = new AbortController()
    const reading = this.#last.then(async () => {
      if (given.signal.aborted) return null
      const fingerprint = await this.#reader.fingerprint()
      return { fingerprint, found: plain(await this.#reader.read()) }
    })
    this.#last = reading.catch(() => undefined) // It is reported below.
    try {
      const seconds = this.#timeoutMs / 1000
      return (
        (await within(reading, this.#timeoutMs, signal)) ??
        unread(`the configuration cannot be read within ${seconds} s: its file system does not answer`)
      )
    } catch (error) {
      const isExpected = error instanceof RouterError && error.code === 'CONFIG_UNREADABLE'
      if (!isExpected) this.#log.error({ event: 'fault', err: error }, `reading the configuration: ${explain(error)}`)
      return unread(explain(error))
    } finally {
      given.abort()
    }
  }
}

function plain(result: ConfigResult): Found {
  return result.ok ? result : { ...result, problems: result.problems.map(formatProblem) }
}

function unread(problem: string): Reading {
  return { found: { ok: false, problems: [problem], warnings: [] }, fingerprint: null }
}
