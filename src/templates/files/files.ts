/** All that is done with the files of templates: what groups are given. */
import { commit, type CommitOutcome } from './commit.ts'
import { type Difference, difference, type Target } from './destination.ts'
import type { Journal } from './journal.ts'
import { Owners } from './owner.ts'
import { recover, type Recovery } from './recover.ts'
import { discard, stage, type StagedFile, type Sweeper } from './stage.ts'

/** One for all groups: it remembers the numbers of users. Errors are RouterErrors, TEMPLATE_FAILED, that name the file and show nothing of it. */
export class Files {
  readonly #process: Sweeper
  readonly #owners = new Owners()
  /** Destinations whose owner or mode cannot be changed: not to be tried again with every pass. */
  readonly #ownerKept = new Set<string>()

  /** `isAlive`: whether there is a process of that number. */
  constructor(process: Sweeper) {
    this.#process = process
  }

  /** Returns whether the destination has to be written. Rejects for what is no file, and for an unknown owner. */
  async difference(target: Target, text: string): Promise<Difference> {
    const kept = this.#ownerKept.has(target.destination)
    return difference(kept ? { ...target, owner: null, group: null, mode: null } : target, text, this.#owners)
  }

  /** Writes the text beside its destination, on the disk and with owner, group and mode. Rejects with nothing left. */
  async stage(target: Target, text: string): Promise<StagedFile> {
    return stage(target, text, { pid: this.#process.pid, owners: this.#owners })
  }

  /** Removes staged files that are not to be committed. Never rejects. */
  async discard(files: readonly StagedFile[]): Promise<void> {
    return discard(files)
  }

  /**
   * Puts staged files in place: all of them, or none, now and, by the journal, at the next start. Rejects once every
   * destination is as it was; the staged files are gone either way. `reload`: a reload is due with it; it is in the
   * journal until `journal.done()`.
   */
  async commit(files: readonly StagedFile[], journal: Journal, reload: boolean): Promise<CommitOutcome> {
    const outcome = await commit(files, journal, reload)
    const kept = outcome.ownerKept.filter((destination) => !this.#ownerKept.has(destination))
    for (const destination of kept) this.#ownerKept.add(destination)
    const warnings = kept.map((destination) => `${destination} keeps its owner and mode: they cannot be changed`)
    return { ...outcome, warnings: [...warnings, ...outcome.warnings] }
  }

  /** Settles what an earlier router was interrupted in; at the start, before anything is staged. Never rejects. */
  async recover(journal: Journal, destinations: readonly string[]): Promise<Recovery> {
    return recover(journal, destinations, this.#process)
  }
}
