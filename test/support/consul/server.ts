import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EtcdTls } from '../etcd/cluster.ts'
import { TempDir } from '../files/temp.ts'
import { freePorts } from '../net/ports.ts'
import { Child } from '../processes/child.ts'
import { until } from '../until.ts'
import { ConsulClient } from './client.ts'
import type { FakeSettings } from './fake/agent.ts'

/** PATRONI_ROUTER_TEST_CONSUL is the path of a Consul that the tests run instead of the fake. */
const { PATRONI_ROUTER_TEST_CONSUL: NAMED = '' } = process.env
const BINARY = NAMED === '' ? null : NAMED
/** Whether servers are the real Consul where nothing else is said. */
export const isRealConsul = BINARY !== null
const FAKE = join(import.meta.dirname, 'fake-main.ts')
const NODE_NAME = 'consul0'
const SESSION_TTL_MIN_MS = 1_000

export interface ConsulSettings {
  /** Whether it is Consul itself; without it, PATRONI_ROUTER_TEST_CONSUL decides. */
  readonly real?: boolean
  /** False leaves it to be started later: its port is known already. */
  readonly started?: boolean
  /** TLS for clients; with a `client` pair everyone has to show a certificate. */
  readonly tls?: EtcdTls | null
  /** Denies everything to who has no token. */
  readonly acl?: boolean
  /** How long requests wait for a leader, in milliseconds. */
  readonly holdMs?: number
  /** Gives it a second server, so that {@link ConsulServer.loseLeader} works. */
  readonly witness?: boolean
}

/** What a user of Consul may do. */
export interface ConsulUser {
  /** Such as `service/demo/`. */
  readonly keyPrefix: string
  readonly policy: 'read' | 'write'
  /** Whether it may make sessions, register services and read the agent, as Patroni has to; as the policy without it. */
  readonly patroni?: boolean
}

type Ports = { readonly http: number; readonly server: number; readonly serf: number }

/** One Consul, the real one or the fake, in a process of its own that can be stopped, killed, frozen and started again. */
export class ConsulServer implements AsyncDisposable {
  readonly port: number
  readonly client: ConsulClient
  readonly #dir: TempDir
  readonly #tls: EtcdTls | null
  readonly #binary: string | null
  readonly #managementToken: string | null
  readonly #witness: ConsulProcess | null
  readonly #process: ConsulProcess

