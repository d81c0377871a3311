import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EtcdTls } from '../etcd/cluster.ts'
import { TempDir } from '../files/temp.ts'
import { freePorts } from '../net/ports.ts'
import { Relay } from '../net/relay.ts'
import type { DcsServer, PatroniDcs, SectionOptions } from '../patroni/dcs.ts'
import { Child } from '../processes/child.ts'
import type { WatchLog } from '../watch-log.ts'
import { IS_NEW, OLD_JAR, ZooKeeperClient } from './client.ts'

/** The jar whose manifest names the others, what it leaves out for TLS, and its log: as Debian's packages install them. */
const JARS = IS_NEW ? ['zookeeper', 'netty-codec', 'slf4j-simple'] : ['slf4j-api', 'slf4j-simple', 'log4j-1.2']
const CLASS_PATH = [...(IS_NEW ? [] : [OLD_JAR]), ...JARS.map((jar) => `/usr/share/java/${jar}.jar`)].join(':')

/** It runs for a short time: to start quickly, and with little memory, is more than to be fast. */
const JAVA = [
  '-XX:TieredStopAtLevel=1',
  '-XX:+UseSerialGC',
  '-Xmx64m',
  '-Dzookeeper.jmx.log4j.disable=true',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
]

/** An election takes no minute where a server does not answer: its messages are repeated at once. Milliseconds. */
const ELECTION = [
  '-Dzookeeper.cnxTimeout=500',
  '-Dzookeeper.fastleader.minNotificationInterval=100',
  '-Dzookeeper.fastleader.maxNotificationInterval=500',
]

/** Clients and servers take larger values than the default of 1 MiB. */
const LARGE = `-Djute.maxbuffer=${4 * 1024 * 1024}`

export interface ZooKeeperSettings {
  readonly members?: number
  /** False leaves them to be started later: their ports are known already. */
  readonly started?: boolean
  /** Puts a relay between each two of them, so that {@link ZooKeeperEnsemble.isolate} works. */
  readonly relays?: boolean
  /** TLS for clients; with a `client` pair everyone has to show a certificate. */
  readonly tls?: EtcdTls | null
  /** More lines of zoo.cfg. */
  readonly lines?: readonly string[]
}

interface Address {
  readonly id: number
  readonly port: number
  readonly quorumPort: number
  readonly electionPort: number
}

/** The relays between two servers, and which two. */
interface Between {
  readonly ids: readonly [number, number]
  readonly relay: Relay
}

/** One ZooKeeper process, which can be stopped, killed, frozen and started again on the same ports and data. */
export class ZooKeeperServer implements DcsServer {
  readonly port: number
  readonly client: ZooKeeperClient
  readonly dir: string
  #child: Child | null = null

  constructor(dir: string, self: Address, all: readonly Address[], { tls = null, lines = [] }: ZooKeeperSettings) {
    this.port = self.port
    this.dir = dir
    this.client = new ZooKeeperClient(`127.0.0.1:${self.port}`, { tls })
    writeFileSync(join(dir, 'myid'), String(self.id))
    const peers = all.map(({ id, quorumPort, electionPort }) => `server.${id}=127.0.0.1:${quorumPort}:${electionPort}`)
    const config = [
      ...['tickTime=200', 'initLimit=50', 'syncLimit=10', 'minSessionTimeout=400', 'maxSessionTimeout=120000'],
      ...['maxClientCnxns=0', 'admin.enableServer=false', `dataDir=${dir}`],
      // No test waits for a disk.
      'forceSync=no',
      ...(tls === null ? [`clientPort=${self.port}`, 'clientPortAddress=127.0.0.1'] : secure(dir, self.port, tls)),
      ...(all.length > 1 ? peers : []),
      ...lines,
    ]
    writeFileSync(join(dir, 'zoo.cfg'), `${config.join('\n')}\n`)
  }

  get pid(): number {
    return this.#running.pid
  }

  /** Starts the process without waiting for it to answer. */
  async launch(): Promise<void> {
    const main = ['-cp', CLASS_PATH, 'org.apache.zookeeper.server.quorum.QuorumPeerMain', join(this.dir, 'zoo.cfg')]
    const logFile = join(this.dir, 'zookeeper.log')
    this.#child = await Child.start('java', [...JAVA, ...ELECTION, LARGE, ...main], { cwd: this.dir, logFile })
  }

  async start(): Promise<void> {
    await this.launch()
    await this.ready()
  }

  /** Waits until it answers and has a quorum. */
  async ready(): Promise<void> {
    await this.#running.until(`ZooKeeper at ${this.port} answers`, () => this.client.healthy())
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
    if (this.#child === null) throw new Error('ZooKeeper was never started')
    return this.#child
  }
}

/** A single ZooKeeper or an ensemble, in a directory of their own. */
export class ZooKeeperEnsemble implements PatroniDcs {
  readonly name = 'zookeeper'
  readonly servers: readonly ZooKeeperServer[]
  readonly #dir: TempDir
  readonly #tls: EtcdTls | null
  readonly #relays: readonly Between[]

