/** The guarantees of the templates, measured with real parts. */
import type { Bench } from '../bench.ts'
import { MEASURED } from '../table.ts'
import { burst } from './burst.ts'
import { churn } from './churn.ts'
import { leader } from './leader.ts'
import { members } from './members.ts'
import { pgbouncer } from './pgbouncer.ts'

export const templates: Bench = {
  name: 'templates',
  cases: [leader, churn, burst, members, pgbouncer],
  columns: MEASURED,
  document: 'docs/benchmarks.md',
  runs: 'leader changes (50), renders (100) or switchovers (20)',
}
