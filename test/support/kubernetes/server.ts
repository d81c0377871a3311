import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { CertificateAuthority, type CertificateOptions, type CertificatePair } from '../files/certificates.ts'
import { TempDir } from '../files/temp.ts'
import { freePort } from '../net/ports.ts'
import type { DcsServer } from '../patroni/dcs.ts'
import { until } from '../until.ts'
import { KubernetesClient, objectsPath } from './client.ts'
import { kubeconfigOf, type KubeconfigOptions } from './kubeconfig.ts'
import { FakeControl } from './fake-control.ts'
import { FakeServer } from './fake-server.ts'
import { RealServer } from './real-server.ts'

/** PATRONI_ROUTER_TEST_KUBERNETES is the path of a kube-apiserver that the tests run instead of the fake. */
const { PATRONI_ROUTER_TEST_KUBERNETES: NAMED = '' } = process.env
const BINARY = NAMED === '' ? null : NAMED
/** Whether servers are the real kube-apiserver where nothing else is said. */
export const isRealKubernetes = BINARY !== null

export interface KubernetesSettings {
  /** Whether it is Kubernetes itself; without it, PATRONI_ROUTER_TEST_KUBERNETES decides. */
  readonly real?: boolean
  /** False leaves it to be started later: its port is known already. */
  readonly started?: boolean
  /** False: http, of the fake only. */
  readonly tls?: boolean
  /** Passwords by user, for Basic auth, which servers have had until 1.18: of the fake only. */
  readonly passwords?: Record<string, string>
  /** How often watches have a bookmark, of the fake only: Kubernetes has one each minute. */
  readonly bookmarkMs?: number
  /** False keeps nothing over a stop, so that a write does not take longer the more there is: of the fake only. */
  readonly durable?: boolean
}

/** A rule of a Role. */
export interface Rule {
  readonly apiGroups?: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
  readonly resourceNames?: readonly string[]
}

/** A service account with a role of its own. */
export interface KubeUser {
  readonly name: string
  readonly namespace: string
  readonly token: string
}

/** One of the two kinds of server, as processes. */
export interface ServerProcess {
  readonly pid: number
  launch(): Promise<void>
  /** Waits until the condition holds; fails at once when the process has ended. */
  until(what: string, condition: () => Promise<boolean>): Promise<void>
  stop(): Promise<void>
  kill(): Promise<void>
  freeze(): void
  thaw(): void
  /** Forgets what was before now, for lists. */
  compact(): Promise<void>
  /** Keeps all objects; what it returns makes everything as it was then. Both may start it again, which is not waited for. */
  keep(): Promise<() => Promise<void>>
  close(): Promise<void>
}

/** One API server of Kubernetes, the real one or the fake, that can be stopped, killed, frozen and started again. */
export class KubernetesServer implements DcsServer, AsyncDisposable {
  readonly port: number
  /** The administrator's. */
  readonly client: KubernetesClient
  readonly authority: CertificateAuthority
  readonly #dir: TempDir
  readonly #tls: boolean
  readonly #process: RealServer | FakeServer

  private constructor(dir: TempDir, port: number, settings: KubernetesSettings) {
    const { tls = true, real = isRealKubernetes } = settings
    this.port = port
    this.#dir = dir
    this.#tls = tls
    this.authority = CertificateAuthority.create(dir.path)
    const [server, adminToken] = [this.authority.server(), randomUUID()]
    this.client = new KubernetesClient(this.endpointAt(port), { ca: this.authority.cert, token: adminToken })
    const common = { port, adminToken, dir: dir.path, pair: server, ca: this.authority.cert }
    this.#process = real
      ? new RealServer({ ...common, binary: BINARY ?? '' })
      : new FakeServer({ ...common, ...settings, tls })
  }

  static async start(settings: KubernetesSettings = {}): Promise<KubernetesServer> {
    const { real = isRealKubernetes, started = true } = settings
    if (real && BINARY === null) throw new Error('PATRONI_ROUTER_TEST_KUBERNETES names no kube-apiserver')
    const made = new KubernetesServer(TempDir.create('kubernetes'), await freePort(), settings)
    try {
      if (started) await made.start()
    } catch (error) {
      await made.close()
      throw error
    }
    return made
  }

  /** `https://127.0.0.1:PORT`. */
  get endpoint(): string {
    return this.client.endpoint
  }

  /** Whether it is Kubernetes itself. */
  get real(): boolean {
    return this.#process instanceof RealServer
  }

  get path(): string {
    return this.#dir.path
  }

  get pid(): number {
    return this.#process.pid
  }

  /** The URL of the server, or of a relay to it. */
  endpointAt(port: number): string {
    return `${this.#tls ? 'https' : 'http'}://127.0.0.1:${port}`
  }

