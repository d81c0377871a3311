/** The metrics of a router with very many members: how long a scrape keeps its event loop. */
import type { Bench } from '../bench.ts'
import { MEASURED } from '../table.ts'
import { scrape } from './scrape.ts'

export const metrics: Bench = {
  name: 'metrics',
  cases: [scrape],
  columns: MEASURED,
  document: 'docs/benchmarks.md',
  runs: 'scrapes of each size (50)',
}
