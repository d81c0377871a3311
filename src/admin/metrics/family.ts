/** What a metric family is, whatever it is rendered with. */
import type { HistogramCounts } from '../../histogram.ts'
import type { RouterStatus } from '../status.ts'
import type { ProcessUsage } from './process-usage.ts'

/** What all families are made of: taken at one moment. */
export interface Taken {
  readonly status: RouterStatus
  /** null: the system does not say. */
  readonly process: ProcessUsage | null
}

export interface Sample {
  /** Nothing secret, and no address of a client: every scrape has it. */
  readonly labels: Readonly<Record<string, string>>
  /** In base units: seconds, bytes. */
  readonly value: number
  /** After the name of the family: `_bucket`, `_sum`, `_count`. */
  readonly suffix?: string
}

export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary'
  /** Besides `le` of histograms. */
  readonly labels: readonly string[]
  /** Lazy: very many samples are not made in one turn of the event loop. */
  readonly samples: (taken: Taken) => Iterable<Sample>
}

type Labels = Sample['labels']

/** Makes one sample; none where the value is not known. */
export function* one(value: number | null, labels: Labels = {}): Iterable<Sample> {
  if (value !== null) yield { labels, value }
}

/** Makes a sample of 0 or 1 for each of the values that a state can have. */
export function* oneOf<S extends string>(all: readonly S[], present: S | null, labels: Labels = {}): Iterable<Sample> {
  for (const state of all) yield { labels: { ...labels, state }, value: Number(state === present) }
}

/** Makes the samples of a histogram, whose buckets are cumulative in Prometheus. */
export function* ofHistogram({ bounds, counts, sum }: HistogramCounts, labels: Labels): Iterable<Sample> {
  let total = 0
  for (const [place, bound] of bounds.entries()) {
    total += counts[place] ?? 0
    yield { labels: { ...labels, le: String(seconds(bound)) }, value: total, suffix: '_bucket' }
  }
  total += counts[bounds.length] ?? 0
  yield { labels: { ...labels, le: '+Inf' }, value: total, suffix: '_bucket' }
  yield { labels, value: seconds(sum), suffix: '_sum' }
  yield { labels, value: total, suffix: '_count' }
}

/** Returns seconds with no digits that are none of the milliseconds: 0.0025, not 0.0025000000000000001. */
export function seconds(ms: number): number {
  return Number((ms / 1000).toPrecision(15))
}
