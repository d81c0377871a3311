import { EtcdCluster } from '../../test/support/etcd/cluster.ts'
import { Haproxy } from '../../test/support/proxies/haproxy.ts'
import { CertificateAuthority } from '../../test/support/files/certificates.ts'
import { TempDir } from '../../test/support/files/temp.ts'
import { createLoadTable } from '../../test/support/clients/load.ts'
import type { PatroniMember } from '../../test/support/patroni/member.ts'
import { PatroniCluster } from '../../test/support/patroni/cluster.ts'
import { RouterProcess } from '../../test/support/router/process.ts'
import { sql } from '../../test/support/clients/sql.ts'
import { until } from '../../test/support/until.ts'

export type TestbedOptions = {
  /** Relays before each REST API and each way to etcd. */
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
  readonly etcd: EtcdCluster
  readonly cluster: PatroniCluster
  readonly router: RouterProcess
  readonly haproxy: Haproxy
  readonly #stack: AsyncDisposableStack

  private constructor(
    stack: AsyncDisposableStack,
    parts: { etcd: EtcdCluster; cluster: PatroniCluster; router: RouterProcess; haproxy: Haproxy },
  ) {
    this.#stack = stack
    this.etcd = parts.etcd
    this.cluster = parts.cluster
    this.router = parts.router
    this.haproxy = parts.haproxy
  }

  /** Starts everything; on an error nothing is left. */
  static async start({ relays = false, failsafe = false, ...rest }: TestbedOptions): Promise<Testbed> {
    const { restOnly = false, restTls = false } = rest
    await using stack = new AsyncDisposableStack()
    const files = stack.adopt(TempDir.create('testbed'), (dir) => dir.remove())
    const authority = restTls ? CertificateAuthority.create(files.path) : null
    const tls = authority === null ? null : { ca: authority.cert, server: authority.server() }
    const etcd = stack.use(await EtcdCluster.start())
    const dynamic = failsafe ? { failsafe_mode: true } : {}
    const cluster = stack.use(await PatroniCluster.start({ dcs: etcd, relays, dynamic, restTls: tls }))
    const router = stack.use(await (restOnly ? routerByRest(cluster) : RouterProcess.forCluster(cluster)))
    const haproxy = stack.use(await Haproxy.start(cluster.members, { tls: restTls }))
    await createLoadTable((await cluster.leader()).pgPort)
    return new Testbed(stack.move(), { etcd, cluster, router, haproxy })
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
