/** One file that says 1 or 0, for keepalived's `vrrp_track_file`: it is replaced as a whole, so a reader never sees half. */
import { mkdir, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { removeLeftovers, writeAtomically } from '../atomic-file.ts'
import { within } from '../clock.ts'
import { explain, failureOf } from '../errors.ts'

export interface TrackFileOptions {
  /** Absolute. Its directory is made if only that is missing: `/run` is empty after a boot. */
  readonly path: string
  readonly log: Logger
  /** Between a write that failed and the next; milliseconds, 1 s unless told. */
  readonly retryMs?: number
}

const RETRY_MS = 1000

/** How long the last write may take. Milliseconds. */
const CLOSE_MS = 1000

/** What is older than this and was not renamed is of a writer that was killed. */
const LEFTOVER_MS = 10_000

/** Says 0 until it is told otherwise, and again when it is closed. Nothing that happens to the file ends the router. */
export class TrackFile {
  readonly #options: TrackFileOptions
  #wanted = false
  /** What the file says, as far as it is known. */
  #written: boolean | null = null
  #writing: Promise<void> | null = null
  /** Aborted when another value is wanted: it does not wait for the next attempt. */
  #pause = new AbortController()
  #closed = false
  #error: string | null = null

  /** Writes nothing yet. */
  constructor(options: TrackFileOptions) {
    this.#options = options
  }

  /** Why the file does not say what it should; null: it does, or is about to. */
  get error(): string | null {
    return this.#error
  }

  /** Has the file say 0, also where an earlier router has left a 1. Resolves when it does, or when it has failed once; never rejects. */
  async start(): Promise<void> {
    await removeLeftovers(this.#options.path, LEFTOVER_MS)
    const first = Promise.withResolvers<unknown>()
    this.#begin(() => first.resolve(null))
    await within(first.promise, CLOSE_MS, new AbortController().signal)
  }

  /** Has the file say `value`; of several the last one counts. Never throws; what fails is tried again. */
  set(value: boolean): void {
    if (this.#closed || value === this.#wanted) return
    this.#wanted = value
    this.#pause.abort()
    this.#begin()
  }

  /** Looks whether the file says what was written, and mends it: keepalived or a person may have changed it. Never rejects. */
  async look(): Promise<void> {
    if (this.#writing !== null || this.#closed || this.#written === null) return
    const expected = textOf(this.#written)
    // What cannot be read is written again, which tells why it fails.
    const text = await readFile(this.#options.path, 'utf8').catch(() => null)
    if (this.#isBusy() || text === expected) return
    this.#options.log.warn(
      { event: 'track-changed', file: this.#options.path },
      `${this.#options.path} was changed by somebody else: it is written again`,
    )
    this.#written = null
    this.#begin()
  }

  /** Has the file say 0 for good. Resolves when it does, or has failed once more, but waits for no file system that hangs. Idempotent. */
  async close(): Promise<void> {
    this.set(false)
    this.#closed = true
    this.#pause.abort()
    if (this.#writing !== null) await within(this.#writing, CLOSE_MS, new AbortController().signal)
  }

  /** Something has begun while it waited. */
  #isBusy(): boolean {
    return this.#writing !== null || this.#closed
  }

  #begin(tried?: () => void): void {
    this.#writing ??= this.#write(tried).finally(() => (this.#writing = null))
  }

  /** Never rejects. */
  async #write(tried: (() => void) | undefined): Promise<void> {
    while (this.#wanted !== this.#written) {
      const value = this.#wanted
      this.#pause = new AbortController()
      const isLast = this.#closed
      try {
        await put(this.#options.path, value)
        this.#written = value
        this.#report(null)
      } catch (error) {
        this.#report(error)
        // A value that could not be written may be there in part: whatever is wanted next is written.
        this.#written = null
        if (isLast) return
        tried?.()
        const { signal } = this.#pause
        await sleep(this.#options.retryMs ?? RETRY_MS, undefined, { signal }).catch(() => undefined) // Another value.
      }
      tried?.()
    }
  }

  #report(error: unknown): void {
    const { log, path: file } = this.#options
    const reason = error === null ? null : explain(error)
    const was = this.#error
    this.#error = reason
    if (reason === null && was !== null) log.info({ event: 'track-written', file }, `${file} can be written again`)
    if (reason !== null && reason !== was)
      log.error({ event: 'track-not-written', file, error: reason }, `${file} cannot be written: ${reason}`)
  }
}

/** The same length both: see {@link overwrite}. */
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
    // Nothing may keep a 1 in the file: one byte in its place needs no room on the disk, and no right in the directory.
    if (value || !(await overwrite(path, text))) throw error
  }
}

async function overwrite(path: string, text: string): Promise<boolean> {
  try {
    await using file = await open(path, 'r+')
    await file.write(text, 0)
    return true
  } catch {
    // Why the file cannot be replaced says more.
    return false
  }
}
