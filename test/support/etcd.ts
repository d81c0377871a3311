import { join } from 'node:path'
import { Child } from './child.ts'
import { EtcdClient } from './etcd-client.ts'
import { freePorts } from './ports.ts'
import { TempDir } from './temp.ts'

type Address = { readonly name: string; readonly clientPort: number; readonly peerPort: number }

/** One etcd process, which can be stopped, killed, frozen and started again on the same ports and data. */
export class EtcdServer {
  readonly name: string
  readonly port: number
  readonly client: EtcdClient
  readonly #dir: string
  readonly #args: readonly string[]
  #child: Child | null = null

  constructor(dir: string, self: Address, all: readonly Address[]) {
    const url = (port: number) => `http://127.0.0.1:${port}`
    this.name = self.name
    this.port = self.clientPort
    this.client = new EtcdClient(url(self.clientPort))
    this.#dir = dir
    this.#args = [
      ...['--name', self.name, '--data-dir', join(dir, 'data')],
      ...['--listen-client-urls', url(self.clientPort), '--advertise-client-urls', url(self.clientPort)],
      ...['--listen-peer-urls', url(self.peerPort), '--initial-advertise-peer-urls', url(self.peerPort)],
      ...['--initial-cluster', all.map(({ name, peerPort }) => `${name}=${url(peerPort)}`).join(',')],
      ...['--logger', 'zap', '--log-outputs', 'stderr', '--log-level', 'warn'],
    ]
  }

  get endpoint(): string {
    return this.client.endpoint
  }

  get pid(): number {
    return this.#running.pid
  }

  /** Starts the process without waiting for it to answer. */
  async launch(): Promise<void> {
    const logFile = join(this.#dir, 'etcd.log')
    this.#child = await Child.start('etcd', this.#args, { cwd: this.#dir, logFile })
  }

  /** Starts it and waits until it answers. */
  async start(): Promise<void> {
    await this.launch()
    await this.ready()
  }

  /** Waits until it answers and has a quorum. */
  async ready(): Promise<void> {
    await this.#running.until(`etcd ${this.name} is healthy`, () => this.client.healthy())
  }

  async stop(): Promise<void> {
    await this.#running.stop()
  }

  async kill(): Promise<void> {
    await this.#running.stop({ signal: 'SIGKILL' })
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** Its sockets stay open and nothing answers. */
  freeze(): void {
    this.#running.signal('SIGSTOP')
  }

  thaw(): void {
    this.#running.signal('SIGCONT')
  }

  get #running(): Child {
    if (this.#child === null) throw new Error(`etcd ${this.name} was never started`)
    return this.#child
  }
}

/** A single etcd or a cluster of them, in a directory of their own. */
export class EtcdCluster implements AsyncDisposable {
  readonly servers: readonly EtcdServer[]
  readonly #dir: TempDir

  private constructor(dir: TempDir, servers: readonly EtcdServer[]) {
    this.#dir = dir
    this.servers = servers
  }

  /** @param started false leaves them to be started later: the ports are known already. */
  static async start({ members = 1, started = true } = {}): Promise<EtcdCluster> {
    const ports = await freePorts(members * 2)
    const dir = TempDir.create('etcd')
    const addresses = Array.from({ length: members }, (_, index) => {
      const [clientPort = 0, peerPort = 0] = ports.slice(index * 2)
      return { name: `etcd${index}`, clientPort, peerPort }
    })
    const servers = addresses.map((address) => new EtcdServer(dir.mkdir(address.name), address, addresses))
    const cluster = new EtcdCluster(dir, servers)
    try {
      if (started) await cluster.startAll()
    } catch (error) {
      await cluster.close()
      throw error
    }
    return cluster
  }

  /** For the tests that need but one. */
  get server(): EtcdServer {
    const [server] = this.servers
    if (server === undefined) throw new Error('a cluster of no etcd')
    return server
  }

  get client(): EtcdClient {
    return this.server.client
  }

  /** `http://127.0.0.1:PORT` of each. */
  get endpoints(): string[] {
    return this.servers.map(({ endpoint }) => endpoint)
  }

  /** `127.0.0.1:PORT` of each, as in Patroni's `etcd3.hosts`. */
  get hosts(): string[] {
    return this.servers.map(({ port }) => `127.0.0.1:${port}`)
  }

  get path(): string {
    return this.#dir.path
  }

  async startAll(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.launch()))
    await Promise.all(this.servers.map((server) => server.ready()))
  }

  /** Ends all of them, also frozen ones, and removes their data. */
  async close(): Promise<void> {
    await this.#dir.remove()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
