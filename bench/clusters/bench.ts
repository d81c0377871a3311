/** The cost of several clusters in one router, and the time that the track command takes. */
import type { Bench } from '../bench.ts'
import { MEASURED } from '../table.ts'
import { large } from './large.ts'
import { many } from './many.ts'
import { track } from './track.ts'

export const clusters: Bench = {
  name: 'clusters',
  cases: [many, large, track],
  columns: MEASURED,
  document: 'docs/benchmarks.md',
  runs: 'leader changes (50), or processes of the track command (200)',
}
