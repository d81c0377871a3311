import { Resolver } from 'node:dns/promises'
import { join } from 'node:path'
import type { Service } from '../../../src/names/lookups.ts'
import { Child } from '../processes/child.ts'
import { TempDir } from '../files/temp.ts'
import { freePort } from './ports.ts'

/** SRV records: `host:port` of each, by name. */
export type ServiceRecords = Readonly<Record<string, readonly string[]>>

/** Debian's dnsmasq on this machine, which knows nothing but these records. */
export class DnsServer implements AsyncDisposable {
  readonly #dir: TempDir
  readonly #port: number
  #child: Child | null = null

  private constructor(dir: TempDir, port: number) {
    this.#dir = dir
    this.#port = port
  }

  static async start(records: ServiceRecords): Promise<DnsServer> {
    const server = new DnsServer(TempDir.create('dns'), await freePort())
    try {
      await server.serve(records)
    } catch (error) {
      await server.close()
      throw error
    }
    return server
  }

  /** Has it serve these records instead of those before. */
  async serve(records: ServiceRecords): Promise<void> {
    await this.#child?.stop()
    const cwd = this.#dir.path
    const all = Object.entries(records).flatMap(([name, targets]) =>
      targets.map((target) => `--srv-host=${name},${target.replace(':', ',')}`),
    )
    this.#child = await Child.start(
      'dnsmasq',
      [
        ...['--no-daemon', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--pid-file', '--user='],
        ...[`--port=${this.#port}`, '--listen-address=127.0.0.1', '--bind-interfaces', '--local=/example.org/'],
        ...all,
      ],
      { cwd, logFile: join(cwd, 'dnsmasq.log') },
    )
    await this.#child.until('dnsmasq answers', async () => {
      await this.resolver()
        .resolveSrv('none.example.org')
        .catch((error: unknown) => {
          if (!/ENOTFOUND|ENODATA/.test(String(error))) throw error
        })
      return true
    })
  }

  /** Nothing answers from now on; its socket stays open. */
  freeze(): void {
    this.#child?.freeze()
  }

  thaw(): void {
    this.#child?.thaw()
  }

  /** For `Lookups`: resolves as the router does, with this server. */
  readonly services = async (name: string): Promise<readonly Service[]> => this.resolver().resolveSrv(name)

  resolver(): Resolver {
    const resolver = new Resolver({ timeout: 1500, tries: 2 })
    resolver.setServers([`127.0.0.1:${this.#port}`])
    return resolver
  }

  async close(): Promise<void> {
    await this.#dir.remove()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
