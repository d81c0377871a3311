import type { PatroniDcs, SectionOptions } from '../patroni/dcs.ts'
import type { WatchLog } from '../watch-log.ts'
import { EtcdCluster, type EtcdServer, type EtcdSettings, type EtcdUser, ROOT } from './cluster.ts'
import { EtcdV2Client } from './v2-client.ts'

/** etcd as Patroni's section `etcd` has it: by its API v2. */
export class EtcdV2Cluster implements PatroniDcs {
  readonly name = 'etcd'
  /** The processes. */
  readonly etcd: EtcdCluster
  /** Those of v2, one for each server. */
  readonly clients: readonly EtcdV2Client[]

  private constructor(etcd: EtcdCluster, clients: readonly EtcdV2Client[]) {
    this.etcd = etcd
    this.clients = clients
  }

  /** As {@link EtcdCluster.start}. */
  static async start(settings: EtcdSettings & { members?: number; started?: boolean } = {}): Promise<EtcdV2Cluster> {
    const args = ['--enable-v2', ...(settings.args ?? [])]
    const etcd = await EtcdCluster.start({ ...settings, args })
    const clients = etcd.endpoints.map((endpoint) => new EtcdV2Client(endpoint, settings.tls))
    return new EtcdV2Cluster(etcd, clients)
  }

  get servers(): readonly EtcdServer[] {
    return this.etcd.servers
  }

  /** For the tests that need but one. */
  get server(): EtcdServer {
    return this.etcd.server
  }

  get client(): EtcdV2Client {
    const [client] = this.clients
    if (client === undefined) throw new Error('a cluster of no etcd')
    return client
  }

  /** `127.0.0.1:PORT` of each. */
  get hosts(): string[] {
    return this.etcd.hosts
  }

  section(options: SectionOptions = {}): Readonly<Record<string, unknown>> {
    return this.etcd.section(options)
  }

  async get(key: string): Promise<string | null> {
    return (await Promise.any(this.clients.map((client) => client.get(key))))?.value ?? null
  }

  async watch(prefix: string): Promise<WatchLog> {
    return this.client.watch(prefix)
  }

  /** Makes users and leaves nothing to who is none; the clients of these servers are `root` from then on. */
  async enableAuth(...users: readonly EtcdUser[]): Promise<void> {
    const { client } = this
    await client.auth('PUT', 'users/root', { user: ROOT.username, password: ROOT.password })
    for (const user of users) await this.addUser(user)
    await client.auth('PUT', 'enable')
    for (const one of this.clients) one.login = ROOT
    const kv = { read: ['/*'], write: ['/*'] }
    await client.auth('PUT', 'roles/guest', { role: 'guest', revoke: { kv } })
  }

  async addUser({ username: user, password, prefixes, readOnly = false }: EtcdUser): Promise<void> {
    const below = prefixes.map((prefix) => `${prefix}*`)
    const permissions = { kv: { read: below, write: readOnly ? [] : below } }
    await this.client.auth('PUT', `roles/${user}`, { role: user, permissions })
    await this.client.auth('PUT', `users/${user}`, { user, password, roles: [user] })
  }

  async disableAuth(): Promise<void> {
    await this.client.auth('DELETE', 'enable')
    for (const client of this.clients) client.login = null
  }

  async close(): Promise<void> {
    await this.etcd.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
