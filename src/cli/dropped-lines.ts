/** The lines of the log that were dropped because its reader did not keep up: counted, and reported when it does again. */
import type { EventEmitter } from 'node:events'

/** While the reader takes some and never all: from one report to the next. Milliseconds. */
const REPORT_MS = 10_000

export class DroppedLines {
  readonly #report: (lines: number) => void
  #total = 0
  #unreported = 0
  /** What the report says that is being written; null: none is. */
  #reporting: number | null = null
  /** How many are being written at once. */
  #together = 1
  #reportedAt = 0

  /** `output`: a stream of pino, which is never taken from this; `report`: writes to it how many there were. */
  constructor(output: EventEmitter, report: (lines: number) => void) {
    this.#report = report
    output.on('drop', () => this.#dropped())
    // All is written, or some of it.
    output.on('drain', () => this.report())
    output.on('write', () => {
      if (performance.now() - this.#reportedAt >= REPORT_MS) this.report()
    })
  }

  /** Returns how many since the start. */
  get total(): number {
    return this.#total
  }

  /** Counts lines that were dropped before they were written. */
  add(lines: number): void {
    if (this.#unreported === 0) this.#reportedAt = performance.now()
    this.#total += lines
    this.#unreported += lines
  }

  /** Has `write` write so many lines at once, which are all dropped or none. */
  together(lines: number, write: () => void): void {
    this.#together = lines
    write()
    this.#together = 1
  }

  /** Reports those that have not been reported. */
  report(): void {
    if (this.#unreported === 0) return
    this.#reportedAt = performance.now()
    this.#reporting = this.#unreported
    this.#unreported = 0
    this.#report(this.#reporting)
    this.#reporting = null
  }

  #dropped(): void {
    // There is no room for the report either: it is repeated, and counts for nothing.
    if (this.#reporting !== null) this.#unreported = this.#reporting
    else this.add(this.#together)
  }
}
