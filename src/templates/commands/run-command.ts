/** Runs one command to its end, whatever it does. */
import { type ChildProcess, spawn } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { Socket } from 'node:net'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { now } from '../../clock.ts'
import { NO_PROGRAM, programIn } from '../../config/templates/command.ts'
import type { CommandConfig } from '../../config/config.ts'
import { formatDuration } from '../../config/values/units.ts'
import { codeOf, failureOf } from '../../errors.ts'
import { fill, type Fill } from './input.ts'
import { Output } from './output.ts'

/** What came of a command. */
export interface CommandResult {
  readonly ok: boolean
  /** For a person, one line: `exited with 1`, `killed: it did not end within 30s`, `cannot be started: no such file`. */
  readonly outcome: string
  readonly exitCode: number | null
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly durationMs: number
  /** What it wrote to both outputs, as text fit to be shown, at most the last 4 KiB. */
  readonly output: string
}

export interface CommandOptions {
  readonly fill: Fill
  /** The command's own variables come on top of it (input.ts). */
  readonly env: Readonly<Record<string, string>>
  /** Signals a process group; false where there is none any more. Never throws. */
  readonly signalGroup: (pid: number, signal: 'SIGTERM' | 'SIGKILL') => boolean
  /** Ends the command. */
  readonly signal: AbortSignal
}

/** Runs a command of the configuration. `env`: variables besides those that every command gets. Never rejects. */
export type RunCommand = (
  command: CommandConfig,
  options: Pick<CommandOptions, 'fill' | 'env' | 'signal'>,
) => Promise<CommandResult>

/** Returns what runs commands with these variables. */
export function commandRunner(env: CommandOptions['env'], signalGroup: CommandOptions['signalGroup']): RunCommand {
  return (command, options) => runCommand(command, { ...options, env: { ...env, ...options.env }, signalGroup })
}

/** From TERM to KILL. Milliseconds. */
const TERM_MS = 2000
/** What is killed and does not end hangs in the kernel, on a file system that is gone. Milliseconds. */
const KILL_MS = 5000
/** For what was written before the exit; a daemon that the command has become never closes its outputs. Milliseconds. */
const DRAIN_MS = 100

type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null }
type Started = { readonly child: ChildProcess; readonly exit: Promise<Exit>; readonly closed: Promise<void> }

/**
 * Runs `command` as the leader of a session of its own, without input, and waits for its exit, not for its outputs:
 * what it leaves running after its own exit continues, and can write for ever. When its time is over, or `signal`
 * aborts, its whole process group gets TERM and then KILL. Never rejects.
 */
export async function runCommand(command: CommandConfig, options: CommandOptions): Promise<CommandResult> {
  const startedAt = now()
  const output = new Output()
  const { ok, outcome, exitCode } = await run(command, options, output)
  return { ok, outcome, exitCode, startedAt, durationMs: now() - startedAt, output: output.toString() }
}

type Outcome = Pick<CommandResult, 'ok' | 'outcome' | 'exitCode'>

async function run(command: CommandConfig, options: CommandOptions, output: Output): Promise<Outcome> {
  if (options.signal.aborted) return { ok: false, outcome: 'stopped before it began', exitCode: null }
  let started: Started
  try {
    started = await start(command, options, output)
  } catch (error) {
    return { ok: false, outcome: `cannot be started: ${await reasonOf(error, command)}`, exitCode: null }
  }
  const { child, exit, closed } = started
  const over = new AbortController()
  const end = AbortSignal.any([options.signal, over.signal])
  try {
    const timeout = sleep(command.timeoutMs, 'timeout' as const, { signal: end }).catch(() => 'stopped' as const)
    const first = await Promise.race([exit, timeout])
    if (typeof first === 'object') {
      await Promise.race([closed, sleep(DRAIN_MS, undefined, { signal: over.signal }).catch(() => undefined)])
      return outcomeOf(first)
    }
    const gone = await endGroup(started, command, options, over.signal)
    const why = first === 'stopped' ? 'stopped' : `killed: it did not end within ${formatDuration(command.timeoutMs)}`
    const code = gone?.code ?? null
    return { ok: false, outcome: gone === null ? `${why}, and does not end` : why, exitCode: code }
  } finally {
    over.abort()
    letGo(child)
  }
}

async function start(command: CommandConfig, options: CommandOptions, output: Output): Promise<Started> {
  const filled = fill(command.command, options.fill)
  const [program = '', ...args] = typeof filled === 'string' ? ['/bin/sh', '-c', filled] : filled
  const child: ChildProcess = spawn(program, args, {
    cwd: command.workingDir,
    env: { ...options.env, ...command.env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of streamsOf(child)) {
    // An error of one of them says nothing about the command.
    stream.on('data', output.stream()).on('error', () => undefined)
  }
  const exit = new Promise<Exit>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })))
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('spawn', () => {
      child.off('error', reject)
      resolve()
    })
  })
  return { child, exit, closed }
}

/** Ends the process group; null when it does not end. */
async function endGroup(
  { child, exit, closed }: Started,
  { timeoutMs }: CommandConfig,
  { signalGroup }: CommandOptions,
  over: AbortSignal,
): Promise<Exit | null> {
  const { pid } = child
  if (pid === undefined) return exit
  const wait = (ms: number): Promise<null> => sleep(ms, null, { signal: over }).catch(() => null)
  const patience = wait(Math.min(TERM_MS, timeoutMs))
  signalGroup(pid, 'SIGTERM')
  // Its children have as long as it has: a process that holds the outputs is still there.
  await Promise.race([Promise.all([exit, closed]), patience])
  // Also when the leader has gone: its children may not have.
  signalGroup(pid, 'SIGKILL')
  return Promise.race([exit, wait(KILL_MS)])
}

/** Keeps reading the output of a daemon, so that it is neither blocked nor ended by it; keeps nothing of it, nor the process alive. */
function letGo(child: ChildProcess): void {
  child.unref()
  for (const stream of streamsOf(child)) {
    stream.removeAllListeners('data')
    stream.resume()
    if (stream instanceof Socket) stream.unref()
  }
}

/** Returns the output streams: none where there was no descriptor left for them. */
function streamsOf({ stdout, stderr }: Partial<ChildProcess>): Readable[] {
  return [stdout, stderr].flatMap((stream) => stream ?? [])
}

function outcomeOf({ code, signal }: Exit): Outcome {
  if (signal !== null) return { ok: false, outcome: `ended by ${signal}`, exitCode: null }
  return { ok: code === 0, outcome: `exited with ${code ?? 'no code'}`, exitCode: code }
}

/** Returns why it did not start. Node reports a missing directory and a missing program alike. Its own message shows the program, whatever that is. */
async function reasonOf(error: unknown, { command, workingDir }: CommandConfig): Promise<string> {
  const directory = await stat(workingDir).catch(() => null)
  if (directory?.isDirectory() !== true) return `its working directory ${workingDir} does not exist`
  const [program = ''] = typeof command === 'string' ? ['/bin/sh'] : command
  const shown = programIn([program])
  const failure = failureOf(error)
  if (failure === 'missing') {
    const isThere = (await stat(resolve(workingDir, program)).catch(() => null)) !== null
    // Its lines may end as those of Windows do.
    if (isThere && program.includes('/')) return `the interpreter that ${shown ?? 'the program'} names does not exist`
    return shown === null ? NO_PROGRAM : `no such program: ${shown}`
  }
  if (failure === 'denied') return `not allowed to run ${shown ?? 'the program'}`
  return codeOf(error) ?? 'unknown reason'
}
