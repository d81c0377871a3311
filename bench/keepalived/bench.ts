/** How fast an address of keepalived follows, measured on hosts with the examples' own files. */
import type { Bench } from '../bench.ts'
import { MEASURED } from '../table.ts'
import { routerFrozen, routerKilled } from './pair.ts'
import { frozen, killed } from './router-lost.ts'
import { crash, planned } from './takeover.ts'

export const keepalived: Bench = {
  name: 'keepalived',
  cases: [planned, crash, killed, frozen, routerKilled, routerFrozen],
  columns: MEASURED,
  document: 'docs/benchmarks.md',
  runs: 'of each case (10)',
}
