import type { Bench } from './bench.ts'
import type { Result } from './results.ts'
import { table } from './table.ts'

/** Returns the table of the results, and below it when, where and how they were measured. */
export function tableWithCircumstances(bench: Bench, results: readonly Result[]): string {
  return `${table(bench.columns, bench.cases, results)}\n\n${circumstances(bench, results)}`
}

/** Returns a sentence or two on when, where and how the results were measured. */
export function circumstances({ name }: Bench, results: readonly Result[]): string {
  const days = [...new Set(results.map(({ at }) => at.slice(0, 10)))].sort()
  const machines = [...new Set(results.map(({ machine }) => machine))]
  const late = Math.max(0, ...results.map(({ lateMs }) => lateMs))
  return [
    `Measured ${days.join(', ')} with \`npm run bench:${name}\` on ${machines.join(' and on ')}.`,
    `The measuring process was never late by more than ${Math.round(late)} ms.`,
    ...new Set(results.flatMap(({ remarks }) => remarks)),
  ].join(' ')
}
