/** What a group has under way, kept in a file of `state_dir`: a commit that may be interrupted, a reload that is due. */
import { rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { removeLeftovers } from '../../atomic-file.ts'
import { explain, failureOf, RouterError } from '../../errors.ts'
import { stateFileName, writeStateFile } from '../../state-dir.ts'
import { readTextFile } from '../../text-file.ts'
import { decodeJournal, encodeJournal, type JournalFile } from './journal-format.ts'

export interface JournalOptions {
  /** `state_dir`; made (mode 0700) with the first write, if only it is missing. null: nothing is kept. */
  readonly dir: string | null
  readonly group: string
  readonly log: Logger
}

export interface InterruptedCommit {
  readonly files: readonly JournalFile[]
  /** Whether a reload is due once it is completed. */
  readonly reload: boolean
}

/** Ten thousand files take half of it. */
const MAX_BYTES = 8 * 1024 * 1024

export class Journal {
  /** null: nothing is kept. */
  readonly path: string | null
  readonly #options: JournalOptions
  #reloadDue = false
  #failing = false

  /** Reads and writes nothing yet. */
  constructor(options: JournalOptions) {
    this.#options = options
    this.path = options.dir === null ? null : join(options.dir, nameOf(options.group))
  }

  /** Returns whether a reload is due, for files that are in place. */
  get reloadDue(): boolean {
    return this.#reloadDue
  }

  /**
   * Reads what an earlier router has left under way; null: no commit. A journal that cannot be used is set aside, with a warning: as there
   * is one only while something is under way, a reload counts as due. Never rejects.
   */
  async load(): Promise<InterruptedCommit | null> {
    if (this.path === null) return null
    // No other program writes it: other files beside it are of a writer that was killed, also one whose clock was ahead.
    await removeLeftovers(this.path, -Infinity)
    const file = await readTextFile(this.path, MAX_BYTES)
    if (file.kind === 'missing') return null
    const decoded = file.kind === 'text' ? decodeJournal(file.text, this.#options.group) : null
    if (decoded?.ok !== true) {
      const reason = file.kind === 'unusable' ? file.reason : decoded?.ok === false ? decoded.message : ''
      await this.#ignoredKeys(this.path, reason)
      await this.committed(true)
      return null
    }
    const { reloadDue, commit } = decoded.value
    this.#reloadDue = reloadDue
    return commit
  }

  /**
   * Notes that a commit begins; `reload`: a reload is due when it is done. On the disk when this resolves. Rejects, TEMPLATE_FAILED,
   * when it cannot be kept.
   */
  async begin(files: readonly JournalFile[], reload: boolean): Promise<void> {
    try {
      await this.#write({ files, reload })
    } catch (cause) {
      throw new RouterError('TEMPLATE_FAILED', `the journal ${this.path ?? ''} cannot be written`, { cause })
    }
  }

  /** Notes that the commit is done: what is left is the reload, if one is due. Never rejects: without it, at most one reload too many is made. */
  async committed(reload: boolean): Promise<void> {
    this.#reloadDue ||= reload
    await this.#settle()
  }

  /** Notes that the commit was undone. Never rejects. */
  async undone(): Promise<void> {
    await this.#settle()
  }

  /** Notes that the reload is done. Never rejects. */
  async done(): Promise<void> {
    this.#reloadDue = false
    await this.#settle()
  }

  async #settle(): Promise<void> {
    try {
      if (this.#reloadDue) await this.#write(null)
      else if (this.path !== null) await unlink(this.path).catch(unlessMissing)
      this.report(null)
    } catch (error) {
      this.report(error)
    }
  }

  async #write(commit: InterruptedCommit | null): Promise<void> {
    if (this.path === null) return
    const { group } = this.#options
    await writeStateFile(this.path, encodeJournal({ group, reloadDue: this.#reloadDue, commit }))
  }

  /** Logs once when it begins to fail, and once when that ends. `error` null: it has worked. */
  report(error: unknown): void {
    const { log, group } = this.#options
    const fields = { group, file: this.path }
    if (error !== null && !this.#failing) {
      const message = `the journal of ${group} cannot be kept in ${this.path ?? ''}: ${explain(error)}`
      log.warn({ event: 'journal-not-kept', ...fields }, message)
    } else if (error === null && this.#failing)
      log.info({ event: 'journal-kept', ...fields }, `the journal of ${group} can be kept again`)
    this.#failing = error !== null
  }

  async #ignoredKeys(path: string, reason: string): Promise<void> {
    const { log, group } = this.#options
    const aside = `${path}.damaged`
    const moved = await rename(path, aside).then(
      () => `, and is kept as ${aside}`,
      () => '',
    )
    const message = `the journal of ${group} is not used: ${path} ${reason}${moved}`
    log.warn({ event: 'journal-ignored', group, file: path }, message)
  }
}

function unlessMissing(error: unknown): void {
  if (failureOf(error) !== 'missing') throw error
}

/** Returns the name of the file, another one for each group. */
function nameOf(group: string): string {
  return stateFileName(`templates@${encodeURIComponent(group.toWellFormed())}`)
}
