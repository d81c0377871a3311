/** Logs when certificate files are replaced: once when they become unusable, once when they are usable. */
import type { Log } from '../../text/log-line.ts'
import type { CertificateSet } from './certificates.ts'

export class CertificateLog {
  readonly #subject: string
  readonly #log: Log | null
  #set: CertificateSet | null = null
  #trouble: string | null = null

  /** @param subject the peer they are for, as in `REST API`. */
  constructor(subject: string, log: Log | null) {
    this.#subject = subject
    this.#log = log
  }

  /** Returns why the files as they are now do not count; null: they do. */
  get trouble(): string | null {
    return this.#trouble
  }

  /** Takes `set`, which is in use now (null: none ever was), and why the files do not count; tells what has changed. */
  tell(set: CertificateSet | null, trouble: string | null): void {
    if (trouble !== null && trouble !== this.#trouble) {
      const goesOn = set === null ? '' : '; the files that were read before stay in use'
      const fields = { event: 'certificates-unusable', error: trouble }
      this.#log?.warn(fields, `${this.#subject}: ${trouble}${goesOn}`)
    }
    const isFirst = this.#set === null
    const isNew = !isFirst && set !== this.#set
    const isOver = trouble === null && this.#trouble !== null
    this.#set = set
    this.#trouble = trouble
    if (!isNew && !isOver) return
    const how = isNew ? 'have been replaced and are in use' : `are usable ${isFirst ? 'now' : 'again'}`
    const message = `${this.#subject}: the certificate files ${how}`
    this.#log?.info({ event: 'certificates-read' }, message)
  }
}
