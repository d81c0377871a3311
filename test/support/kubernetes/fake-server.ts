import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CertificatePair } from '../files/certificates.ts'
import { Child } from '../processes/child.ts'
import { KubernetesClient } from './client.ts'
import type { FakeSettings } from './fake/api.ts'
import type { ServerProcess } from './server.ts'

const FAKE = join(import.meta.dirname, 'fake-main.ts')

export interface ServerSettings {
  readonly port: number
  readonly adminToken: string
  readonly dir: string
  readonly pair: CertificatePair
  /** Of servers and of clients. */
  readonly ca: string
}

export interface FakeServerSettings extends ServerSettings {
  readonly tls: boolean
  readonly passwords?: Record<string, string>
  readonly bookmarkMs?: number
  readonly durable?: boolean
}

/** The fake, as a process. */
export class FakeServer implements ServerProcess {
  readonly #dir: string
  readonly #file: string
  readonly #client: KubernetesClient
  #child: Child | null = null

  constructor({ port, adminToken, dir, pair, ca, tls, ...rest }: FakeServerSettings) {
    const { passwords = {}, bookmarkMs = 60_000, durable = true } = rest
    this.#dir = dir
    this.#file = join(dir, 'settings.json')
    const settings: FakeSettings = {
      ...{ port, adminToken, passwords, bookmarkMs },
      ...{ dataFile: durable ? join(dir, 'data.json') : null, tokenFile: join(dir, 'tokens.json') },
      tls: tls ? { ...pair, clientCa: ca } : null,
    }
    writeFileSync(this.#file, JSON.stringify(settings))
    this.#client = new KubernetesClient(`${tls ? 'https' : 'http'}://127.0.0.1:${port}`, { ca, token: adminToken })
  }

  get #running(): Child {
    if (this.#child === null) throw new Error('the fake of Kubernetes was never started')
    return this.#child
  }

  get pid(): number {
    return this.#running.pid
  }

  async launch(): Promise<void> {
    const options = { cwd: this.#dir, logFile: join(this.#dir, 'kubernetes.log') }
    this.#child = await Child.start(process.execPath, [FAKE, this.#file], options)
  }

  async until(what: string, condition: () => Promise<boolean>): Promise<void> {
    await this.#running.until(what, condition)
  }

  async stop(): Promise<void> {
    await this.#running.stop()
  }

  async kill(): Promise<void> {
    await this.#running.stop({ signal: 'SIGKILL' })
  }

  freeze(): void {
    this.#running.freeze()
  }

  thaw(): void {
    this.#running.thaw()
  }

  async compact(): Promise<void> {
    await this.#client.call('POST', '/fake/compact')
  }

  async keep(): Promise<() => Promise<void>> {
    const { text } = await this.#client.request('GET', '/fake/snapshot')
    return async () => {
      await this.#client.call('PUT', '/fake/snapshot', { body: text })
    }
  }

  async close(): Promise<void> {
    await Promise.resolve()
  }
}
