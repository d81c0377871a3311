import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Bed } from './testbed.ts'
import { Recorder } from './case.ts'
import type { Case } from './case.ts'
import type { Result } from './results.ts'

/** How often the lateness of this process is sampled. */
const RESOLUTION_MS = 10

export type MeasureOptions = {
  readonly runs: number
  readonly machine: string
  /** Gets each run as soon as it is over. */
  readonly onResult: (result: Result) => void
}

/** Measures a case `runs` times on one cluster; a run that breaks off is reported, and the next gets a new cluster. */
export async function measureCase(measured: Case, { runs, machine, onResult }: MeasureOptions): Promise<void> {
  let bed: Bed | null = null
  try {
    for (let run = 1; run <= runs; run++) {
      const at = new Date().toISOString()
      const record = new Recorder(run)
      const late = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
      let error: string | null = null
      let line = 0
      try {
        bed ??= await Bed.start(measured.bed)
        const leader = await bed.settle()
        line = bed.router.log.length
        late.enable()
        await measured.measure(bed, record, leader)
      } catch (thrown) {
        error = thrown instanceof Error ? thrown.message : String(thrown)
      }
      late.disable()
      const lateMs = Math.max(late.max / 1e6 - RESOLUTION_MS, 0)
      const log = bed?.router.log.slice(line) ?? []
      onResult({
        case: measured.name,
        run,
        at,
        machine,
        values: record.values,
        notes: record.notes,
        lateMs,
        error,
        log,
      })
      if (error !== null) {
        await bed?.[Symbol.asyncDispose]()
        bed = null
      }
    }
  } finally {
    await bed?.[Symbol.asyncDispose]()
  }
}
