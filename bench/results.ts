import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench } from './bench.ts'
import type { Run } from './case.ts'

/** A run as a results file stores it: one line of JSON each, so that several processes can append. */
export interface Result extends Run {
  readonly case: string
  readonly machine: string
}

/** Appends a run to a results file. */
export function appendResult(file: string, result: Result): void {
  appendFileSync(file, `${JSON.stringify(result)}\n`)
}

/** Reads results files. @throws when a file cannot be read or has a line that is not JSON. */
export function readResults(files: readonly string[]): Result[] {
  return files.flatMap((file) => {
    const lines = readFileSync(file, 'utf8').split('\n')
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Result)
  })
}

/** Returns the results that the documents are made of; none: it has not been measured. */
export function publishedResults(bench: Bench): readonly Result[] {
  const file = publishedFile(bench)
  return existsSync(file) ? readResults([file]) : []
}

/** Writes the results that the documents are made of. Cases that were not measured keep those of before. */
export function publish(bench: Bench, results: readonly Result[]): void {
  const all = merged(bench, publishedResults(bench), results)
  writeFileSync(publishedFile(bench), all.map((result) => `${JSON.stringify(result)}\n`).join(''))
}

/** Returns what is published of `before` and `results`: in the order of the cases, and without what no document needs. */
export function merged(bench: Bench, before: readonly Result[], results: readonly Result[]): readonly Result[] {
  return bench.cases.flatMap(({ name }) => {
    const of = (some: readonly Result[]): readonly Result[] => some.filter((result) => result.case === name)
    return of(results).length > 0 ? of(results).map(withoutLog) : of(before)
  })
}

function publishedFile({ name }: Bench): string {
  return join(import.meta.dirname, 'results', `${name}.jsonl`)
}

/** Logs, notes and the details of an error are long, and may name paths of the machine. */
function withoutLog(result: Result): Result {
  const round = (key: string, value: unknown): unknown =>
    typeof value === 'number' && key !== 'run' ? Math.round(value * 1000) / 1000 : value
  const short: Result = { ...result, notes: {}, log: [], error: result.error?.split('\n')[0] ?? null }
  return JSON.parse(JSON.stringify(short, round)) as Result
}
