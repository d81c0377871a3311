/** Returns the median of sorted values; of an even number the middle of both. */
export function median(sorted: readonly number[]): number {
  const [low = NaN, high = NaN] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return (low + high) / 2
}

/** The median of values and the quartiles around it: half of the values are between `low` and `high`. */
export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

/** Returns the median and the quartiles, which are the medians of both halves; the middle one belongs to both. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const half = Math.ceil(sorted.length / 2)
  return { median: median(sorted), low: median(sorted.slice(0, half)), high: median(sorted.slice(-half)) }
}
