import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { Child } from '../processes/child.ts'
import { type LanAnswer, LanRequests } from './lan-requests.ts'
import { type RunOptions, asRoot, run, succeed } from '../processes/root.ts'
import { unref } from '../processes/unref.ts'
import type { CommandResult } from '../router/process.ts'
import { TempDir } from '../files/temp.ts'

const KEEPER = join(import.meta.dirname, 'lan.sh')
/** Ends a command that was entered into the namespaces when who has entered it is ended. */
const WITH_PARENT = ['setpriv', '--pdeathsig', 'KILL']

type Keeper = ChildProcessByStdio<Writable, Readable, Readable>

type FetchOptions = { readonly method?: string; readonly body?: unknown; readonly timeoutMs?: number }

/**
 * A network for hosts: a bridge in a network namespace of its own, 10.0.0.0/24, in which 10.0.0.254 is whoever runs
 * something by {@link sh} and {@link start}. It has namespaces of its own for processes and mounts as well, so that
 * everything is gone with its first process, which ends with the test process, also when that is killed.
 */
export class Lan implements AsyncDisposable {
  readonly #dir: TempDir
  readonly #keeper: Keeper
  readonly #enter: readonly string[]
  readonly #requests: LanRequests

  private constructor(dir: TempDir, keeper: Keeper, enter: readonly string[]) {
    this.#dir = dir
    this.#keeper = keeper
    this.#enter = enter
    this.#requests = new LanRequests([...enter, ...WITH_PARENT])
  }

  /** @throws when this machine does not let us. */
  static async create(): Promise<Lan> {
    const dir = TempDir.create('lan')
    const [program, ...args] = [...asRoot(), 'sh', KEEPER, dir.path]
    const keeper = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, cwd: '/' })
    let problems = ''
    keeper.stderr.setEncoding('utf8').on('data', (text: string) => (problems += text))
    const init = await firstLine(keeper)
    if (init === null) {
      await dir.remove()
      throw new Error(`a network for the hosts of a test cannot be made: ${problems}`)
    }
    // The test process need not wait for it: it ends with it.
    unref(keeper)
    return new Lan(dir, keeper, [...asRoot(), 'nsenter', '--target', init, '--mount', '--pid', '--net', '--'])
  }

  /** Where the hosts are mounted, as seen from inside; outside it has only logs. */
  get path(): string {
    return this.#dir.path
  }

  /** The beginning of a command that is to be run inside. */
  get enter(): readonly string[] {
    return this.#enter
  }

  /** Runs a script in the LAN, on this machine's files. */
  async sh(script: string, options: RunOptions = {}): Promise<CommandResult> {
    return run([...this.#enter, ...WITH_PARENT, 'sh', '-c', script], options)
  }

  /** Like {@link sh}; its standard output. @throws when it fails. */
  async ok(script: string, options: RunOptions = {}): Promise<string> {
    return succeed([...this.#enter, ...WITH_PARENT, 'sh', '-c', script], options)
  }

  /** Starts a script that goes on; `onLine` gets each line of its standard output. It ends with the child. */
  async start(name: string, script: string, onLine?: (line: string) => void): Promise<Child> {
    return this.launch(name, [...this.#enter, ...WITH_PARENT, 'sh', '-c', script], onLine)
  }

  /** Starts any command, with a log in our directory. */
  async launch(name: string, command: readonly string[], onLine?: (line: string) => void): Promise<Child> {
    const [program = '', ...args] = command
    const logFile = join(this.path, `${name}.log`)
    return Child.start(program, args, { cwd: this.path, logFile, ...(onLine === undefined ? {} : { onLine }) })
  }

  /** A request from 10.0.0.254, such as to a REST API. @throws when there is no answer. */
  async fetch(url: string, { method = 'GET', body, timeoutMs = 120_000 }: FetchOptions = {}): Promise<LanAnswer> {
    return this.#requests.send({ url, method, body: body === undefined ? '' : JSON.stringify(body), timeoutMs })
  }

  /** Takes a host off the network: nothing gets through, while its interface stays up, as behind a broken switch. */
  async cut({ name }: { readonly name: string }): Promise<void> {
    await this.ok(`bridge link set dev vb-${name} state 0`)
  }

  async heal({ name }: { readonly name: string }): Promise<void> {
    await this.ok(`bridge link set dev vb-${name} state 3`)
  }

  /** The control group of a host, inside. */
  group(name: string): string {
    return join('/sys/fs/cgroup', basename(this.path), name)
  }

  /** Ends everything in it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#keeper.ref()
    const exited = new Promise((resolve) => this.#keeper.once('exit', resolve))
    if (this.#keeper.exitCode === null && this.#keeper.signalCode === null) {
      this.#keeper.stdin.end()
      await exited
    }
    await this.#dir.remove()
  }
}

async function firstLine(keeper: Keeper): Promise<string | null> {
  const lines = createInterface({ input: keeper.stdout })
  return new Promise((resolve, reject) => {
    lines.once('line', resolve)
    lines.once('close', () => resolve(null))
    keeper.once('error', reject)
  })
}
