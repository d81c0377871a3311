import { EtcdCluster } from '../../test/support/etcd/cluster.ts'
import { Haproxy } from '../../test/support/proxies/haproxy.ts'
import { CertificateAuthority } from '../../test/support/files/certificates.ts'
import { TempDir } from '../../test/support/files/temp.ts'
import { createLoadTable } from '../../test/support/clients/load.ts'
import type { PatroniMember } from '../../test/support/patroni/member.ts'
import { PatroniCluster } from '../../test/support/patroni/cluster.ts'
import type { DcsServer, PatroniDcs } from '../../test/support/patroni/dcs.ts'
import { RouterProcess } from '../../test/support/router/process.ts'
import { sql } from '../../test/support/clients/sql.ts'
import { until } from '../../test/support/until.ts'

export type TestbedOptions = {
  /** Starts the DCS; none: etcd v3. */
  readonly dcs?: () => Promise<PatroniDcs>
  /** A testbed on etcd v3 beside this one. */
  readonly beside?: boolean
  /** Relays before each REST API and each way to the DCS. */
  readonly relays?: boolean
  /** Patroni's failsafe_mode. */
  readonly failsafe?: boolean
  /** The router has nothing but the REST API of one member. */
  readonly restOnly?: boolean
  /** The REST API uses TLS. */
  readonly restTls?: boolean
}

/** A real cluster with the router and HAProxy before it, side by side. */
export class Testbed implements AsyncDisposable {
  /** See {@link TestbedOptions.beside}. */
  readonly beside: Testbed | null
  readonly #dcs: PatroniDcs
  readonly cluster: PatroniCluster
  readonly router: RouterProcess
  readonly haproxy: Haproxy
  readonly #stack: AsyncDisposableStack

  private constructor(
    stack: AsyncDisposableStack,
    parts: { beside: Testbed | null; cluster: PatroniCluster; router: RouterProcess; haproxy: Haproxy },
  ) {
    this.#stack = stack
    this.beside = parts.beside
    this.cluster = parts.cluster
    this.#dcs = parts.cluster.dcs
    this.router = parts.router
    this.haproxy = parts.haproxy
  }

  /** Starts everything; on an error nothing is left. */
  static async start({ relays = false, failsafe = false, ...rest }: TestbedOptions): Promise<Testbed> {
    const { dcs: startDcs = () => EtcdCluster.start(), beside: pair = false, restOnly = false, restTls = false } = rest
    await using stack = new AsyncDisposableStack()
    const beside = pair ? stack.use(await Testbed.start({ relays, failsafe, restOnly, restTls })) : null
    const files = stack.adopt(TempDir.create('testbed'), (dir) => dir.remove())
    const authority = restTls ? CertificateAuthority.create(files.path) : null
    const tls = authority === null ? null : { ca: authority.cert, server: authority.server() }
    const dcs = stack.use(await startDcs())
    const dynamic = failsafe ? { failsafe_mode: true } : {}
    const cluster = stack.use(await PatroniCluster.start({ dcs, relays, dynamic, restTls: tls }))
    const router = stack.use(await (restOnly ? routerByRest(cluster) : RouterProcess.forCluster(cluster)))
    const haproxy = stack.use(await Haproxy.start(cluster.members, { tls: restTls }))
    await createLoadTable((await cluster.leader()).pgPort)
    return new Testbed(stack.move(), { beside, cluster, router, haproxy })
  }

  /** Returns the DCS as the etcd v3 that some cases need. @throws when it has none. */
  get etcd(): EtcdCluster {
    const dcs = this.#dcs
    if (dcs instanceof EtcdCluster) return dcs
    throw new Error(`the testbed has ${dcs.name} and no etcd3`)
  }

  /** Returns the one server of the DCS. */
  get server(): DcsServer {
    const [server] = this.#dcs.servers
    if (server === undefined) throw new Error('the DCS has no server')
    return server
  }

  /** Waits until all is as in the beginning: every run starts from here. Returns the leader. */
  async settle(): Promise<PatroniMember> {
    const leader = await this.cluster.waitHealthy({ timeoutMs: 120_000 })
    await until('HAProxy serves the primary', async () => this.haproxyServes(leader))
    await until('the router serves the primary', async () => {
      const [row] = await sql(this.router.primaryPort, 'SELECT inet_server_port() AS port', { timeoutMs: 2_000 })
      return row?.['port'] === leader.pgPort
    })
    return leader
  }

  /** Returns whether `member` is the only one that HAProxy uses as the primary. */
  async haproxyServes(member: PatroniMember): Promise<boolean> {
    const up = await this.haproxy.up('primary')
    return up.length === 1 && up[0] === member.name
  }

  /** Ends all processes and removes their files. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

async function routerByRest({ settings: { scope, namespace }, members }: PatroniCluster): Promise<RouterProcess> {
  const urls = members.slice(0, 1).map(({ restPort }) => `http://127.0.0.1:${restPort}`)
  return RouterProcess.start({ config: { scope, namespace, rest: { urls } } })
}
