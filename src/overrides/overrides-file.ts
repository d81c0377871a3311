/** Keeps overrides and holds in a file of `state_dir`. Nothing that happens to it keeps the router from its work. */
import { access, rename, unlink } from 'node:fs/promises'
import { removeLeftovers } from '../atomic-file.ts'
import { within } from '../clock.ts'
import { explain } from '../errors.ts'
import { KeptFile } from '../kept-file.ts'
import { type RouterPlace, writeStateFile } from '../state-dir.ts'
import { type Log, logLines } from '../text/log-line.ts'
import { readTextFile } from '../text-file.ts'
import { decodeOverrides, encodeOverrides, overridesFile, type OverridesByCluster } from './kept-overrides.ts'

export interface OverridesFileOptions {
  readonly place: RouterPlace
  readonly log: Log
  /** Between a write that failed and the next; milliseconds, 10 s by default. */
  readonly retryMs?: number
}

const MAX_BYTES = 4 * 1024 * 1024
const RETRY_MS = 10_000
/** How long the file system may take: to read at the start, and to write while a user waits, or at the end. Milliseconds. */
const LIMIT_MS = 1000
/** What is older than this and was not renamed is of a writer that was killed. */
const LEFTOVER_MS = 10_000

export class OverridesFile {
  readonly path: string
  readonly #options: OverridesFileOptions
  readonly #reading = new AbortController()
  readonly #file: KeptFile

  /** Reads and writes nothing yet. */
  constructor(options: OverridesFileOptions) {
    this.#options = options
    const path = overridesFile(options.place)
    this.path = path
    this.#file = new KeptFile({
      write: (text) => writeStateFile(path, text),
      paceMs: 0,
      retryMs: options.retryMs ?? RETRY_MS,
      report: (failure) => this.#report(failure),
    })
  }

  /** Returns what an earlier router has kept. A damaged file is put aside, with a warning. Never rejects, nor waits for long. */
  async load(): Promise<OverridesByCluster> {
    const kept = await within(this.#load(), LIMIT_MS, this.#reading.signal)
    if (kept === null) this.#warn('overrides-ignored', `was not read within ${LIMIT_MS / 1000} s`)
    return kept ?? new Map()
  }

  async #load(): Promise<OverridesByCluster> {
    const none: OverridesByCluster = new Map()
    await removeLeftovers(this.path, LEFTOVER_MS)
    const file = await readTextFile(this.path, MAX_BYTES)
    if (file.kind === 'missing') return none
    const kept = file.kind === 'text' ? decodeOverrides(file.text) : null
    if (kept !== null && file.kind === 'text') {
      this.#file.holds(file.text)
      return kept
    }
    const aside = `${this.path}.damaged`
    const moved = await rename(this.path, aside).then(
      () => `; it is kept as ${aside}`,
      (error: unknown) => `; it cannot be put aside: ${explain(error)}`,
    )
    const reason = file.kind === 'unusable' ? file.reason : 'is damaged, or of another version'
    this.#warn('overrides-ignored', `${reason}${moved}`)
    return none
  }

  /**
   * Writes them, of several in a short time the last ones, and returns why they are not kept; null: they are. A failed write is
   * retried. Never rejects, nor waits for long.
   */
  async save(all: OverridesByCluster): Promise<string | null> {
    // Without a single one there need be no file, nor a directory for it.
    if (all.size === 0 && this.#file.isUnused) return null
    this.#file.save(encodeOverrides(all))
    return await this.#file.settled(LIMIT_MS, `${this.path} was not written within ${LIMIT_MS / 1000} s`)
  }

  /**
   * Looks whether an earlier router has left a file there: what is saved from then on replaces it, also where it is none. Never rejects,
   * nor waits for long.
   */
  async replaceLeft(): Promise<void> {
    const isLeft = access(this.path).then(
      () => true,
      () => false,
    )
    // What would replace it may have been written meanwhile.
    if ((await within(isLeft, LIMIT_MS, this.#reading.signal)) === true && this.#file.isUnused) this.#file.holds('')
  }

  /** Removes the file, where another one has taken its place. Never rejects. */
  async remove(): Promise<void> {
    await this.close()
    // It does no harm unless a router is started there again.
    await unlink(this.path).catch(() => undefined)
  }

  /** Waits until what was saved last is written, or has failed once more, but for no file system that hangs. Idempotent. */
  async close(): Promise<void> {
    this.#reading.abort()
    await this.#file.close(LIMIT_MS)
  }

  #report(failure: string | null): void {
    if (failure !== null) {
      const what = `cannot be written, so a restart would undo what has changed of overrides and holds: ${failure}`
      this.#warn('overrides-not-saved', what)
      return
    }
    const fields = { event: 'overrides-saved', file: this.path }
    logLines(this.#options.log, [{ level: 'info', message: `overrides: ${this.path} is written again`, fields }])
  }

  #warn(event: 'overrides-ignored' | 'overrides-not-saved', what: string): void {
    const message = `overrides: ${this.path} ${what}`
    logLines(this.#options.log, [{ level: 'warn', message, fields: { event, file: this.path } }])
  }
}
