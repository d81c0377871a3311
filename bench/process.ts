import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** The resources that a process uses, as Linux counts them. */
export interface Usage {
  readonly mebibytes: number
  readonly descriptors: number
  /** Since its start. */
  readonly cpuMs: number
}

const TICKS_PER_S = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** Returns what the process uses at the moment. @throws when it has ended. */
export function usageOf(pid: number): Usage {
  const [, kib = 'NaN'] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return {
    mebibytes: Number(kib) / 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    cpuMs: ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_S,
  }
}
