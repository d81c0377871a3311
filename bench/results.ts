import { appendFileSync, readFileSync } from 'node:fs'
import type { Case, Values } from './case.ts'
import { missed } from './case.ts'

/** One run, as it is kept in a results file: one line of JSON each, so that several processes can append. */
export type Result = {
  readonly case: string
  readonly run: number
  /** When it began, ISO 8601. */
  readonly at: string
  readonly machine: string
  readonly values: Readonly<Record<string, Values>>
  readonly notes: Readonly<Record<string, unknown>>
  /** The longest that the measuring process itself was late, in milliseconds: less than that says nothing. */
  readonly lateMs: number
  /** Why the run broke off; the values are those it had by then. */
  readonly error: string | null
  /** The router's log during the run. */
  readonly log: readonly unknown[]
}

export function appendResult(file: string, result: Result): void {
  appendFileSync(file, `${JSON.stringify(result)}\n`)
}

/** @throws when a file cannot be read or has a line that is no result. */
export function readResults(files: readonly string[]): Result[] {
  return files.flatMap((file) => {
    const lines = readFileSync(file, 'utf8').split('\n')
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Result)
  })
}

/** What a run misses of what its case must keep, a figure that it did not get to included. */
export function missesOf({ figures }: Case, { values, error }: Result): string[] {
  const misses = figures.flatMap((figure) => {
    if (figure.must === undefined) return []
    const value = values[figure.key]?.router
    if (value === undefined) return [`${figure.label}: not measured`]
    return missed(figure, value) ?? []
  })
  return error === null ? misses : [`broke off: ${error}`, ...misses]
}
