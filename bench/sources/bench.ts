/** The DCSs that the router reads natively, beside each other. */
import type { Bench } from '../bench.ts'
import { MEASURED } from '../table.ts'
import { churn } from './churn.ts'
import { putToOpen } from './put-to-open.ts'

export const sources: Bench = {
  name: 'sources',
  cases: [putToOpen, churn],
  columns: MEASURED,
  document: 'docs/benchmarks.md',
  runs: 'puts on each DCS (200), or minutes of churn (10)',
}
