import { join } from 'node:path'
import type { Child } from '../processes/child.ts'
import { installedFiles } from '../router/installed.ts'
import type { Lan } from './lan.ts'
import { ROOT } from '../router/package.ts'
import { type RunOptions, run, succeed } from '../processes/root.ts'
import type { CommandResult } from '../router/process.ts'

const BOOT = join(import.meta.dirname, 'host.sh')
/** What root has who has just logged in. */
const LOGIN = [
  ...['env', '-i', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
  ...['HOME=/root', 'USER=root', 'LANG=C.UTF-8', 'setpriv', '--pdeathsig', 'KILL'],
]

export type HostOptions = {
  readonly name: string
  /** Such as `10.0.0.1/24`, which `eth0` gets. */
  readonly address: string
}

/**
 * A host of a {@link Lan}: systemd in a container, on an overlay of this machine's files, with an `eth0` and everything
 * below /etc, /var and /run its own. No service runs until the test starts it. patroni-router is installed, and
 * /root/patroni-router/examples are the examples.
 */
export class Host {
  readonly name: string
  /** Without the prefix length. */
  readonly address: string
  readonly #lan: Lan
  readonly #enter: readonly string[]

  private constructor(lan: Lan, { name, address }: HostOptions, leader: string) {
    this.name = name
    this.address = address.replace(/\/.*/, '')
    this.#lan = lan
    const enter = ['nsenter', '--target', leader, '--all', '--root', '--wd', '--']
    this.#enter = [...lan.enter, 'setpriv', '--pdeathsig', 'KILL', ...enter, ...LOGIN]
  }

  /** Boots it, in less than a second, and waits until systemd is ready. @throws with the console's text. */
  static async boot(lan: Lan, options: HostOptions): Promise<Host> {
    const parts = [installedFiles(), join(ROOT, 'node_modules'), process.execPath, join(ROOT, 'examples')]
    const command = [...lan.enter, 'sh', BOOT, lan.path, options.name, options.address, ...parts]
    try {
      return new Host(lan, options, (await succeed(command, { timeoutMs: 60_000 })).trim())
    } catch (error) {
      throw new Error(`the host ${options.name} does not boot`, { cause: error })
    }
  }

  /** Runs a script as root; any exit code is an answer. */
  async sh(script: string, options: RunOptions = {}): Promise<CommandResult> {
    return run([...this.#enter, 'sh', '-c', script], options)
  }

  /** Runs a script, which ends at the first command that fails; its standard output. @throws when it fails. */
  async ok(script: string, options: RunOptions = {}): Promise<string> {
    try {
      return await succeed([...this.#enter, 'sh', '-e', '-c', script], options)
    } catch (error) {
      throw new Error(`on ${this.name}: ${(error as Error).message}`, { cause: error })
    }
  }

  /** Starts a script that goes on, outside of systemd; `onLine` gets each line of its standard output. */
  async start(name: string, script: string, onLine?: (line: string) => void): Promise<Child> {
    return this.#lan.launch(`${this.name}-${name}`, [...this.#enter, 'sh', '-c', script], onLine)
  }

  async read(path: string): Promise<string> {
    return this.ok(`cat '${path}'`)
  }

  /** Writes a file, with the directories above it. */
  async write(path: string, text: string): Promise<void> {
    await this.ok(`mkdir -p "$(dirname '${path}')" && cat >'${path}'`, { input: text })
  }

  /** Sends a signal, such as KILL or STOP, to the main process of a unit. */
  async signal(unit: string, signal: string): Promise<void> {
    await this.ok(`systemctl kill --kill-whom=main --signal=${signal} ${unit}`)
  }

  /** What a unit has logged, for a person to read. */
  async journal(...units: string[]): Promise<string> {
    return this.ok(`journalctl --no-pager --output=short-precise ${units.map((unit) => `-u ${unit}`).join(' ')}`)
  }

  /** Pulls the plug: everything on it is gone at once. */
  async crash(): Promise<void> {
    await this.#lan.ok(`echo 1 >${this.#lan.group(this.name)}/cgroup.kill`)
  }

  /** Not one process of it goes on, while the kernel still answers on the network. */
  async freeze(): Promise<void> {
    await this.#lan.ok(`echo 1 >${this.#lan.group(this.name)}/cgroup.freeze`)
  }

  async thaw(): Promise<void> {
    await this.#lan.ok(`echo 0 >${this.#lan.group(this.name)}/cgroup.freeze`)
  }
}
