import type { Case, Figure, Limit, Run, Samples, Subject, Target } from './case.ts'
import { median } from './median.ts'
import { ratioMissOf } from './ratios.ts'

/** Returns what `figure` is of these samples: a single value, or each sample. */
export function valuesOf({ of, target }: Figure, samples: readonly number[]): readonly number[] {
  const sorted = [...samples].sort((a, b) => a - b)
  const value = {
    first: () => samples[0],
    median: () => median(sorted),
    p99: () => sorted[Math.ceil(0.99 * sorted.length) - 1],
    worst: () => worst(sorted, target),
  }
  if (of === undefined || samples.length === 0) return samples
  return [value[of]() ?? NaN]
}

/** Returns the median of all samples that these runs have of a key, or null when they have none. */
export function medianOf(runs: readonly Run[], key: string, subject: Subject): number | null {
  const samples = runs.flatMap((run) => run.samples[key]?.[subject] ?? [])
  return samples.length === 0 ? null : median(samples.toSorted((a, b) => a - b))
}

/** Returns the largest of sorted values, or the smallest where the target is a minimum. */
export function worst(sorted: readonly number[], target: Target | undefined): number {
  return (target !== undefined && 'min' in target ? sorted[0] : sorted.at(-1)) ?? NaN
}

/** Returns the limit of a figure's values. A limit in terms of other samples is worked out from `samples`. */
export function limitOf({ target, of }: Figure, samples: Samples): Limit | null {
  if (target === undefined || 'ratio' in target) return null
  if (!('times' in target)) return target
  const { key, times } = target
  const [value = NaN] = valuesOf({ key, label: '', unit: 'ms', of: of ?? 'worst' }, samples[key]?.router ?? [])
  return { max: times * value }
}

/** Returns why a run misses the target of `figure`, or null. A figure without a sample is missed. */
export function missOf(figure: Figure, { samples }: Run): string | null {
  if (figure.target !== undefined && 'ratio' in figure.target) return ratioMissOf(figure, figure.target, samples)
  const limit = limitOf(figure, samples)
  if (limit === null) return null
  const values = valuesOf(figure, samples[figure.key]?.router ?? [])
  if (values.length === 0) return `${figure.label}: not measured`
  const beyond = values.find((value) => !('max' in limit ? value <= limit.max : value >= limit.min))
  if (beyond === undefined) return null
  const shown = Math.round(beyond * 10) / 10
  return 'max' in limit
    ? `${figure.label}: ${shown} is more than ${limit.max}`
    : `${figure.label}: ${shown} is less than ${limit.min}`
}

/** Returns every target of its case that a run misses. */
export function missesOf({ figures }: Case, run: Run): readonly string[] {
  const misses = figures.flatMap((figure) => missOf(figure, run) ?? [])
  return run.error === null ? misses : [`broke off: ${run.error}`, ...misses]
}
