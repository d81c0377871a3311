import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

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

const ESTABLISHED = '01'

/** Returns how many connections the process has to a port, by IPv4. @throws when it has ended. */
export function connectionsTo(pid: number, port: number): number {
  const dir = `/proc/${pid}/fd`
  const own = new Set(readdirSync(dir).map((fd) => linkOf(join(dir, fd))))
  const remote = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const lines = readFileSync(`/proc/${pid}/net/tcp`, 'utf8').trim().split('\n').slice(1)
  return lines.filter((line) => {
    const [, , to = '', state, , , , , , inode = ''] = line.trim().split(/\s+/)
    return to.endsWith(remote) && state === ESTABLISHED && own.has(`socket:[${inode}]`)
  }).length
}

/** Returns what a descriptor leads to; empty: it was closed meanwhile. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
