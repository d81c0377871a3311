import type { Case, Figure, Subject } from './case.ts'
import { format } from './case.ts'
import { missesOf } from './results.ts'
import type { Result } from './results.ts'

/** One run as one line, and one more for each must that it misses. */
export function runLine(measured: Case, result: Result): string {
  const figures = measured.figures.flatMap((figure) => {
    const { router, haproxy, cluster } = result.values[figure.key] ?? {}
    const sides = [
      ...(cluster === undefined ? [] : [`cluster ${format(cluster)}`]),
      ...(router === undefined ? [] : [`router ${format(router)}`]),
      ...(haproxy === undefined ? [] : [`HAProxy ${format(haproxy)}`]),
    ]
    return sides.length === 0 ? [] : `${figure.key}${figure.unit === 'ms' ? ' ms' : ''}: ${sides.join(', ')}`
  })
  const notes = Object.entries(result.notes).map(([what, value]) => `${what} ${JSON.stringify(value)}`)
  const head = `${measured.name} ${result.run}: ${[...figures, ...notes].join('; ')}; bench late ${format(result.lateMs)} ms`
  return [head, ...missesOf(measured, result).map((miss) => `  MISSED ${miss}`)].join('\n')
}

/** The table of all cases: median and worst of each figure, and whether every run has kept what it must. */
export function table(cases: readonly Case[], results: readonly Result[]): string {
  const rows = cases.flatMap((measured) => {
    const runs = results.filter(({ case: name }) => name === measured.name)
    return runs.length === 0 ? [] : caseRows(measured, runs)
  })
  return [
    '| case | must | patroni-router: median (worst) | HAProxy: median (worst) | |',
    '|---|---|---|---|---|',
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n')
}

function caseRows(measured: Case, runs: readonly Result[]): string[][] {
  const broken = runs.filter(({ error }) => error !== null).length
  const own = runs.flatMap(({ values }) => values['outage']?.cluster ?? [])
  const notes = [
    runs.length === 1 ? '1 run' : `${runs.length} runs`,
    ...(own.length > 0 ? [`the cluster's own outage: ${spread(own, { unit: 'ms' })}`] : []),
    ...(broken > 0 ? [`${broken} broke off`] : []),
  ]
  const kept = runs.every((run) => missesOf(measured, run).length === 0)
  return [
    [`**${measured.title}** (${notes.join('; ')})`, '', '', '', kept ? '**kept**' : '**missed**'],
    ...measured.figures.flatMap((figure) => figureRow(figure, runs)),
  ]
}

function figureRow(figure: Figure, runs: readonly Result[]): string[][] {
  const of = (subject: Subject) => runs.flatMap(({ values }) => values[figure.key]?.[subject] ?? [])
  const [router, haproxy] = [of('router'), of('haproxy')]
  if (router.length + haproxy.length === 0 && figure.must === undefined) return []
  const measured =
    router.length < runs.length && router.length > 0 ? `, in ${router.length} of ${runs.length} runs` : ''
  const keeps = figure.must === undefined ? '' : keepsMust(figure, router, runs.length) ? 'kept' : 'missed'
  return [[figure.label, mustOf(figure), spread(router, figure) + measured, spread(haproxy, figure), keeps]]
}

function keepsMust(figure: Figure, values: readonly number[], runs: number): boolean {
  if (figure.must === undefined) return true
  const { must } = figure
  return values.length === runs && values.every((value) => ('max' in must ? value <= must.max : value >= must.min))
}

function mustOf({ must, unit }: Figure): string {
  if (must === undefined) return ''
  const value = 'max' in must ? must.max : must.min
  if (value === 0 && unit === 'count') return 'none'
  return 'max' in must ? `≤ ${withUnit(value, unit)}` : `≥ ${withUnit(value, unit)}`
}

/** Median and worst; the worst is the smallest where the must is a minimum. */
function spread(values: readonly number[], { unit, must }: Pick<Figure, 'unit' | 'must'>): string {
  if (values.length === 0) return '-'
  const sorted = [...values].sort((a, b) => a - b)
  const worst = (must !== undefined && 'min' in must ? sorted[0] : sorted.at(-1)) ?? NaN
  return `${withUnit(median(sorted), unit)} (${withUnit(worst, unit)})`
}

function median(sorted: readonly number[]): number {
  const [low = NaN, high = NaN] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return (low + high) / 2
}

function withUnit(value: number, unit: Figure['unit']): string {
  if (unit === 'count') return format(value)
  return Math.abs(value) < 2_000 ? `${format(value)} ms` : `${(value / 1_000).toFixed(1)} s`
}
