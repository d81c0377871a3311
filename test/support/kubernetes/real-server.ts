import { execFileSync } from 'node:child_process'
import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EtcdCluster } from '../etcd/cluster.ts'
import { Child } from '../processes/child.ts'
import type { ServerSettings } from './fake-server.ts'
import type { ServerProcess } from './server.ts'

export interface RealServerSettings extends ServerSettings {
  readonly binary: string
}

/** kube-apiserver with an etcd of its own: no kubelet, no controllers, so that nothing writes but the tests. */
export class RealServer implements ServerProcess {
  readonly #dir: string
  readonly #binary: string
  readonly #args: readonly string[]
  #etcd: EtcdCluster | null = null
  #child: Child | null = null

  constructor({ port, adminToken, dir, pair, ca, binary }: RealServerSettings) {
    this.#dir = dir
    this.#binary = binary
    const file = (name: string): string => join(dir, name)
    writeFileSync(file('tokens.csv'), `${adminToken},admin,admin,"system:masters"\n`)
    execFileSync('openssl', ['genrsa', '-out', file('accounts.key'), '2048'], { stdio: 'ignore' })
    this.#args = [
      ...['--bind-address', '127.0.0.1', '--secure-port', String(port), '--cert-dir', dir],
      ...['--tls-cert-file', pair.cert, '--tls-private-key-file', pair.key, '--client-ca-file', ca],
      ...['--authorization-mode', 'RBAC', '--token-auth-file', file('tokens.csv')],
      ...['--service-account-issuer', 'https://kubernetes.default.svc'],
      ...['--service-account-signing-key-file', file('accounts.key')],
      ...['--service-account-key-file', file('accounts.key')],
      // No address of its own is needed: who wants the Endpoints `kubernetes` writes them.
      ...['--advertise-address', '192.0.2.1', '--endpoint-reconciler-type', 'none'],
      // Any namespace is there, and Pods need no account.
      ...['--disable-admission-plugins', 'NamespaceLifecycle,ServiceAccount'],
    ]
  }

  get #running(): Child {
    if (this.#child === null) throw new Error('kube-apiserver was never started')
    return this.#child
  }

  get pid(): number {
    return this.#running.pid
  }

  async launch(): Promise<void> {
    this.#etcd ??= await EtcdCluster.start()
    const options = { cwd: this.#dir, logFile: join(this.#dir, 'kubernetes.log') }
    const args = [...this.#args, '--etcd-servers', this.#etcd.server.endpoint]
    this.#child = await Child.start(this.#binary, args, options)
  }

  async until(what: string, condition: () => Promise<boolean>): Promise<void> {
    await this.#running.until(what, condition)
  }

  /** Not in order: it would wait for its watches to end. */
  async stop(): Promise<void> {
    await this.kill()
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
    const { client } = await this.#data()
    const { header } = await client.call<{ readonly header: { readonly revision: string } }>('kv/range', {
      key: 'AA==',
    })
    await client.call('kv/compaction', { revision: header.revision })
  }

  async keep(): Promise<() => Promise<void>> {
    const { server, path } = await this.#data()
    const [data, copy] = [join(path, server.name, 'data'), join(path, `${server.name}.copy`)]
    const exchange = async (what: () => void): Promise<void> => {
      const isRunning = this.#child?.running === true
      if (isRunning) await this.kill()
      await server.stop()
      what()
      await server.start()
      if (isRunning) await this.launch()
    }
    await exchange(() => cpSync(data, copy, { recursive: true }))
    return () =>
      exchange(() => {
        rmSync(data, { recursive: true })
        cpSync(copy, data, { recursive: true })
      })
  }

  async close(): Promise<void> {
    await this.#etcd?.close()
  }

  async #data(): Promise<EtcdCluster> {
    return Promise.resolve(this.#etcd ?? Promise.reject(new Error('kube-apiserver was never started')))
  }
}
