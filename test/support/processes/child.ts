import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../until.ts'
import { freeze } from './signals.ts'
import { unref } from './unref.ts'
import { systemUser } from './user.ts'

export type ChildOptions = {
  /** Inside a TempDir: that is how the child is ended when the test process dies. */
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  /** The user to run as; without effect when we are not root. */
  readonly user?: string
  /** Standard error goes here, and standard output unless `onLine` takes it. */
  readonly logFile: string
  /** Each line of standard output. */
  readonly onLine?: (line: string) => void
}

export type StopOptions = { readonly signal?: NodeJS.Signals; readonly timeoutMs?: number }

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

/** What it has started may keep its standard output for longer than it runs. */
const LINGER_MS = 1000

/** A child process that leads a process group of its own and does not keep the test process alive. */
export class Child {
  readonly command: string
  /** Resolves when it has exited and all its lines are read. */
  readonly exited: Promise<Exit>
  readonly #process: ChildProcess
  readonly #logFile: string

  private constructor(command: string, process: ChildProcess, logFile: string) {
    this.command = command
    this.#process = process
    this.#logFile = logFile
    const closed = new Promise((resolve) => process.once('close', resolve))
    this.exited = new Promise((resolve) => {
      process.once('exit', (code, signal) => {
        void Promise.race([closed, sleep(LINGER_MS, undefined, { ref: false })]).then(() => resolve({ code, signal }))
      })
    })
  }

  /** @throws when the command cannot be run. */
  static async start(command: string, args: readonly string[], options: ChildOptions): Promise<Child> {
    const log = openSync(options.logFile, 'a')
    const user = options.user === undefined ? null : systemUser(options.user)
    const running = spawn(command, args, {
      cwd: options.cwd,
      env: { ...inherited(), LANG: 'C.UTF-8', HOME: options.cwd, ...options.env },
      detached: true,
      stdio: ['ignore', options.onLine ? 'pipe' : log, log],
      ...(user ?? {}),
    })
    closeSync(log)
    const child = new Child(command, running, options.logFile)
    await new Promise((resolve, reject) => {
      running.once('spawn', resolve)
      running.once('error', reject)
    })
    if (running.stdout !== null && options.onLine) createInterface({ input: running.stdout }).on('line', options.onLine)
    unref(running)
    return child
  }

  get pid(): number {
    const pid = this.#process.pid
    if (pid === undefined) throw new Error(`${this.command} has not started`)
    return pid
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null
  }

  /** What it has written to its log file. */
  log(): string {
    return readFileSync(this.#logFile, 'utf8')
  }

  /** Waits until it is of use; fails at once, with the end of its log, when it exits instead. */
  async until(
    what: string,
    condition: () => boolean | Promise<boolean>,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<void> {
    await until(what, async () => !this.running || (await condition()), options)
    if (!this.running) throw new Error(`${this.command} has exited before ${what}: ${this.log().slice(-2_000)}`)
  }

  /** To the process itself; false when it has ended. */
  signal(name: NodeJS.Signals): boolean {
    return this.#process.kill(name)
  }

  /** Stops the process itself; when this returns it does nothing any more. */
  freeze(): void {
    freeze(this.pid)
  }

  thaw(): void {
    this.signal('SIGCONT')
  }

  /** To the process and what it has started, as far as that stayed in its group. */
  signalGroup(name: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, name)
    } catch {
      // The whole group has ended.
    }
  }

  /** Asks it to end, insists after `timeoutMs`, and waits for its exit. Harmless when it has ended. */
  async stop({ signal = 'SIGTERM', timeoutMs = 10_000 }: StopOptions = {}): Promise<Exit> {
    if (this.running) this.signal(signal)
    const patience = new AbortController()
    const insist = sleep(timeoutMs, undefined, { signal: patience.signal }).then(
      () => this.signalGroup('SIGKILL'),
      () => undefined, // It has ended in time.
    )
    // An unref'd child alone would let the process end in the middle of this wait; the timer above does not.
    const exit = await this.exited
    patience.abort()
    await insist
    return exit
  }
}

/** The compile cache of the suite (scripts/test.ts) has a router start in half the time; coverage counts its lines. */
function inherited(): NodeJS.ProcessEnv {
  const { PATH, NODE_COMPILE_CACHE, NODE_V8_COVERAGE } = process.env
  return { PATH, NODE_COMPILE_CACHE, NODE_V8_COVERAGE }
}
