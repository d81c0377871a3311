import type { Figure, Unit } from '../case.ts'
import { spreadOf } from '../median.ts'
import type { Columns } from '../table.ts'
import { valuesOf } from '../figures.ts'

/** The router, its peers and the ratio of each round: medians, and the quartiles of the ratios. */
export const BESIDE_PEERS: Columns = {
  head: '| case | target | patroni-router | HAProxy | Node `pipe()` | direct | router / HAProxy (quartiles) | |\n|---|---|---|---|---|---|---|---|',
  subjects: ['router', 'haproxy', 'pipe', 'direct'],
  format,
  cell: (figure, samples) => (samples.length === 0 ? '-' : format(valueOf(figure, samples), figure.unit)),
  ratios: (ratios) => {
    if (ratios.length === 0) return ''
    const { median, low, high } = spreadOf(ratios)
    return ratios.length === 1 ? median.toFixed(2) : `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`
  },
  notes: (runs) => {
    const rounds = Math.max(
      0,
      ...runs.flatMap(({ samples }) => Object.values(samples).map((of) => of.router?.length ?? 0)),
    )
    return [rounds === 1 ? '1 round' : `${rounds} rounds`]
  },
}

function valueOf(figure: Figure, samples: readonly number[]): number {
  return valuesOf({ of: 'median', ...figure }, samples)[0] ?? NaN
}

function format(value: number, unit: Unit): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  const number = value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  if (unit === 'count') return value.toLocaleString('en')
  return unit.startsWith('/') ? `${number}${unit}` : `${number} ${unit}`
}
