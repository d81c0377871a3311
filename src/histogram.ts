/** Counts of observed durations, by upper bound: what a histogram of Prometheus is made of. Plain data. */

export interface HistogramCounts {
  /** Upper bounds, rising. Milliseconds. */
  readonly bounds: readonly number[]
  /** How many were at most the bound of the same place and above the one before; the last one counts those above all bounds. */
  readonly counts: readonly number[]
  /** Milliseconds. */
  readonly sum: number
}
