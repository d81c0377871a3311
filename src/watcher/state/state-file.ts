/** Keeps the last known cluster in a file of `state_dir`. Nothing that happens to it keeps the router from its work. */
import { join } from 'node:path'
import type { Logger } from 'pino'
import { removeLeftovers } from '../../atomic-file.ts'
import { bad } from '../../config/values/parsed.ts'
import { KeptFile } from '../../kept-file.ts'
import { stateFileName, writeStateFile } from '../../state-dir.ts'
import { readTextFile } from '../../text-file.ts'
import { decodeState, encodeState, type SavedCluster, type StateIdentity } from './saved-cluster.ts'

export interface StateFileOptions extends StateIdentity {
  /** `state_dir`; it is made (mode 0700) with the first write, if only it is missing. */
  readonly dir: string
  /** What the configuration calls the cluster: two of the same scope can be in two DCS. */
  readonly name: string
  readonly log: Logger
  /** Between a write that failed and the next; milliseconds, 10 s by default. */
  readonly retryMs?: number
}

/** Ten thousand members take half of it. */
const MAX_BYTES = 4 * 1024 * 1024

/** Between two writes; milliseconds. */
const PACE_MS = 1000
const RETRY_MS = 10_000

/** How long the last write may take. Milliseconds. */
const CLOSE_MS = 1000

/** What is older than this and was not renamed is of a writer that was killed. */
const LEFTOVER_MS = 10_000

export class StateFile {
  readonly path: string
  readonly #options: StateFileOptions
  readonly #file: KeptFile

  /** Reads and writes nothing yet. */
  constructor(options: StateFileOptions) {
    this.#options = options
    this.path = join(options.dir, nameOf(options))
    this.#file = new KeptFile({
      write: (text) => this.#write(text),
      paceMs: PACE_MS,
      retryMs: options.retryMs ?? RETRY_MS,
      report: (failure) => this.#report(failure),
    })
  }

  /**
   * Reads what was saved last, also by an earlier router; null where there is nothing of use: then a warning says why.
   * Never rejects.
   */
  async load(): Promise<SavedCluster | null> {
    await removeLeftovers(this.path, LEFTOVER_MS)
    const file = await readTextFile(this.path, MAX_BYTES)
    if (file.kind === 'missing') return null
    const decoded = file.kind === 'text' ? decodeState(file.text, this.#options) : bad(file.reason)
    if (decoded.ok) {
      if (file.kind === 'text') this.#file.holds(file.text)
      return decoded.value
    }
    const message = `the last known cluster is not used: ${this.path} ${decoded.message}`
    this.#options.log.warn({ event: 'state-ignored', file: this.path }, message)
    return null
  }

  /** Has `cluster` written soon; of several in a short time the last one. Never throws; a failed write is retried. */
  save(cluster: SavedCluster): void {
    if (!this.#file.isClosed) this.#file.save(encodeState(this.#options, cluster))
  }

  /**
   * Waits until what was saved last is written, or has failed once more, but for no file system that hangs. Idempotent.
   */
  async close(): Promise<void> {
    await this.#file.close(CLOSE_MS)
  }

  async #write(text: string): Promise<void> {
    const bytes = Buffer.byteLength(text)
    if (bytes > MAX_BYTES) throw new RangeError(`it would have ${bytes} bytes, and may have ${MAX_BYTES}`)
    await writeStateFile(this.path, text)
    await removeLeftovers(this.path, LEFTOVER_MS)
  }

  #report(failure: string | null): void {
    const { log } = this.#options
    const fields = { file: this.path }
    if (failure === null) {
      log.info({ event: 'state-saved', ...fields }, 'the last known cluster can be saved again')
      return
    }
    const message = `the last known cluster cannot be saved in ${this.path}: ${failure}`
    log.warn({ event: 'state-not-saved', ...fields }, message)
  }
}

/** Returns the file name, which differs for each cluster: `@` is in no part, and neither is a slash. */
function nameOf({ namespace, scope, citusGroup, name: called }: StateFileOptions): string {
  const group = citusGroup === null ? '' : String(citusGroup)
  const parts = [namespace, scope, ...(called !== scope ? [group, called] : citusGroup === null ? [] : [group])]
  const name = ['cluster', ...parts.map((part) => encodeURIComponent(part.toWellFormed()))].join('@')
  return stateFileName(name)
}
