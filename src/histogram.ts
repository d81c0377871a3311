/** Counts of observed durations, by upper bound: what a histogram of Prometheus is made of. */

/** Plain data. */
export interface HistogramCounts {
  /** Upper bounds, rising. Milliseconds. */
  readonly bounds: readonly number[]
  /** How many were at most the bound of the same place and above the one before; the last one counts those above all bounds. */
  readonly counts: readonly number[]
  /** Milliseconds. */
  readonly sum: number
}

export class Histogram {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0

  /** `bounds`: rising. Milliseconds. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0)
  }

  observe(ms: number): void {
    let place = 0
    while (place < this.#bounds.length && ms > (this.#bounds[place] ?? Infinity)) place++
    this.#counts[place] = (this.#counts[place] ?? 0) + 1
    this.#sum += ms
  }

  /** Returns what was observed so far. */
  get counts(): HistogramCounts {
    return { bounds: this.#bounds, counts: [...this.#counts], sum: this.#sum }
  }
}
