import { execFile } from 'node:child_process'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { askStatus } from '../../../src/admin/client.ts'
import { type StatusJson, statusSchema } from '../../../src/admin/status/schema.ts'
import { Child } from '../processes/child.ts'
import type { Exit, StopOptions } from '../processes/child.ts'
import type { PatroniCluster } from '../patroni/cluster.ts'
import { freePorts, listens } from '../net/ports.ts'
import { TempDir } from '../files/temp.ts'
import { until } from '../until.ts'

const MAIN = join(import.meta.dirname, '../../../src/main.ts')

/** A line of the router's log; `time` in milliseconds since the epoch. */
export type LogLine = Readonly<Record<string, unknown>> & {
  readonly level: string
  readonly time: number
  readonly msg: string
}

export type CommandResult = { readonly code: number; readonly stdout: string; readonly stderr: string }

export type RouterOptions = {
  /** Merged over what {@link RouterProcess} chooses: `proxy.listeners` on free ports, `admin.socket` and no HTTP. */
  readonly config: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
  /** The program: another one than `src/main.ts`. */
  readonly main?: string
  /** After `run -c FILE`. */
  readonly args?: readonly string[]
  /** How many files it may have open (`ulimit -n`). */
  readonly descriptors?: number
}

/** Runs a command of the router to its end, such as `('check', '-c', file)`. */
export async function runMain(...args: string[]): Promise<CommandResult> {
  return runMainWith({}, ...args)
}

/** Like {@link runMain}, with more environment. */
export async function runMainWith(env: Readonly<Record<string, string>>, ...args: string[]): Promise<CommandResult> {
  return new Promise((resolve) => {
    const options = { timeout: 60_000, env: { ...process.env, ...env } }
    execFile(process.execPath, [MAIN, ...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ code, stdout, stderr })
    })
  })
}

/** The router under test: `main.ts run` as a process of its own. */
export class RouterProcess implements AsyncDisposable {
  readonly primaryPort: number
  readonly replicaPort: number
  readonly configFile: string
  readonly socketPath: string
  /** The log so far. */
  readonly log: LogLine[] = []
  /** What was written to standard output and is no log line. */
  readonly stray: string[] = []
  readonly #dir: TempDir
  readonly #options: RouterOptions
  #child: Child | null = null

  private constructor(options: RouterOptions, [primaryPort = 0, replicaPort = 0]: readonly number[]) {
    this.#options = options
    this.#dir = TempDir.create('router')
    this.primaryPort = primaryPort
    this.replicaPort = replicaPort
    this.configFile = join(this.#dir.path, 'config.yml')
    this.socketPath = join(this.#dir.path, 'admin.sock')
    this.configure(options.config)
  }

  /** Starts it and waits until it listens on both ports. */
  static async start(options: RouterOptions): Promise<RouterProcess> {
    const router = new RouterProcess(options, await freePorts(2))
    try {
      await router.start()
    } catch (error) {
      await router[Symbol.asyncDispose]()
      throw error
    }
    return router
  }

  /** A router for a Patroni cluster; `config` has what shall differ from the defaults. */
  static async forCluster(cluster: PatroniCluster, options: Partial<RouterOptions> = {}): Promise<RouterProcess> {
    const { scope, namespace } = cluster.settings
    const config = { scope, namespace, ...cluster.access, ...options.config }
    return RouterProcess.start({ ...options, config, env: { ...cluster.env, ...options.env } })
  }

  /** Writes the configuration file, whole at any time; a running router reads it after {@link reload}. */
  configure(config: Readonly<Record<string, unknown>>): void {
    const {
      proxy = {},
      admin = {},
      ...rest
    } = config as {
      proxy?: { listeners?: object }
      admin?: object
      clusters?: object
    }
    // Of several clusters they are the first one's.
    const [cluster] = Object.keys(rest.clusters ?? {})
    const whose = cluster === undefined ? {} : { cluster }
    const listeners = {
      primary: { bind: `127.0.0.1:${this.primaryPort}`, route: 'primary', ...whose },
      replicas: { bind: `127.0.0.1:${this.replicaPort}`, route: 'replica', ...whose },
      ...proxy.listeners,
    }
    const own = { proxy: { ...proxy, listeners }, admin: { socket: this.socketPath, bind: 'off', ...admin } }
    const draft = `${this.configFile}.new`
    writeFileSync(draft, stringify({ ...rest, ...own }))
    renameSync(draft, this.configFile)
  }

  /** Starts it, also again after {@link stop}, and waits until it listens on both ports. */
  async start(): Promise<void> {
    const { env = {}, args = [], descriptors, main = MAIN } = this.#options
    const logFile = join(this.#dir.path, 'router.log')
    const onLine = (line: string) => this.#read(line)
    const command = [main, 'run', '-c', this.configFile, ...args]
    const options = { cwd: this.#dir.path, env, logFile, onLine }
    this.#child =
      descriptors === undefined
        ? await Child.start(process.execPath, command, options)
        : await Child.start(
            '/bin/sh',
            ['-c', `ulimit -n ${descriptors}; exec "$0" "$@"`, process.execPath, ...command],
            options,
          )
    const ports = [this.primaryPort, this.replicaPort]
    try {
      await this.#child.until('the router listens', () => ports.every((port) => listens(port)))
    } catch (error) {
      throw new Error(`the router did not start:\n${this.output()}`, { cause: error })
    }
  }

  get process(): Child {
    if (this.#child === null) throw new Error('the router was never started')
    return this.#child
  }

  reload(): void {
    this.process.signal('SIGHUP')
  }

  /** Runs another command of the router, such as `('status', '--json')`, on this configuration. */
  async command(name: string, ...args: string[]): Promise<CommandResult> {
    return runMain(name, '-c', this.configFile, ...args)
  }

  /** What `status --json` says, asked without a process of its own. */
  async status(): Promise<StatusJson> {
    const { status } = await askStatus(this.socketPath, { timeoutMs: 10_000, signal: AbortSignal.timeout(20_000) })
    return statusSchema.parse(status)
  }

  /** The first log line that fits, from line `from` on (such as an earlier `log.length`); waits for it. */
  async waitForLog(
    what: string,
    fits: (line: LogLine) => boolean,
    { from = 0, ...limit }: { from?: number; timeoutMs?: number } = {},
  ): Promise<LogLine> {
    return until(`the router logs ${what}`, () => this.log.slice(from).find(fits), { ...limit, everyMs: 5 })
  }

  /** All that it has written, for a person to read. */
  output(): string {
    const lines = this.log.map((line) => JSON.stringify(line))
    return [...lines, ...this.stray, this.#child?.log() ?? ''].join('\n')
  }

  /** Asks it to end, as systemd does, and waits for that. */
  async stop(options: StopOptions = {}): Promise<Exit> {
    return this.process.stop({ timeoutMs: 40_000, ...options })
  }

  /** Ends it at once and removes its files. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dir.remove()
  }

  #read(line: string): void {
    try {
      const { time, ...rest } = JSON.parse(line) as { time: string; level: string; msg: string }
      this.log.push({ ...rest, time: Date.parse(time) })
    } catch {
      this.stray.push(line)
    }
  }
}
