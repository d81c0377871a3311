/** Cases, the samples that their runs take, and the figures that are made of these. */

/** The sides that are measured at the same time or in turns; no router can be better than `cluster` or `direct`. */
export type Subject = 'router' | 'haproxy' | 'pipe' | 'direct' | 'cluster'

export type Unit = 'ms' | 'µs' | 's' | 'count' | 'MiB' | 'KiB' | '% of a core' | 'ms/s' | '%' | '/s' | 'GB/s' | 's/GB'

/** By key and subject, in the order in which they were taken. */
export type Samples = Readonly<Record<string, Readonly<Partial<Record<Subject, readonly number[]>>>>>

/** One line of a case's table. */
export interface Figure {
  /** Of the samples it is made of. */
  readonly key: string
  readonly label: string
  readonly unit: Unit
  /** The value taken from the samples; none: each sample counts by itself. */
  readonly of?: 'first' | 'median' | 'p99' | 'worst'
  /** The limit that every run has to keep to; none: for information. */
  readonly target?: Target
}

export type Limit = { readonly max: number } | { readonly min: number }

/** A limit; `times`: so often the same figure of the samples of another key; `ratio`: of the ratio to HAProxy. */
export type Target = Limit | { readonly times: number; readonly key: string } | RatioTarget

/** A limit of the median of the ratios router / HAProxy, each of samples of the same round. */
export interface RatioTarget {
  readonly ratio: Limit
  /** The ratio that decides instead where the rounds spread wider than the gap between their median and the limit. */
  readonly decider?: { readonly name: string; readonly key: string; readonly ratio: Limit }
}

export interface Case {
  readonly name: string
  readonly title: string
  readonly figures: readonly Figure[]
  /** It mostly waits, so another one of that kind may be measured beside it. */
  readonly waits?: boolean
  /** Measures `runs` times, or as often as the case has it (null), and reports each run as soon as it is over. */
  readonly measure: (runs: number | null, onRun: (run: Run) => void) => Promise<void>
}

/** One measurement of a case. */
export interface Run {
  /** Its number, from 1. */
  readonly run: number
  /** When it began, ISO 8601. */
  readonly at: string
  readonly samples: Samples
  /** Explanations of the samples, such as failures by code. */
  readonly notes: Readonly<Record<string, unknown>>
  /** Sentences for below the table. */
  readonly remarks: readonly string[]
  /** The longest that the measuring process itself was late, in milliseconds: less than that says nothing. */
  readonly lateMs: number
  /** Why the run broke off; the samples are those it had by then. */
  readonly error: string | null
  /** The router's log during the run. */
  readonly log: readonly unknown[]
}

/** Makes two figures of the same samples: their median and the worst. */
export function medianAndWorst(key: string, label: string, maxMs: number | null = null): readonly Figure[] {
  const target = maxMs === null ? {} : { target: { max: maxMs } }
  return [
    { key, label: `${label}, median`, unit: 'ms', of: 'median', ...target },
    { key, label: `${label}, worst`, unit: 'ms', of: 'worst', ...target },
  ]
}
