import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Case, Run, Subject } from './case.ts'

/** How often the lateness of this process is sampled. */
const RESOLUTION_MS = 10

type Values = Readonly<Partial<Record<Subject, number>>>

/** Takes the samples of one run as they become known: a run that breaks off keeps those it has. */
export class Recorder {
  readonly samples: Record<string, Partial<Record<Subject, number[]>>> = {}
  readonly notes: Record<string, unknown> = {}
  readonly remarks: string[] = []
  /** The number of this run, from 1. */
  readonly run: number

  constructor(run: number) {
    this.run = run
  }

  /** Adds a sample: a number is the router's. */
  add(key: string, value: number | Values): void {
    const samples = (this.samples[key] ??= {})
    for (const [subject, sample] of Object.entries(typeof value === 'number' ? { router: value } : value)) {
      ;(samples[subject as Subject] ??= []).push(sample)
    }
  }

  note(key: string, value: unknown): void {
    this.notes[key] = value
  }

  /** Adds a sentence for below the table. */
  remark(sentence: string): void {
    this.remarks.push(sentence)
  }

  /** Shows how far a long run has come. */
  progress(line: string): void {
    console.log(`  ${line}`)
  }
}

/** Does one run; never rejects. `work` is what is timed, on what `prepare` has made. */
export async function recordRun<T>(
  run: number,
  prepare: () => Promise<T>,
  work: (record: Recorder, prepared: T) => Promise<void>,
): Promise<Run> {
  const at = new Date().toISOString()
  const record = new Recorder(run)
  const late = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  let error: string | null = null
  try {
    const prepared = await prepare()
    late.enable()
    await work(record, prepared)
  } catch (thrown) {
    console.error(thrown)
    error = thrown instanceof Error ? thrown.message : String(thrown)
  }
  late.disable()
  const { samples, notes, remarks } = record
  return { run, at, samples, notes, remarks, lateMs: Math.max(late.max / 1e6 - RESOLUTION_MS, 0), error, log: [] }
}

/** Returns the `measure` of a case that repeats what it measures by itself, in one run. */
export function inOneRun(work: (record: Recorder, repeats: number | null) => Promise<void>): Case['measure'] {
  const prepare = (): Promise<null> => Promise.resolve(null)
  return async (repeats, onRun) => onRun(await recordRun(1, prepare, (record) => work(record, repeats)))
}
