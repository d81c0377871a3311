import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

export const PROGRAM = join(import.meta.dirname, 'commit-program.ts')

/** What changes a file or a directory, or has it written to the disk. */
const CHANGES =
  'openat,write,pwrite64,ftruncate,fsync,fdatasync,fchown,fchmod,link,linkat,rename,renameat,renameat2,unlink'

/** One system call, of the thread that does the work on files. */
export interface Call {
  readonly name: string
  /** Which one of that name it is, from 1. */
  readonly nth: number
  /** Arguments and result, with the names of files in place of descriptors. */
  readonly text: string
}

export interface Traced {
  /** null: it was killed. */
  readonly status: number | null
  readonly output: string
  readonly calls: readonly Call[]
}

/**
 * Runs the program that commits `args` under strace, with `injects` (faults, signals). It works on files in one thread,
 * so that a call is the same one in each run; what it does to load itself is not counted.
 */
export async function traced(traceFile: string, injects: readonly string[], args: readonly string[]): Promise<Traced> {
  const options = ['-f', '-y', '-qq', '-s', '0', '-o', traceFile, '-e', `trace=${CHANGES}`, '-e', 'signal=none']
  const faults = injects.flatMap((inject) => ['-e', `inject=${inject}`])
  const child = spawn('strace', [...options, ...faults, process.execPath, PROGRAM, ...args], {
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const [status] = (await once(child, 'close')) as [number | null]
  const calls = callsOf(readFileSync(traceFile, 'utf8'))
  rmSync(traceFile)
  return { status, output, calls }
}

function callsOf(trace: string): readonly Call[] {
  const lines = trace.split('\n').flatMap((line) => {
    const [, pid = '', name = '', text = ''] = /^(\d+) +(\w+)\((.*)$/.exec(line) ?? []
    return name === '' ? [] : [{ pid, name, text }]
  })
  // Only the thread for files renames.
  const thread = lines.find(({ name }) => name.startsWith('rename'))?.pid
  const counts = new Map<string, number>()
  return lines
    .filter(({ pid }) => pid === thread)
    .map(({ name, text }) => {
      const nth = (counts.get(name) ?? 0) + 1
      counts.set(name, nth)
      return { name, nth, text }
    })
}