  private constructor(
    dir: TempDir,
    servers: readonly ZooKeeperServer[],
    tls: EtcdTls | null,
    relays: readonly Between[],
  ) {
    this.#dir = dir
    this.servers = servers
    this.#tls = tls
    this.#relays = relays
  }

  static async start(settings: ZooKeeperSettings = {}): Promise<ZooKeeperEnsemble> {
    const { members = 1, started = true, tls = null, relays = false } = settings
    const ports = await freePorts(members * 3)
    const dir = TempDir.create('zookeeper')
    const addresses = Array.from({ length: members }, (_, index) => {
      const [port = 0, quorumPort = 0, electionPort = 0] = ports.slice(index * 3)
      return { id: index + 1, port, quorumPort, electionPort }
    })
    const between: Between[] = []
    const servers: ZooKeeperServer[] = []
    for (const self of addresses) {
      const relay = async (other: Address, port: number): Promise<number> => {
        if (!relays || other === self) return port
        const made = await Relay.start(port)
        between.push({ ids: [self.id, other.id], relay: made })
        return made.port
      }
      const seen: Address[] = []
      for (const other of addresses) {
        const [quorumPort, electionPort] = [
          await relay(other, other.quorumPort),
          await relay(other, other.electionPort),
        ]
        seen.push({ ...other, quorumPort, electionPort })
      }
      servers.push(new ZooKeeperServer(dir.mkdir(`zk${self.id}`), self, seen, settings))
    }
    const ensemble = new ZooKeeperEnsemble(dir, servers, tls, between)
    try {
      if (started) await ensemble.startAll()
    } catch (error) {
      await ensemble.close()
      throw error
    }
    return ensemble
  }

  /** For the tests that need but one. */
  get server(): ZooKeeperServer {
    const [server] = this.servers
    if (server === undefined) throw new Error('an ensemble of no ZooKeeper')
    return server
  }

  get client(): ZooKeeperClient {
    return this.server.client
  }

  /** `127.0.0.1:PORT` of each, as in Patroni's `zookeeper.hosts`. */
  get hosts(): string[] {
    return this.servers.map(({ port }) => `127.0.0.1:${port}`)
  }

  /** The user of a login counts with its password. */
  section({ ports = null, login = null }: SectionOptions = {}): Readonly<Record<string, unknown>> {
    const client = this.#tls?.client
    return {
      hosts: ports?.map((port) => `127.0.0.1:${port}`) ?? this.hosts,
      ...(this.#tls === null ? {} : { use_ssl: true, cacert: this.#tls.ca }),
      ...(client === undefined ? {} : { cert: client.cert, key: client.key }),
      ...(login === null ? {} : { auth_data: { digest: `${login.username}:${login.password}` } }),
    }
  }

  async get(key: string): Promise<string | null> {
    return (await Promise.any(this.servers.map(({ client }) => client.get(key))))?.value ?? null
  }

  async watch(prefix: string): Promise<WatchLog> {
    const log = this.client.watch(prefix)
    await log.established
    return log
  }

  /** Lets nothing through between a server and the others, which need be relayed; what it returns ends that. */
  isolate(server: ZooKeeperServer): () => void {
    const id = this.servers.indexOf(server) + 1
    const own = this.#relays.filter(({ ids }) => ids.includes(id))
    if (own.length === 0) throw new Error('there is no relay between the servers')
    for (const { relay } of own) relay.hang()
    return () => {
      for (const { relay } of own) relay.resume()
    }
  }

  async startAll(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.launch()))
    await Promise.all(this.servers.map((server) => server.ready()))
  }

  /** Ends all of them, also frozen ones, and removes their data. */
  async close(): Promise<void> {
    await Promise.all(this.servers.map(({ client }) => client.close()))
    await this.#dir.remove()
    await Promise.all(this.#relays.map(({ relay }) => relay.close()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** TLS comes with Netty alone. */
function secure(dir: string, port: number, { server, ca, client }: EtcdTls): readonly string[] {
  const pair = join(dir, 'server.pem')
  writeFileSync(pair, readFileSync(server.key, 'utf8') + readFileSync(server.cert, 'utf8'))
  const trusted = join(dir, 'ca.pem')
  writeFileSync(trusted, readFileSync(ca, 'utf8'))
  return [
    ...[`secureClientPort=${port}`, 'secureClientPortAddress=127.0.0.1'],
    'serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory',
    ...[`ssl.keyStore.location=${pair}`, 'ssl.keyStore.type=PEM'],
    ...[`ssl.trustStore.location=${trusted}`, 'ssl.trustStore.type=PEM'],
    `ssl.clientAuth=${client === undefined ? 'none' : 'need'}`,
  ]
}
