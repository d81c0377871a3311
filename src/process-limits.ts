/** What the kernel lets this process have. */
import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'

export interface ProcessLimits {
  /** Open files; null: not known, or without a limit. */
  readonly descriptors: number | null
  /** null: not known. */
  readonly memoryBytes: number | null
}

export const NO_LIMITS: ProcessLimits = { descriptors: null, memoryBytes: null }

/**
 * Reads them. `constrained`: what the control group allows; 0 where there is no limit, or a number beyond all memory.
 */
export function readLimits(constrained: number): ProcessLimits {
  const memoryBytes = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
  return { descriptors: openFiles(), memoryBytes }
}

/** Returns the limit of open files; Node has raised the soft limit to the hard one by now. */
function openFiles(): number | null {
  try {
    const [, soft = ''] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return /^\d+$/.test(soft) ? Number(soft) : null
  } catch {
    return null // No /proc, or no descriptor is left to read it with.
  }
}
