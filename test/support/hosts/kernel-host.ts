import { join } from 'node:path'
import type { Child } from '../processes/child.ts'
import { installedFiles } from '../router/installed.ts'
import type { Lan } from './lan.ts'
import { ROOT } from '../router/package.ts'
import type { CommandResult } from '../router/process.ts'
import type { HostOptions } from './host.ts'
import { until } from '../until.ts'

const START = join(import.meta.dirname, 'kernel-host.sh')

/**
 * A host of a {@link Lan} with a kernel of its own, in user mode (Debian's package user-mode-linux): for what a test needs
 * of a kernel and the one of this machine may not have, as IPVS. Otherwise like a `Host`, only slower.
 */
export class KernelHost {
  readonly name: string
  /** Without the prefix length. */
  readonly address: string
  readonly #lan: Lan
  readonly #kernel: Child

  private constructor(lan: Lan, { name, address }: HostOptions, kernel: Child) {
    this.name = name
    this.address = address.replace(/\/.*/, '')
    this.#lan = lan
    this.#kernel = kernel
  }

  /** Boots it and waits until systemd is ready. @throws with the console's text. */
  static async boot(lan: Lan, options: HostOptions): Promise<KernelHost> {
    const parts = [installedFiles(), join(ROOT, 'node_modules'), process.execPath, join(ROOT, 'examples')]
    const arguments_ = [lan.path, options.name, options.address, ...parts, import.meta.dirname]
    const command = [...lan.enter, 'setpriv', '--pdeathsig', 'KILL', 'sh', START, ...arguments_]
    const host = new KernelHost(lan, options, await lan.launch(`${options.name}-kernel`, command))
    const kernel = host.#kernel
    const answers = async (): Promise<boolean> => !kernel.running || (await host.sh('true')).code === 0
    // Asking more often would only make it slower, and beside other tests it takes several times as long as alone.
    await until(`${options.name} boots`, answers, { everyMs: 500, timeoutMs: 150_000 })
    if (!kernel.running) throw new Error(`${options.name} does not boot: ${kernel.log().slice(-3_000)}`)
    return host
  }

  /** Runs a script as root; any exit code is an answer. */
  async sh(script: string): Promise<CommandResult> {
    const { text } = await this.#lan.fetch(`http://${this.address}:8009/`, { method: 'POST', body: script })
    return JSON.parse(text) as CommandResult
  }

  /** Runs a script, which ends at the first command that fails; its standard output. @throws when it fails. */
  async ok(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.sh(`set -e\n${script}`)
    if (code !== 0) throw new Error(`on ${this.name}: exit ${code}: ${script}\n${stdout}${stderr}`)
    return stdout
  }
}
