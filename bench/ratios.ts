/** What of the router is judged by HAProxy in the same round: load of the machine affects both alike. */
import type { Figure, Limit, RatioTarget, Samples, Subject } from './case.ts'
import { spreadOf } from './median.ts'

/** Returns router (or another subject) / HAProxy of each round that has both. */
export function ratiosOf(samples: Samples, key: string, subject: Subject = 'router'): readonly number[] {
  const { [subject]: measured = [], haproxy = [] } = samples[key] ?? {}
  return measured.slice(0, haproxy.length).map((value, round) => value / (haproxy[round] ?? NaN))
}

/** Returns the name of what decides in place of the rounds' own ratios, or null. */
export function decidedBy({ key, target }: Figure, samples: Samples): string | null {
  if (target === undefined || !('ratio' in target) || target.decider === undefined) return null
  return isUndecided(ratiosOf(samples, key), target.ratio) ? target.decider.name : null
}

/** Returns why the rounds miss the target, or null. */
export function ratioMissOf({ key, label }: Figure, target: RatioTarget, samples: Samples): string | null {
  const ratios = ratiosOf(samples, key)
  if (ratios.length === 0) return `${label}: not measured`
  const { decider } = target
  if (decider === undefined || !isUndecided(ratios, target.ratio)) return beyond(label, ratios, target.ratio)
  const deciding = ratiosOf(samples, decider.key)
  if (deciding.length === 0) return `${label}: ${decider.name}, which decides, was not measured`
  return beyond(`${label}, decided by ${decider.name}`, deciding, decider.ratio)
}

/**
 * Returns whether these rounds do not say on which side of the limit they are: they spread (half of them) over the limit,
 * that is wider than the gap between it and their median.
 */
export function isUndecided(ratios: readonly number[], limit: Limit): boolean {
  const { low, high } = spreadOf(ratios)
  const at = limitValue(limit)
  return low < at && at < high
}

/** Returns the number of a limit. */
export function limitValue(limit: Limit): number {
  return 'max' in limit ? limit.max : limit.min
}

function beyond(label: string, ratios: readonly number[], limit: Limit): string | null {
  const { median } = spreadOf(ratios)
  const within = 'max' in limit ? median <= limit.max : median >= limit.min
  if (within) return null
  return `${label}: ${median.toFixed(3)} of HAProxy is ${'max' in limit ? 'more' : 'less'} than ${limitValue(limit)}`
}
