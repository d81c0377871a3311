import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../until.ts'

/** The processes whose working directory is `dir` or below it, zombies not counted. PostgreSQL's work in its data. */
export function processesIn(dir: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const cwd = readlinkSync(join('/proc', pid, 'cwd'))
        return cwd === dir || cwd.startsWith(`${dir}/`) || cwd === `${dir} (deleted)`
      } catch {
        // Gone since, a zombie, or another user's.
        return false
      }
    })
    .map(Number)
}

/** Sends a signal; false when there is no such process any more. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false
    throw error
  }
}

/** SIGSTOP, and waits until no thread of the process runs any more: the signal takes a moment to reach them. */
export function freeze(pid: number): void {
  if (!signal(pid, 'SIGSTOP')) return
  const tasks = join('/proc', String(pid), 'task')
  const isStopped = (task: string): boolean =>
    /^\d+ \(.*\) [TZX] /s.test(readFileSync(join(tasks, task, 'stat'), 'utf8'))
  while (!readdirSync(tasks).every(isStopped)) Atomics.wait(NOBODY, 0, 0, 1)
}

const NOBODY = new Int32Array(new SharedArrayBuffer(4))

/** SIGKILL for all processes in `dir` at once, as a power failure would do it; resolves when none is left. */
export async function killAllIn(dir: string): Promise<void> {
  await until(
    `no process works in ${dir}`,
    () => {
      const pids = processesIn(dir)
      for (const pid of pids) signal(pid, 'SIGKILL')
      return pids.length === 0
    },
    { everyMs: 5 },
  )
}

/** Releases the System V segment that a killed PostgreSQL leaves behind; nothing to do when it ended in order. */
export function removeSharedMemory(dataDir: string): void {
  try {
    const id = readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[6]?.trim().split(/\s+/)[1]
    if (id !== undefined) execFileSync('ipcrm', ['--shmem-id', id], { stdio: 'ignore' })
  } catch {
    // No postmaster.pid, or the segment is gone already.
  }
}
