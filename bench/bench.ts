import type { Case } from './case.ts'
import type { Columns } from './table.ts'

/** A benchmark: cases whose figures make one table. */
export interface Bench {
  /** Of the npm script, of the results file, and of the markers in the document. */
  readonly name: string
  readonly cases: readonly Case[]
  readonly columns: Columns
  /** The document that has its table. */
  readonly document: string
  /** The description of `--runs`, with the default. */
  readonly runs: string
}
