import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CertificatePair } from '../files/certificates.ts'
import { Child } from '../processes/child.ts'
import { type ClientTls, EtcdClient, type Login } from './client.ts'
import { freePorts } from '../net/ports.ts'
import { TempDir } from '../files/temp.ts'
import type { DcsServer, PatroniDcs, SectionOptions } from '../patroni/dcs.ts'
import type { WatchLog } from '../watch-log.ts'

/**
 * TLS for clients; with a `client` pair, which {@link EtcdClient} then uses, everyone has to show a certificate. With
 * users, that pair has to be without a common name: the JSON gateway, which Patroni uses too, refuses any other.
 */
export interface EtcdTls extends ClientTls {
  readonly server: CertificatePair
}

export interface EtcdSettings {
  readonly tls?: EtcdTls | null
  /** Tokens that end that soon, whatever they are used for (JWT); without it they last 5 minutes after their last use. */
  readonly tokenTtlSeconds?: number | null
  /** More arguments, such as `--max-request-bytes`. */
  readonly args?: readonly string[]
}

/** A user of etcd who may read (and write, unless `readOnly`) below some prefixes. */
export interface EtcdUser {
  readonly username: string
  /** null: only with a client certificate of that common name. */
  readonly password: string | null
  readonly prefixes: readonly string[]
  readonly readOnly?: boolean
}

/** The administrator that `enableAuth` makes. */
export const ROOT: Login = { username: 'root', password: 'root-of-the-test' }

type Address = { readonly name: string; readonly clientPort: number; readonly peerPort: number }

/** One etcd process, which can be stopped, killed, frozen and started again on the same ports and data. */
export class EtcdServer implements DcsServer {
  readonly name: string
  readonly port: number
  readonly peerPort: number
  readonly client: EtcdClient
  readonly #dir: string
  readonly #args: readonly string[]
  #child: Child | null = null

  constructor(dir: string, self: Address, all: readonly Address[], args: readonly string[], tls: EtcdTls | null) {
    const url = (port: number) => `http://127.0.0.1:${port}`
    const clientUrl = `${tls === null ? 'http' : 'https'}://127.0.0.1:${self.clientPort}`
    this.name = self.name
    this.port = self.clientPort
    this.peerPort = self.peerPort
    this.client = new EtcdClient(clientUrl, tls)
    this.#dir = dir
    this.#args = [
      ...['--name', self.name, '--data-dir', join(dir, 'data')],
      ...['--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl],
      ...['--listen-peer-urls', url(self.peerPort), '--initial-advertise-peer-urls', url(self.peerPort)],
      ...['--initial-cluster', all.map(({ name, peerPort }) => `${name}=${url(peerPort)}`).join(',')],
      ...['--logger', 'zap', '--log-outputs', 'stderr', '--log-level', 'warn'],
      ...args,
    ]
  }

  get endpoint(): string {
    return this.client.endpoint
  }

  get pid(): number {
    return this.#running.pid
  }

  /** Starts the process without waiting for it to answer; of arguments that are given twice the last ones count. */
  async launch(args: readonly string[] = []): Promise<void> {
    const logFile = join(this.#dir, 'etcd.log')
    // Many run beside each other: Go's scheduler would take a quarter more of the processors for one that is mostly idle.
    const env = { GOMAXPROCS: '1' }
    this.#child = await Child.start('etcd', [...this.#args, ...args], { cwd: this.#dir, logFile, env })
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
    this.#running.freeze()
  }

  thaw(): void {
    this.#running.thaw()
  }

  get #running(): Child {
    if (this.#child === null) throw new Error(`etcd ${this.name} was never started`)
    return this.#child
  }
}

/** A single etcd or a cluster of them, in a directory of their own. */
export class EtcdCluster implements PatroniDcs {
  readonly name = 'etcd3'
  readonly servers: readonly EtcdServer[]
  readonly #dir: TempDir
  readonly #tls: EtcdTls | null

