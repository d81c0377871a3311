/** The router as a proxy, beside HAProxy, a plain pipe of Node and no proxy at all, one thread each. */
import type { Bench } from '../bench.ts'
import { BESIDE_PEERS } from './columns.ts'
import { closing } from './closing.ts'
import { connectionLog } from './connection-log.ts'
import { connects } from './connects.ts'
import { copy } from './copy.ts'
import { held } from './held.ts'
import { memory } from './memory.ts'
import { observed } from './observed.ts'
import { select } from './select.ts'

export const proxy: Bench = {
  name: 'proxy',
  cases: [select, copy, connects, memory, closing, held, connectionLog, observed],
  columns: BESIDE_PEERS,
  document: 'docs/benchmarks.md',
  runs: 'rounds of each case (9; of memory and held clients 3)',
}
