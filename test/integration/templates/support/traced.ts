import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const PROGRAM = join(import.meta.dirname, 'commit-program.ts')

/** What changes a file or a directory, or has it written to the disk. */
const CHANGES =
  'openat,write,pwrite64,ftruncate,fsync,fdatasync,fchown,fchmod,link,linkat,rename,renameat,renameat2,unlink'

/** One system call, of the thread that does the work on files. */
export interface Call {
  readonly name: string
  /** Arguments and result, with the names of files in place of descriptors. */
  readonly text: string
}

interface Traced {
  readonly output: string
  readonly calls: readonly Call[]
}

/** Runs the program that commits `args` under strace. It works on files in one thread; what it does to load itself is left out. */
export async function traced(traceFile: string, args: readonly string[]): Promise<Traced> {
  const options = ['-f', '-y', '-qq', '-s', '0', '-o', traceFile, '-e', `trace=${CHANGES}`, '-e', 'signal=none']
  const child = spawn('strace', [...options, process.execPath, PROGRAM, ...args], {
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  await once(child, 'close')
  const calls = callsOf(readFileSync(traceFile, 'utf8'))
  rmSync(traceFile)
  return { output, calls }
}

function callsOf(trace: string): readonly Call[] {
  const lines = trace.split('\n').flatMap((line) => {
    const [, pid = '', name = '', text = ''] = /^(\d+) +(\w+)\((.*)$/.exec(line) ?? []
    return name === '' ? [] : [{ pid, name, text }]
  })
  // Only the thread for files renames.
  const thread = lines.find(({ name }) => name.startsWith('rename'))?.pid
  return lines.filter(({ pid }) => pid === thread)
}
