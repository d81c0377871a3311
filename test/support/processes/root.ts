import { spawn, spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CommandResult } from '../router/process.ts'

export type RunOptions = {
  /** After that it is killed, which is an error. */
  readonly timeoutMs?: number
  /** What it reads. */
  readonly input?: string
}

/** What makes a command one of root's: nothing, or a sudo that asks for no password. @throws when there is none. */
export function asRoot(): readonly string[] {
  if (process.getuid?.() === 0) return []
  if (spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0) return ['sudo', '-n']
  throw new Error('hosts of a test need root, or a sudo that asks for no password')
}

/**
 * Runs a command to its end. What it has started may go on and keep its pipes: that is not waited for.
 * @throws when it cannot be run or takes longer than `timeoutMs` (default 2 minutes, for a machine that others share).
 */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
  const { timeoutMs = 120_000, input = '' } = options
  const [program = '', ...args] = command
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  child.stdin.on('error', () => undefined) // It has ended without reading.
  child.stdin.end(input)
  const closed = new Promise((resolve) => child.once('close', resolve))
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  try {
    const { code, signal } = await new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
      child.once('exit', (code, signal) => resolve({ code, signal }))
      child.once('error', reject)
    })
    await Promise.race([closed, sleep(500, undefined, { ref: false })])
    if (code === null) throw new Error(`${signal ?? ''} after ${timeoutMs} ms: ${text(command, output)}`)
    return { code, ...output }
  } finally {
    clearTimeout(timer)
    child.stdout.destroy()
    child.stderr.destroy()
  }
}

/** Like {@link run}; its standard output. @throws when it fails, with all it has said. */
export async function succeed(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await run(command, options)
  if (result.code !== 0) throw new Error(`exit ${result.code}: ${text(command, result)}`)
  return result.stdout
}

function text(command: readonly string[], output: { readonly stdout: string; readonly stderr: string }): string {
  return `${command.at(-1) ?? ''}\n${output.stdout}${output.stderr}`
}
