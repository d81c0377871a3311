import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { Child } from '../processes/child.ts'
import type { EtcdCluster } from '../etcd/cluster.ts'
import type { CommandResult, LogLine } from './process.ts'
import { TempDir } from '../files/temp.ts'
import { until } from '../until.ts'

const EXAMPLES = join(import.meta.dirname, '../../../examples')
const MAIN = join(import.meta.dirname, '../../../src/main.ts')
/** As the examples have it. */
const ETCD_HOSTS = '10.0.0.1:2379, 10.0.0.2:2379, 10.0.0.3:2379'

/** What stands in the files of an example, and what stands there in the test: paths and ports. */
export type Change = readonly [from: string, to: string]

/**
 * A folder of `examples/` for a sidecar, copied to a directory of its own, and a router that is run on it. Nothing of the
 * files is changed but what is asked for, and where etcd, the state directory and the admin socket are.
 */
export class Sidecar implements AsyncDisposable {
  /** The router's log so far. */
  readonly log: LogLine[] = []
  readonly #dir: TempDir
  #child: Child | null = null

  private constructor(dir: TempDir) {
    this.#dir = dir
  }

  /** Copies the example. `changes`: given the directory. @throws when there is nothing to be changed. */
  static prepare(name: string, etcd: EtcdCluster, changes: (dir: string) => readonly Change[]): Sidecar {
    const sidecar = new Sidecar(TempDir.create(name))
    const { path } = sidecar
    cpSync(join(EXAMPLES, name), path, { recursive: true })
    const all: readonly Change[] = [
      [ETCD_HOSTS, etcd.hosts.join(', ')],
      ['/var/lib/patroni-router', join(path, 'state')],
      ...changes(path),
    ]
    const files = readdirSync(path, { withFileTypes: true }).filter(
      (entry) => entry.isFile() && entry.name !== 'README.md',
    )
    const texts = new Map(files.map((entry) => [join(path, entry.name), readFileSync(join(path, entry.name), 'utf8')]))
    for (const [from, to] of all) {
      if (![...texts.values()].some((text) => text.includes(from))) throw new Error(`${name}: there is no ${from}`)
      for (const [file, text] of texts) texts.set(file, text.replaceAll(from, to))
    }
    const config = sidecar.configFile
    texts.set(config, `${texts.get(config) ?? ''}\nadmin: { socket: ${join(path, 'admin.sock')}, bind: off }\n`)
    for (const [file, text] of texts) writeFileSync(file, text)
    return sidecar
  }

  get path(): string {
    return this.#dir.path
  }

  get configFile(): string {
    return join(this.path, 'config.yml')
  }

  /** Makes a subdirectory; `user` (only as root) is its owner. */
  mkdir(name: string, user?: string): string {
    return this.#dir.mkdir(name, user)
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), 'utf8')
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.path, name), text)
  }

  /** Starts the router, also again after it has ended, and waits until it can be asked. */
  async start(): Promise<void> {
    const socket = join(this.path, 'admin.sock')
    rmSync(socket, { force: true })
    const options = {
      cwd: this.path,
      logFile: join(this.path, 'router.log'),
      onLine: (line: string) => this.#read(line),
    }
    this.#child = await Child.start(process.execPath, [MAIN, 'run', '-c', this.configFile], options)
    await this.#child.until('the router can be asked', () => existsSync(socket))
  }

  get router(): Child {
    if (this.#child === null) throw new Error('the router was never started')
    return this.#child
  }

  /** Runs another command of the router, such as `('render')`, on this configuration. */
  async command(name: string, ...args: string[]): Promise<CommandResult> {
    return new Promise((resolve) => {
      const command = [MAIN, name, '-c', this.configFile, ...args]
      execFile(process.execPath, command, { timeout: 60_000 }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
        resolve({ code, stdout, stderr })
      })
    })
  }

  /** The first line of the router's log that fits, from line `from` on; waits for it. */
  async waitForLog(what: string, fits: (line: LogLine) => boolean, from = 0): Promise<LogLine> {
    try {
      return await until(`the router logs ${what}`, () => this.log.slice(from).find(fits), { everyMs: 5 })
    } catch (error) {
      throw new Error(this.log.map((line) => JSON.stringify(line)).join('\n') + this.router.log(), { cause: error })
    }
  }

  /** Ends all that works in the directory, and removes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dir.remove()
  }

  #read(line: string): void {
    const { time, ...rest } = JSON.parse(line) as { time: string; level: string; msg: string }
    this.log.push({ ...rest, time: Date.parse(time) })
  }
}
