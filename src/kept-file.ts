/** A file that holds the text that was saved last: written beside everything else, and again where that has failed. */
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { within } from './clock.ts'
import { explain } from './errors.ts'

export interface KeptFileOptions {
  /** Writes all of it, or rejects. */
  readonly write: (text: string) => Promise<void>
  /** Between two writes. Milliseconds. */
  readonly paceMs: number
  /** Between a write that failed and the next. Milliseconds. */
  readonly retryMs: number
  /** Is called once when writes begin to fail, with the reason, and once when one succeeds again: null. */
  readonly report: (failure: string | null) => void
}

export class KeptFile {
  readonly #options: KeptFileOptions
  readonly #closing = new AbortController()
  #wanted: string | null = null
  /** What the file holds, as far as it is known. */
  #written: string | null = null
  #writing: Promise<void> | null = null
  /** The write that is under way. */
  #attempt: Promise<void> = Promise.resolve()
  /** Why the last write has failed; null: it has not, or another is due at once. */
  #failure: string | null = null
  #isReported = false
  /** The pause until the next write. */
  #pause = new AbortController()

  constructor(options: KeptFileOptions) {
    this.#options = options
  }

  /** Notes what the file holds already. */
  holds(text: string): void {
    this.#written = text
  }

  /** Returns whether nothing was saved, and nothing is known to be in the file. */
  get isUnused(): boolean {
    return this.#written === null && this.#wanted === null
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  /** Has `text` written soon; of several in a short time the last one. Never throws; a failed write is retried. */
  save(text: string): void {
    this.#wanted = text
    if (text !== this.#written) this.#writing ??= this.#write()
  }

  /**
   * Waits until what was saved last is written, or that has failed, and returns why it is not in the file; null: it is. A write that
   * has failed before is tried again at once. Returns `late` where that takes longer than `limitMs`. Never rejects.
   */
  async settled(limitMs: number, late: string): Promise<string | null> {
    if (this.#failure !== null && this.#writing !== null) {
      this.#failure = null
      this.#pause.abort()
    }
    const settling = async (): Promise<true> => {
      while (this.#isDue()) {
        await this.#attempt
        // Whatever becomes of it, the event loop has its turn.
        await setImmediate()
      }
      return true
    }
    if ((await within(settling(), limitMs, new AbortController().signal)) === null) return late
    return this.#written === this.#wanted ? null : this.#failure
  }

  /**
   * Waits until what was saved last is written, or has failed once more, but for no file system that hangs. Idempotent.
   * `limitMs`: how long the last write may take.
   */
  async close(limitMs: number): Promise<void> {
    this.#closing.abort()
    if (this.#writing !== null) await within(this.#writing, limitMs, new AbortController().signal)
  }

  /** Returns whether the last one is still to be written, without an attempt having failed. */
  #isDue(): boolean {
    return this.#written !== this.#wanted && this.#failure === null && this.#writing !== null
  }

  /** Writes what is due, which has to be something. Never rejects. */
  async #write(): Promise<void> {
    while (this.#wanted !== null && this.#wanted !== this.#written) {
      const isLast = this.isClosed
      this.#attempt = this.#writeOnce(this.#wanted)
      await this.#attempt
      if (this.#failure !== null && isLast) break
      const { paceMs, retryMs } = this.#options
      const pauseMs = this.#failure === null ? paceMs : retryMs
      // When it is closed, one attempt more.
      if (pauseMs > 0) await this.#pauseFor(pauseMs)
    }
    this.#writing = null
  }

  async #pauseFor(ms: number): Promise<void> {
    this.#pause = new AbortController()
    const signal = AbortSignal.any([this.#pause.signal, this.#closing.signal])
    await sleep(ms, undefined, { signal }).catch(() => undefined)
  }

  async #writeOnce(text: string): Promise<void> {
    try {
      await this.#options.write(text)
      this.#written = text
      this.#failure = null
    } catch (error) {
      this.#failure = explain(error)
    }
    if (this.#isReported === (this.#failure !== null)) return
    this.#isReported = this.#failure !== null
    this.#options.report(this.#failure)
  }
}
