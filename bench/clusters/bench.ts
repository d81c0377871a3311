/** The cost of several clusters in one router, and the time that the track command takes. */
import type { Bench } from '../bench.ts'
import { MEASURED } from '../table.ts'
import { large } from './large.ts'
import { many } from './many.ts'
import { scaleOnKubernetes, scaleOnZookeeper } from './scale.ts'
import { track } from './track.ts'

export const clusters: Bench = {
  name: 'clusters',
  cases: [many, scaleOnKubernetes, scaleOnZookeeper, large, track],
  columns: MEASURED,
  document: 'docs/benchmarks.md',
  runs: 'leader changes (50), seconds of writes (60), or processes of the track command (200)',
}
