/** The parts of documents that are generated from the results in bench/results. */
import type { Generated } from '../scripts/generated.ts'
import { BENCHES } from './benches.ts'
import { tableWithCircumstances } from './document.ts'
import { failover } from './failover/bench.ts'
import { summary } from './failover/summary.ts'
import { publishedResults } from './results.ts'
import { sizing } from './sizing/bench.ts'
import { sizingSummary } from './sizing/summary.ts'

/** Returns them as the results are now: of a benchmark without results there is none. */
export function benchmarks(): readonly Generated[] {
  return [
    ...BENCHES.flatMap((bench): Generated[] => {
      const results = publishedResults(bench)
      if (results.length === 0) return []
      return [{ file: bench.document, part: bench.name, text: () => tableWithCircumstances(bench, results) }]
    }),
    { file: 'README.md', part: 'failover-summary', text: () => summary(publishedResults(failover)) },
    { file: 'docs/operations.md', part: 'sizing', text: () => sizingSummary(publishedResults(sizing)) },
  ]
}
