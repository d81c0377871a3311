import { appendFileSync, readFileSync } from 'node:fs'
import type { Run } from './case.ts'

/** A run as a results file keeps it: one line of JSON each, so that several processes can append. */
export interface Result extends Run {
  readonly case: string
  readonly machine: string
}

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
