/** The resources that the installed router needs. */
import type { Bench } from '../bench.ts'
import { MEASURED } from '../table.ts'
import { cpu } from './cpu.ts'
import { memory } from './memory.ts'
import { start } from './start.ts'

export const sizing: Bench = {
  name: 'sizing',
  cases: [memory, cpu, start],
  columns: MEASURED,
  document: 'docs/benchmarks.md',
  runs: 'of each measurement (3; of the start 10)',
}