  private constructor(dir: TempDir, servers: readonly EtcdServer[], tls: EtcdTls | null) {
    this.#dir = dir
    this.servers = servers
    this.#tls = tls
  }

  /** @param started false leaves them to be started later: the ports are known already. */
  static async start({
    members = 1,
    started = true,
    tls = null,
    tokenTtlSeconds = null,
    args = [],
  }: EtcdSettings & { members?: number; started?: boolean } = {}): Promise<EtcdCluster> {
    const ports = await freePorts(members * 2)
    const dir = TempDir.create('etcd')
    const addresses = Array.from({ length: members }, (_, index) => {
      const [clientPort = 0, peerPort = 0] = ports.slice(index * 2)
      return { name: `etcd${index}`, clientPort, peerPort }
    })
    const all = [
      ...(tls === null ? [] : ['--cert-file', tls.server.cert, '--key-file', tls.server.key]),
      ...(tls?.client === undefined ? [] : ['--client-cert-auth', '--trusted-ca-file', tls.ca]),
      // The least that is allowed: passwords of tests need no protection.
      ...['--bcrypt-cost', '4', '--auth-token', tokenTtlSeconds === null ? 'simple' : jwt(dir, tokenTtlSeconds)],
      ...args,
    ]
    const servers = addresses.map((address) => new EtcdServer(dir.mkdir(address.name), address, addresses, all, tls))
    const cluster = new EtcdCluster(dir, servers, tls)
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

  section({ ports = null, login = null }: SectionOptions = {}): Readonly<Record<string, unknown>> {
    const client = this.#tls?.client
    return {
      hosts: ports?.map((port) => `127.0.0.1:${port}`) ?? this.hosts,
      ...(ports === null ? {} : { use_proxies: true }),
      ...(this.#tls === null ? {} : { protocol: 'https', cacert: this.#tls.ca }),
      ...(client === undefined ? {} : { cert: client.cert, key: client.key }),
      ...login,
    }
  }

  async get(key: string): Promise<string | null> {
    return (await Promise.any(this.servers.map(({ client }) => client.get(key))))?.value ?? null
  }

  async watch(prefix: string): Promise<WatchLog> {
    return this.client.watch(prefix)
  }

  /** Makes users and asks everyone for one; the clients of these servers are `root` from then on. */
  async enableAuth(...users: readonly EtcdUser[]): Promise<void> {
    await this.client.call('auth/user/add', { name: ROOT.username, password: ROOT.password })
    await this.client.call('auth/user/grant', { user: ROOT.username, role: 'root' })
    for (const user of users) await this.addUser(user)
    await this.client.call('auth/enable', {})
    for (const { client } of this.servers) client.login = ROOT
  }

  async addUser({ username: name, password, prefixes, readOnly = false }: EtcdUser): Promise<void> {
    const secret = password === null ? { options: { no_password: true } } : { password }
    await this.client.call('auth/user/add', { name, ...secret })
    await this.client.call('auth/role/add', { name })
    for (const prefix of prefixes) {
      const range = { key: base64(prefix), range_end: base64(`${prefix.slice(0, -1)}0`) }
      const perm = { permType: readOnly ? 'READ' : 'READWRITE', ...range }
      await this.client.call('auth/role/grant', { name, perm })
    }
    await this.client.call('auth/user/grant', { user: name, role: name })
  }

  async disableAuth(): Promise<void> {
    await this.client.call('auth/disable', {})
    for (const { client } of this.servers) client.login = null
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

/** The value of `--auth-token`; all servers share the keys. */
function jwt(dir: TempDir, ttlSeconds: number): string {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const files = { public: join(dir.path, 'jwt.pub'), private: join(dir.path, 'jwt.key') }
  writeFileSync(files.public, publicKey.export({ type: 'spki', format: 'pem' }))
  writeFileSync(files.private, privateKey.export({ type: 'pkcs1', format: 'pem' }))
  return `jwt,pub-key=${files.public},priv-key=${files.private},sign-method=RS256,ttl=${ttlSeconds}s`
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
