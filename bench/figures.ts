/** What a benchmark with a table of figures measures. */

export interface Figure {
  readonly label: string
  readonly value: number
  readonly unit: 'ms' | 'count' | 'MiB' | '% of a core'
  /** What it has to keep; null: it is for information. */
  readonly must: { readonly max: number } | { readonly min: number } | null
}

export interface Case {
  readonly name: string
  readonly title: string
  /** `runs`: how often what is measured is repeated, where it is; null: as often as the case has it. */
  readonly measure: (runs: number | null, progress: (line: string) => void) => Promise<readonly Figure[]>
}

/** The value below which `share` (0..1) of them are. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN
}

export function format({ value, unit }: Pick<Figure, 'value' | 'unit'>): string {
  return unit === 'count' ? String(value) : `${value.toFixed(1)} ${unit}`
}

export function isKept({ value, must }: Figure): boolean {
  if (must === null) return true
  return 'max' in must ? value <= must.max : value >= must.min
}

export function mustOf({ must, unit }: Figure): string {
  if (must === null) return ''
  if ('min' in must) return `≥ ${format({ value: must.min, unit })}`
  return must.max === 0 ? 'none' : `≤ ${format({ value: must.max, unit })}`
}
