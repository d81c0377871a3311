/** How many came within a second, now and at most: as HAProxy estimates it (`freq_ctr.h`), so that none of them is kept. */

/** Milliseconds. */
const SECOND = 1000

export class Rate {
  /** The second that is counted, and how many came in it and in the one before. */
  #second = 0
  #count = 0
  #before = 0
  #max = 0

  /** Notes one. `at`: milliseconds, which never fall. */
  add(at: number): void {
    this.#turn(at)
    this.#count++
    this.#max = Math.max(this.#max, this.#estimate(at))
  }

  /** Returns how many came in the second before `at`: of the whole second before the present one the part that is still in it. */
  at(at: number): number {
    this.#turn(at)
    return this.#estimate(at)
  }

  /** Returns the most that there were. */
  get max(): number {
    return this.#max
  }

  #estimate(at: number): number {
    return this.#count + Math.floor(this.#before * (1 - (at % SECOND) / SECOND))
  }

  #turn(at: number): void {
    const second = Math.floor(at / SECOND)
    if (second === this.#second) return
    this.#before = second === this.#second + 1 ? this.#count : 0
    this.#count = 0
    this.#second = second
  }
}
