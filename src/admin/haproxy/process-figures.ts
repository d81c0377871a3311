/** What this process has of descriptors and memory, as `show info` and its metrics report it. */
import { getHeapStatistics } from 'node:v8'
import { readLimits } from '../../process-limits.ts'

export interface ProcessFigures {
  /** The limit of open files; null: not known, or without a limit. */
  readonly descriptors: number | null
  /** Of the heap of V8: taken from the system, and in use. */
  readonly heapBytes: number
  readonly usedHeapBytes: number
}

/** Reads them. */
export function processFigures(): ProcessFigures {
  const { total_heap_size: heapBytes, used_heap_size: usedHeapBytes } = getHeapStatistics()
  return { descriptors: readLimits(0).descriptors, heapBytes, usedHeapBytes }
}