  private constructor(dir: TempDir, ports: readonly Ports[], binary: string | null, settings: ConsulSettings) {
    const [own = NO_PORTS, other] = ports
    const { tls = null, acl = false, holdMs = 7_000 } = settings
    this.port = own.http
    this.#dir = dir
    this.#tls = tls
    this.#binary = binary
    this.#managementToken = acl ? randomUUID() : null
    this.client = new ConsulClient(`${tls === null ? 'http' : 'https'}://127.0.0.1:${own.http}`, {
      ...{ tls, token: this.#managementToken },
    })
    const common = { tls, holdMs, managementToken: this.#managementToken, all: ports }
    this.#witness = other === undefined || binary === null ? null : real(binary, dir.mkdir('witness'), other, common)
    this.#process = binary === null ? fake(dir.path, own, common) : real(binary, dir.path, own, common)
  }

  static async start(settings: ConsulSettings = {}): Promise<ConsulServer> {
    const { real = BINARY !== null, witness = false, started = true } = settings
    if (real && BINARY === null) throw new Error('PATRONI_ROUTER_TEST_CONSUL names no Consul')
    const numbers = await freePorts(witness ? 6 : 3)
    const ports = Array.from({ length: numbers.length / 3 }, (_, index) => {
      const [http = 0, server = 0, serf = 0] = numbers.slice(index * 3)
      return { http, server, serf }
    })
    const made = new ConsulServer(TempDir.create('consul'), ports, real ? BINARY : null, settings)
    try {
      if (started) await made.start()
    } catch (error) {
      await made.close()
      throw error
    }
    return made
  }

  /** `http://127.0.0.1:PORT`. */
  get endpoint(): string {
    return this.client.endpoint
  }

  /** Whether it is Consul itself. */
  get real(): boolean {
    return this.#binary !== null
  }

  /** `127.0.0.1:PORT`, as in Patroni's `consul.host`. */
  get hosts(): string[] {
    return [`127.0.0.1:${this.port}`]
  }

  get path(): string {
    return this.#dir.path
  }

  get pid(): number {
    return this.#process.child.pid
  }

  /** Patroni's `consul` section. @param host of a relay. */
  section({ token, host }: { token?: string; host?: string } = {}): Record<string, unknown> {
    const client = this.#tls?.client
    return {
      host: host ?? this.hosts[0],
      ...(this.#tls === null ? {} : { scheme: 'https', cacert: this.#tls.ca }),
      ...(client === undefined ? {} : { cert: client.cert, key: client.key }),
      ...(token === undefined ? {} : { token }),
    }
  }

  /** A token for a user (needs `acl`). */
  async addToken({ keyPrefix, policy, patroni = policy === 'write' }: ConsulUser): Promise<string> {
    const write = { '': { policy: 'write' } }
    const others = { session_prefix: write, service_prefix: write, agent_prefix: { '': { policy: 'read' } } }
    const rules = { key_prefix: { [keyPrefix]: { policy } }, ...(patroni ? others : {}) }
    const name = `test-${randomUUID()}`
    await this.client.call('PUT', 'acl/policy', JSON.stringify({ Name: name, Rules: JSON.stringify(rules) }))
    const made = await this.client.call('PUT', 'acl/token', JSON.stringify({ Policies: [{ Name: name }] }))
    return (JSON.parse(made) as { SecretID: string }).SecretID
  }

  /** Starts it, with its data, and waits until it answers. */
  async start(): Promise<void> {
    await this.launch()
    await this.ready()
  }

  /** Starts the process without waiting for it to answer. */
  async launch(): Promise<void> {
    await this.#witness?.launch()
    await this.#process.launch()
  }

  /** Waits until it has a leader and makes sessions. */
  async ready(): Promise<void> {
    await this.#process.child.until('Consul is ready', async () => {
      if (!(await this.client.healthy())) return false
      if (this.#managementToken !== null) await this.addToken({ keyPrefix: 'none', policy: 'read' })
      const { ID } = JSON.parse(await this.client.call('PUT', 'session/create')) as { ID: string }
      await this.client.destroySession(ID)
      return true
    })
  }

  async stop(): Promise<void> {
    await this.#process.child.stop()
  }

  async kill(): Promise<void> {
    await this.#process.child.stop({ signal: 'SIGKILL' })
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.#process.launch()
    await this.ready()
  }

  /** Its sockets stay open and nothing answers. */
  freeze(): void {
    this.#process.child.freeze()
  }

  thaw(): void {
    this.#process.child.thaw()
  }

  /** Takes the quorum away (needs `witness`); resolves when it knows no leader. */
  async loseLeader(): Promise<void> {
    if (this.#witness !== null) await this.#witness.child.stop({ signal: 'SIGKILL' })
    else await this.client.call('DELETE', '/fake/leader')
    await until('Consul has no leader', async () => (await this.client.call('GET', 'status/leader')) === '""')
  }

  async regainLeader(): Promise<void> {
    if (this.#witness !== null) await this.#witness.launch()
    else await this.client.call('PUT', '/fake/leader')
    await this.ready()
  }

  /** Deletes tombstones, after which the index of a prefix can fall. Of the fake only: Consul does it after 15 minutes. */
  async reapTombstones(): Promise<void> {
    if (this.real) throw new Error('Consul reaps tombstones after 15 minutes')
    await this.client.call('DELETE', '/fake/tombstones')
  }

  /** Ends it, also when it is frozen, and removes its data. */
  async close(): Promise<void> {
    await this.#dir.remove()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

interface Common {
  readonly tls: EtcdTls | null
  readonly holdMs: number
  readonly managementToken: string | null
  /** The ports of all servers. */
  readonly all: readonly Ports[]
}

const NO_PORTS: Ports = { http: 0, server: 0, serf: 0 }

/** A command with its configuration, which is started again as it was. */
class ConsulProcess {
  readonly #dir: string
  readonly #command: readonly string[]
  #child: Child | null = null

  constructor(dir: string, command: readonly string[], config: object) {
    this.#dir = dir
    const file = join(dir, 'config.json')
    writeFileSync(file, JSON.stringify(config))
    this.#command = [...command, file]
  }

  get child(): Child {
    if (this.#child === null) throw new Error('Consul was never started')
    return this.#child
  }

  async launch(): Promise<void> {
    const [program = '', ...args] = this.#command
    this.#child = await Child.start(program, args, { cwd: this.#dir, logFile: join(this.#dir, 'consul.log') })
  }
}

function fake(dir: string, { http }: Ports, { tls, holdMs, managementToken }: Common): ConsulProcess {
  const settings: FakeSettings = {
    ...{ port: http, nodeName: NODE_NAME, dataFile: join(dir, 'data.json') },
    ...{ managementToken, holdMs, sessionTtlMinMs: SESSION_TTL_MIN_MS },
    tls: tls === null ? null : { ...tls.server, clientCa: tls.client === undefined ? null : tls.ca },
  }
  return new ConsulProcess(dir, [process.execPath, FAKE], settings)
}

/** A server with the least of delays and nothing of the rest of Consul. */
function real(binary: string, dir: string, own: Ports, { tls, holdMs, managementToken, all }: Common): ConsulProcess {
  const token = managementToken
  return new ConsulProcess(dir, [binary, 'agent', '-config-format=json', '-config-file'], {
    ...{ server: true, bootstrap_expect: all.length, node_name: all[0] === own ? NODE_NAME : 'witness' },
    ...{ data_dir: join(dir, 'data'), bind_addr: '127.0.0.1', client_addr: '127.0.0.1', log_level: 'warn' },
    ports: {
      ...{ server: own.server, serf_lan: own.serf, serf_wan: -1, dns: -1, grpc: -1 },
      ...(tls === null ? { http: own.http } : { http: -1, https: own.http }),
    },
    retry_join: all.filter((other) => other !== own).map(({ serf }) => `127.0.0.1:${serf}`),
    retry_interval: '1s',
    performance: { raft_multiplier: 1, rpc_hold_timeout: `${holdMs}ms` },
    session_ttl_min: `${SESSION_TTL_MIN_MS}ms`,
    ...{ disable_update_check: true, disable_host_node_id: true, disable_coordinates: true },
    connect: { enabled: false },
    ...(token === null
      ? {}
      : { acl: { enabled: true, default_policy: 'deny', tokens: { master: token, agent: token } } }),
    ...(tls === null ? {} : { cert_file: tls.server.cert, key_file: tls.server.key, ca_file: tls.ca }),
    verify_incoming_https: tls?.client !== undefined,
  })
}
