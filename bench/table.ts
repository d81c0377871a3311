import type { Case, Figure, Samples, Subject, Unit } from './case.ts'
import { limitOf, missesOf, missOf, valuesOf, worst } from './figures.ts'
import { median } from './median.ts'
import { decidedBy, limitValue, ratiosOf } from './ratios.ts'
import type { Result } from './results.ts'

/** How a benchmark's table looks. */
export interface Columns {
  readonly head: string
  readonly subjects: readonly Subject[]
  readonly format: (value: number, unit: Unit) => string
  readonly cell: (figure: Figure, samples: readonly number[]) => string
  /** Returns the cell of the ratios to HAProxy; none: there is no such column. */
  readonly ratios?: (ratios: readonly number[]) => string
  /** Returns the remarks after the title of a case. */
  readonly notes: (runs: readonly Result[]) => readonly string[]
}

/** The router beside HAProxy, several runs of a sample each: median and worst. */
export const COMPARED: Columns = {
  head: '| case | target | patroni-router: median (worst) | HAProxy: median (worst) | |\n|---|---|---|---|---|',
  subjects: ['router', 'haproxy'],
  format: rounded,
  cell: spread,
  notes: (runs) => {
    const own = runs.flatMap(({ samples }) => samples['outage']?.cluster ?? [])
    return [
      runs.length === 1 ? '1 run' : `${runs.length} runs`,
      ...(own.length > 0 ? [`the cluster's own outage: ${spread({ unit: 'ms' }, own)}`] : []),
    ]
  },
}

/** The router alone, a figure a line. */
export const MEASURED: Columns = {
  head: '| case | target | measured | |\n|---|---|---|---|',
  subjects: ['router'],
  format: precise,
  cell: (figure, samples) => {
    if (samples.length === 0) return '-'
    return precise(valuesOf({ of: 'worst', ...figure }, samples)[0] ?? NaN, figure.unit)
  },
  notes: () => [],
}

const SUBJECTS: readonly (readonly [subject: Subject, name: string])[] = [
  ['cluster', 'cluster'],
  ['direct', 'direct'],
  ['router', 'router'],
  ['haproxy', 'HAProxy'],
  ['pipe', 'pipe'],
]

/** Formats one run as one line, and one more for each target that it misses. */
export function runLine(columns: Columns, measured: Case, result: Result): string {
  const figures = measured.figures.flatMap((figure) => {
    const sides = SUBJECTS.flatMap(([subject, name]) => {
      const values = valuesOf(figure, result.samples[figure.key]?.[subject] ?? [])
      return values.map((value) => `${name} ${columns.format(value, figure.unit)}`)
    })
    return sides.length === 0 ? [] : `${[figure.key, figure.of ?? []].flat().join(' ')}: ${sides.join(', ')}`
  })
  const notes = Object.entries(result.notes).map(([what, value]) => `${what} ${JSON.stringify(value)}`)
  const late = `bench late ${Math.round(result.lateMs)} ms`
  const head = `${measured.name} ${result.run}: ${[...figures, ...notes].join('; ')}; ${late}`
  return [head, ...missesOf(measured, result).map((miss) => `  MISSED ${miss}`)].join('\n')
}

/** Formats the table of all cases that were measured, and says of each figure whether every run has kept its target. */
export function table(columns: Columns, cases: readonly Case[], results: readonly Result[]): string {
  const rows = cases.flatMap((measured) => {
    const runs = results.filter(({ case: name }) => name === measured.name)
    return runs.length === 0 ? [] : caseRows(columns, measured, runs)
  })
  return [columns.head, ...rows.map((cells) => `| ${cells.join(' | ')} |`)].join('\n')
}

function caseRows(columns: Columns, measured: Case, runs: readonly Result[]): readonly (readonly string[])[] {
  const broken = runs.filter(({ error }) => error !== null)
  const reason = broken[0]?.error?.split('\n')[0] ?? ''
  const notes = [
    ...columns.notes(runs),
    ...(broken.length > 0 ? [`${runs.length === 1 ? '' : `${broken.length} `}broke off: ${reason}`] : []),
  ]
  const met = runs.every((run) => missesOf(measured, run).length === 0)
  const title = `**${measured.title}**${notes.length === 0 ? '' : ` (${notes.join('; ')})`}`
  return [
    [
      title,
      '',
      ...columns.subjects.map(() => ''),
      ...(columns.ratios === undefined ? [] : ['']),
      met ? '**met**' : '**missed**',
    ],
    ...measured.figures.flatMap((figure) => figureRow(columns, figure, runs)),
  ]
}

function figureRow(columns: Columns, figure: Figure, runs: readonly Result[]): readonly (readonly string[])[] {
  const sides = columns.subjects.map((subject) => samplesOf(runs, figure.key, subject))
  if (sides.every((samples) => samples.length === 0) && figure.target === undefined) return []
  const taken = runs.filter(({ samples }) => samples[figure.key]?.router !== undefined).length
  const cells = sides.map((samples, side) => {
    const partly = side === 0 && taken > 0 && taken < runs.length ? `, in ${taken} of ${runs.length} runs` : ''
    return columns.cell(figure, samples) + partly
  })
  const beside = columns.ratios?.(runs.flatMap(({ samples }) => ratiosOf(samples, figure.key)))
  const ratios = beside === undefined ? [] : [beside]
  return [[figure.label, mustOf(columns, figure, runs), ...cells, ...ratios, verdictOf(figure, runs)]]
}

function verdictOf(figure: Figure, runs: readonly Result[]): string {
  if (figure.target === undefined) return ''
  const verdict = runs.every((run) => missOf(figure, run) === null) ? 'met' : 'missed'
  const deciding = runs.flatMap(({ samples }) => decidedBy(figure, samples) ?? [])[0]
  return deciding === undefined ? verdict : `${verdict}, by ${deciding}`
}

function mustOf({ format }: Columns, figure: Figure, runs: readonly Result[]): string {
  const { target } = figure
  if (target !== undefined && 'ratio' in target)
    return `ratio ${'max' in target.ratio ? '≤' : '≥'} ${limitValue(target.ratio)}`
  const keys = [figure.key, ...(target !== undefined && 'times' in target ? [target.key] : [])]
  const samples: Samples = Object.fromEntries(keys.map((key) => [key, { router: samplesOf(runs, key, 'router') }]))
  const limit = limitOf(figure, samples)
  if (limit === null) return ''
  if ('min' in limit) return `≥ ${format(limit.min, figure.unit)}`
  return limit.max === 0 ? 'none' : `≤ ${format(limit.max, figure.unit)}`
}

function samplesOf(runs: readonly Result[], key: string, subject: Subject): readonly number[] {
  return runs.flatMap(({ samples }) => samples[key]?.[subject] ?? [])
}

function spread({ unit, target }: Pick<Figure, 'unit' | 'target'>, samples: readonly number[]): string {
  if (samples.length === 0) return '-'
  const sorted = [...samples].sort((a, b) => a - b)
  return `${rounded(median(sorted), unit)} (${rounded(worst(sorted, target), unit)})`
}

function rounded(value: number, unit: Unit): string {
  if (unit === 'count') return String(Math.round(value))
  return Math.abs(value) < 2_000 ? `${Math.round(value)} ${unit}` : `${(value / 1_000).toFixed(1)} s`
}

function precise(value: number, unit: Unit): string {
  return unit === 'count' ? String(value) : `${value.toFixed(1)} ${unit}`
}
