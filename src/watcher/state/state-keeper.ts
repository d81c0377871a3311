/** When what a start without DCS needs is saved, and in which file. */
import { within } from '../../clock.ts'
import { Pace } from '../pace.ts'
import type { SavedCluster } from './saved-cluster.ts'
import type { StateFile } from './state-file.ts'

/** For each member, the pause between two times that it is saved. Milliseconds. */
const KEEP_MS = 1

/** How long the reading of what was kept may take: a file system that hangs must not keep the router from the DCS. Milliseconds. */
const LOAD_MS = 1000

export class StateKeeper {
  #file: StateFile | null
  readonly #pace: Pace

  /** `save`: hands what is known to the file that it is given. */
  constructor(file: StateFile | null, save: (file: StateFile | null) => void) {
    this.#file = file
    this.#pace = new Pace(() => save(this.#file))
  }

  /** Returns what an earlier run has kept; null: nothing of use, or not in time. */
  async load(signal: AbortSignal): Promise<SavedCluster | null> {
    return this.#file === null ? null : await within(this.#file.load(), LOAD_MS, signal)
  }

  /** Saves soon, with a pause: each save costs as much as there are `members`. */
  later(members: number): void {
    this.#pace.later(members * KEEP_MS)
  }

  /** Keeps it in another file from the next save on. */
  replace(file: StateFile | null): void {
    const before = this.#file
    this.#file = file
    // It never rejects, and what it still has to write has a time limit.
    void before?.close()
  }

  /** Saves now what was to be saved later. */
  finish(): void {
    this.#pace.finish()
  }

  /** Waits for the file, for a time. Idempotent. */
  async close(): Promise<void> {
    await this.#file?.close()
  }
}