  /** A client without any credentials, or with a certificate. */
  clientOf({ certificate = null, token = null }: { certificate?: CertificatePair | null; token?: string | null } = {}) {
    return new KubernetesClient(this.endpoint, { ca: this.authority.cert, certificate, token })
  }

  /** A certificate for a user: the server takes its common name for their name. */
  certificate(name: string, options: CertificateOptions = {}): CertificatePair {
    return this.authority.client(name, options)
  }

  /** Makes a service account that may do what the rules say in its namespace, and waits until it may. */
  async addUser(rules: readonly Rule[], { namespace = 'default' } = {}): Promise<KubeUser> {
    const name = `user-${randomUUID().slice(0, 8)}`
    const metadata = { name }
    const { client } = this
    await client.create('serviceaccounts', namespace, { metadata })
    // Without a namespace it is that of the binding.
    await this.allow(rules, { kind: 'ServiceAccount', name }, { namespace })
    return { name, namespace, token: await this.addToken({ name, namespace }) }
  }

  /** Gives somebody a role of these rules. @param subject such as `{kind: 'User', name: 'x'}`. */
  async allow(
    rules: readonly Rule[],
    subject: { readonly kind: string; readonly name: string; readonly namespace?: string },
    { namespace = 'default' } = {},
  ): Promise<void> {
    const metadata = { name: `role-${randomUUID().slice(0, 8)}` }
    const role = { metadata, rules: rules.map((rule) => ({ apiGroups: [''], ...rule })) }
    await this.client.create('roles', namespace, role)
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name }
    await this.client.create('rolebindings', namespace, { metadata, subjects: [subject], roleRef })
  }

  /** Another token of a service account. */
  async addToken({ name, namespace }: Pick<KubeUser, 'name' | 'namespace'>): Promise<string> {
    const path = `${objectsPath('serviceaccounts', namespace, name)}/token`
    const made = (await this.client.call('POST', path, { body: { spec: { expirationSeconds: 3_600 } } })) as {
      readonly status: { readonly token: string }
    }
    return made.status.token
  }

  /** Makes all tokens of a service account void, waits until they are, and returns a new one. Kubernetes takes some 10 s. */
  async replaceTokens({ name, namespace, token }: KubeUser): Promise<string> {
    await this.client.delete('serviceaccounts', namespace, name)
    await this.client.create('serviceaccounts', namespace, { metadata: { name } })
    await until('the token is void', async () => {
      const { status } = await this.client.request('GET', objectsPath('pods', namespace), { token })
      return status === 401
    })
    return this.addToken({ name, namespace })
  }

  /** A kubeconfig as an object, such as to be written as YAML. */
  kubeconfig(options: KubeconfigOptions = {}): Record<string, unknown> {
    const { port = this.port } = options
    return kubeconfigOf(this.endpointAt(port), this.#tls ? this.authority.cert : null, {
      token: this.client.token,
      ...options,
    })
  }

  /** Writes a kubeconfig, which everyone may read; its path. */
  writeKubeconfig(options: KubeconfigOptions = {}): string {
    const file = join(this.path, `kubeconfig-${randomUUID().slice(0, 8)}.yml`)
    writeFileSync(file, stringify(this.kubeconfig(options)), { mode: 0o644 })
    return file
  }

  /** Starts it, with its data, and waits until it answers. */
  async start(): Promise<void> {
    await this.#process.launch()
    await this.ready()
  }

  /** Starts the process without waiting for it to answer. */
  async launch(): Promise<void> {
    await this.#process.launch()
  }

  /** Waits until it reads and writes. */
  async ready(): Promise<void> {
    await this.#process.until('Kubernetes is ready', async () => {
      const { status } = await this.client.request('GET', '/readyz', { signal: AbortSignal.timeout(1_000) })
      return status === 200
    })
  }

  /** Ends it at once with its connections. */
  async stop(): Promise<void> {
    await this.#process.stop()
  }

  async kill(): Promise<void> {
    await this.#process.kill()
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** Its sockets stay open and nothing answers. */
  freeze(): void {
    this.#process.freeze()
  }

  thaw(): void {
    this.#process.thaw()
  }

  /** Forgets what was before now: lists that go on with an older version get a 410. */
  async compact(): Promise<void> {
    await this.#process.compact()
  }

  /** Keeps all objects; what it returns makes everything as it was then, its version too, and ends all watches. */
  async keep(): Promise<() => Promise<void>> {
    const restore = await this.#process.keep()
    await this.ready()
    return async () => {
      await restore()
      await this.ready()
    }
  }

  /** What only the fake does on demand. @throws on Kubernetes itself. */
  get fake(): FakeControl {
    if (this.real) throw new Error('Kubernetes itself does not fail on demand')
    return new FakeControl(this.client)
  }

  /** Ends it, also when it is frozen, and removes its data. */
  async close(): Promise<void> {
    await this.#process.close()
    await this.#dir.remove()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
