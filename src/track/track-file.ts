/** One file that says 1 or 0, for keepalived's `track_file`: it is replaced as a whole, so a reader never sees half. */
import { constants } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { removeLeftovers, writeAtomically } from '../atomic-file.ts'
import { within } from '../clock.ts'
import { explain, failureOf } from '../errors.ts'
import { readTextFile } from '../text-file.ts'

export interface TrackFileOptions {
  /** Absolute. Its directory is made if only that is missing: `/run` is empty after a boot. */
  readonly path: string
  readonly log: Logger
  /** Between a write that failed and the next; milliseconds, 1 s by default. */
  readonly retryMs?: number
}

const RETRY_MS = 1000

/** How long the first and the last write may take. Milliseconds. */
const PATIENCE_MS = 1000

/** What is older than this and was not renamed is of a writer that was killed. */
const LEFTOVER_MS = 10_000

/** More than what a file of ours holds. */
const MAX_BYTES = 64

/** Says 0 until another value is set, and again when it is closed. Nothing that happens to the file ends the router. */
export class TrackFile {
  readonly #options: TrackFileOptions
  #wanted = false
  /** What the file says, as far as it is known. */
  #written: boolean | null = null
  #writing: Promise<void> | null = null
  #looking = false
  /** Aborted when another value is wanted: it does not wait for the next attempt. */
  #pause = new AbortController()
  #closed = false
  #error: string | null = null

  /** Writes nothing yet. */
  constructor(options: TrackFileOptions) {
    this.#options = options
  }

  /** Returns why the file does not say what it should; null: it does, or is about to. */
  get error(): string | null {
    return this.#error
  }

  /**
   * Has the file say 0, also where an earlier router has left a 1. Resolves when it does, or when it has failed once, and
   * waits for no file system that hangs; never rejects.
   */
  async start(): Promise<void> {
    const first = Promise.withResolvers<unknown>()
    this.#begin(() => first.resolve(null))
    const tidied = first.promise.then(() => removeLeftovers(this.#options.path, LEFTOVER_MS))
    await within(tidied, PATIENCE_MS, new AbortController().signal)
  }

  /** Has the file say `value`; of several the last one counts. Never throws; a failed write is retried. */
  set(value: boolean): void {
    if (this.#closed || value === this.#wanted) return
    this.#wanted = value
    this.#pause.abort()
    this.#begin()
  }

  /**
   * Checks that the file says what was written, and corrects it: keepalived or a person may have changed it. Never
   * rejects.
   */
  async look(): Promise<void> {
    if (this.#writing !== null || this.#closed || this.#looking || this.#written === null) return
    const { path, log } = this.#options
    const expected = textOf(this.#written)
    this.#looking = true
    const file = await readTextFile(path, MAX_BYTES)
    this.#looking = false
    // What cannot be read is written again, which tells why it fails.
    if (this.#isBusy() || (file.kind === 'text' && file.text === expected)) return
    log.warn({ event: 'track-changed', file: path }, `${path} was changed by another program: it is written again`)
    this.#written = null
    this.#begin()
  }

  /** Resolves when the file says what it is to say, or that has failed once more, but waits for no file system that hangs. */
  async settled(): Promise<void> {
    if (this.#writing === null) return
    const tried = Promise.withResolvers<unknown>()
    this.#tried = () => tried.resolve(null)
    await within(tried.promise, PATIENCE_MS, new AbortController().signal)
  }

  /** Has the file say 0 for good; a failure now is not retried. Resolves as {@link settled} does. Idempotent. */
  async close(): Promise<void> {
    this.set(false)
    this.#closed = true
    this.#pause.abort()
    if (this.#writing !== null) await within(this.#writing, PATIENCE_MS, new AbortController().signal)
  }

  /** Called after each attempt. */
  #tried: () => void = () => undefined

  /** Returns whether something has begun while it waited. */
  #isBusy(): boolean {
    return this.#writing !== null || this.#closed
  }

  #begin(tried?: () => void): void {
    if (tried !== undefined) this.#tried = tried
    this.#writing ??= this.#write()
  }

  /** Writes until the file says what it should. Never rejects. */
  async #write(): Promise<void> {
    // Not in the turn of the change: `#writing` has to be there before it can end.
    await Promise.resolve()
    while (this.#wanted !== this.#written) {
      const value = this.#wanted
      this.#pause = new AbortController()
      const isLast = this.#closed
      try {
        await put(this.#options.path, value)
        this.#written = value
        this.#report(null)
        this.#tried()
      } catch (error) {
        this.#report(error)
        // A value that could not be written may be there in part: whatever is wanted next is written.
        this.#written = null
        this.#tried()
        if (isLast) break
        const { signal } = this.#pause
        await sleep(this.#options.retryMs ?? RETRY_MS, undefined, { signal }).catch(() => undefined) // Another value.
      }
    }
    // In the same turn as the end of the loop: a value that is set after that begins a new one.
    this.#writing = null
  }

  #report(error: unknown): void {
    const { log, path: file } = this.#options
    const reason = error === null ? null : explain(error)
    const was = this.#error
    this.#error = reason
    if (reason === null && was !== null) log.info({ event: 'track-written', file }, `${file} can be written again`)
    if (reason !== null && was === null)
      log.error({ event: 'track-not-written', file, error: reason }, `${file} cannot be written: ${reason}`)
  }
}

function textOf(value: boolean): string {
  return value ? '1\n' : '0\n'
}

async function put(path: string, value: boolean): Promise<void> {
  const text = textOf(value)
  const write = (): Promise<void> => writeAtomically(path, text, 0o644, { durable: false })
  try {
    await write().catch(async (error: unknown) => {
      if (failureOf(error) !== 'missing') throw error
      await mkdir(dirname(path), { mode: 0o755 })
      await write()
    })
  } catch (error) {
    // Nothing may keep a 1 in the file: a byte in its place needs no room on the disk, and no right in the directory.
    if (value || !(await overwrite(path, text))) throw error
  }
}

/** Overwrites the file in place; the target of a link is left alone. */
async function overwrite(path: string, text: string): Promise<boolean> {
  try {
    await using file = await open(path, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    if (!(await file.stat()).isFile()) return false
    await file.write(text, 0)
    await file.truncate(text.length)
    return true
  } catch {
    // Why the file cannot be replaced says more.
    return false
  }
}
