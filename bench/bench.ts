import type { Case } from './case.ts'
import type { Columns } from './table.ts'

/** A benchmark: cases whose figures make one table. */
export interface Bench {
  /** Of the npm script, and of the markers in the document. */
  readonly name: string
  readonly cases: readonly Case[]
  readonly columns: Columns
  /** Where its table stands. */
  readonly document: string
  /** What `--runs` counts, and how many are measured without it. */
  readonly runs: string
}
