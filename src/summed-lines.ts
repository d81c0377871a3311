/** Lines of the log for what can happen very often: the first one at once, and a sum of the others. */

/** Writes a line about so many; `within`: of which time, as text, empty for the first one. */
export type WriteSum = (count: number, within: string) => void

interface Sum {
  count: number
  /** Of the last one, which is the most current. */
  write: WriteSum
  timer: NodeJS.Timeout
}

export class SummedLines {
  readonly #sumMs: number
  readonly #sums = new Map<string, Sum>()
  #isClosed = false

  /** `sumMs`: after a line has been written, others about the same are summed up for this long. */
  constructor(sumMs: number) {
    this.#sumMs = sumMs
  }

  /** Writes the first one `about` something at once, and sums up the others. */
  add(about: string, write: WriteSum): void {
    const sum = this.#sums.get(about)
    if (sum !== undefined) {
      sum.count++
      sum.write = write
      return
    }
    write(1, '')
    if (!this.#isClosed) this.#sums.set(about, { count: 0, write, timer: this.#later(about) })
  }

  /** Writes what has been summed up, and sums up nothing any more. Idempotent. */
  close(): void {
    this.#isClosed = true
    for (const about of this.#sums.keys()) this.#settle(about)
  }

  #later(about: string): NodeJS.Timeout {
    return setTimeout(() => this.#settle(about), this.#sumMs).unref()
  }

  #settle(about: string): void {
    const sum = this.#sums.get(about)
    if (sum === undefined) return
    clearTimeout(sum.timer)
    if (sum.count > 0) sum.write(sum.count, ` in ${this.#sumMs / 1000} s`)
    if (sum.count === 0 || this.#isClosed) this.#sums.delete(about)
    else Object.assign(sum, { count: 0, timer: this.#later(about) })
  }
}
