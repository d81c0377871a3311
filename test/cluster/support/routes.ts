import assert from 'node:assert/strict'
import type { MemberJson } from '../../../src/admin/status/schema-cluster.ts'
import type { PatroniCluster } from '../../support/patroni/cluster.ts'
import type { PatroniMember } from '../../support/patroni/member.ts'
import { freePort } from '../../support/net/ports.ts'
import { RouterProcess } from '../../support/router/process.ts'
import { sql } from '../../support/clients/sql.ts'
import { until } from '../../support/until.ts'

/** More of a listener than its address, such as `{route: 'sync', max_lag: '1MB'}`. */
export type ListenerSettings = Readonly<Record<string, unknown>>

/** A router in front of a cluster, with listeners of the test's choice besides its two own ones. */
export class Routes implements AsyncDisposable {
  readonly router: RouterProcess
  readonly #cluster: PatroniCluster
  readonly #ports: ReadonlyMap<string, number>

  private constructor(cluster: PatroniCluster, router: RouterProcess, ports: ReadonlyMap<string, number>) {
    this.#cluster = cluster
    this.router = router
    this.#ports = ports
  }

  static async start(cluster: PatroniCluster, more: Readonly<Record<string, ListenerSettings>>): Promise<Routes> {
    const names = Object.keys(more)
    const ports = new Map(await Promise.all(names.map(async (name) => [name, await freePort()] as const)))
    const others = names.map((name) => [name, { bind: `127.0.0.1:${ports.get(name)}`, ...more[name] }] as const)
    const proxy = { listeners: Object.fromEntries(others) }
    const router = await RouterProcess.forCluster(cluster, { config: { proxy } })
    const own = [['primary', router.primaryPort] as const, ['replicas', router.replicaPort] as const]
    return new Routes(cluster, router, new Map([...own, ...ports]))
  }

  port(listener: string): number {
    const port = this.#ports.get(listener)
    assert.ok(port !== undefined, `no listener ${listener}`)
    return port
  }

  /** The members that serve new clients of a listener, sorted by name: twice as many clients as there are members. */
  async servers(listener: string): Promise<string[]> {
    const found = new Set<string>()
    for (let client = 0; client < this.#cluster.members.length * 2; client++) {
      const [row] = await sql(this.port(listener), 'SELECT inet_server_port() AS port', { timeoutMs: 40_000 })
      found.add(this.#cluster.memberAt(Number(row?.['port']))?.name ?? 'nobody known')
    }
    return [...found].sort()
  }

  /** Waits until exactly these members serve the clients of a listener. */
  async waitFor(listener: string, ...members: readonly PatroniMember[]): Promise<void> {
    const wanted = members.map(({ name }) => name).sort()
    const check = async () => assert.deepEqual(await this.servers(listener), wanted)
    await until(`${listener} leads to ${wanted.join(', ')}`, async () => check().then(() => true), {
      everyMs: 100,
    })
  }

  /** What the router says of a member. */
  async view({ name }: PatroniMember): Promise<MemberJson> {
    const { clusters } = await this.router.status()
    const found = clusters[0]?.members.find((member) => member.name === name)
    assert.ok(found, `the router does not know ${name}`)
    return found
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.router[Symbol.asyncDispose]()
  }
}

/** Makes a leader write so many megabytes of WAL, without waiting for a synchronous standby. */
export async function writeWal(leader: PatroniMember, megabytes: number): Promise<void> {
  const local = `set_config('synchronous_commit', 'local', true)`
  const message = `pg_logical_emit_message(true, 'load', repeat('x', ${megabytes * 1024 ** 2}))`
  await leader.sql(`SELECT ${local}, ${message}`, { timeoutMs: 30_000 })
}
