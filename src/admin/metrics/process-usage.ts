/** What the process uses, as Linux tells it in /proc/self: under the names that every Prometheus client has. */
import { readdir, readFile } from 'node:fs/promises'

export interface ProcessUsage {
  readonly residentBytes: number
  readonly virtualBytes: number
  /** In user and kernel mode, since the start. */
  readonly cpuSeconds: number
  readonly openFiles: number
  /** The soft limit; null: none. */
  readonly maxFiles: number | null
}

/** The kernel counts in this unit towards programs, whatever its own is (`USER_HZ`). Per second. */
const TICKS = 100

/** Reads it; null where there is no /proc. Never rejects. */
export async function readProcessUsage(): Promise<ProcessUsage | null> {
  try {
    const text = async (file: string): Promise<string> => readFile(`/proc/self/${file}`, 'utf8')
    const [status, stat, limits, files] = await Promise.all([
      text('status'),
      text('stat'),
      text('limits'),
      readdir('/proc/self/fd'),
    ])
    return parseProcessUsage(status, stat, limits, files.length)
  } catch {
    // Another system, or a sandbox that hides it: the families are left out.
    return null
  }
}

/** Takes it from the files; `files` has one more, of the directory that was read. */
export function parseProcessUsage(status: string, stat: string, limits: string, files: number): ProcessUsage {
  const kibibytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? NaN)
  // The name of the program is in parentheses, and may have blanks and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const max = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
  return {
    residentBytes: kibibytes('VmRSS') * 1024,
    virtualBytes: kibibytes('VmSize') * 1024,
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS,
    openFiles: files - 1,
    maxFiles: max === undefined ? null : Number(max),
  }
}
