/** Three Patroni clusters that stand still, each to be seen in several DCSs; what listens here keeps no process running. */
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { EtcdV2Cluster } from '../../support/etcd/v2-cluster.ts'
import { TempDir } from '../../support/files/temp.ts'
import { freePorts } from '../../support/net/ports.ts'
import { FakeMember } from '../watcher/fake-member.ts'

/** What Postgres asks for first: a password. */
export const AUTHENTICATION = Buffer.from('R\0\0\0\x08\0\0\0\x03', 'latin1')
export const SCOPES = ['a', 'b', 'c'] as const
export type Scope = (typeof SCOPES)[number]
/** Below which both etcds have the same clusters. */
export const NAMESPACES = ['service', 'other'] as const
/** Members of each cluster; the first one leads. */
const SIZES: Readonly<Record<Scope, number>> = { a: 3, b: 2, c: 2 }
const TTL = 30

/** A Postgres, or a pooler, that tells its name for each message and keeps its sessions. */
class Backend implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(name: string) {
    this.#server = createServer((socket) => {
      socket.unref()
      this.#sockets.add(socket)
      socket.on('error', () => undefined) // 'close' follows
      socket.on('close', () => this.#sockets.delete(socket))
      socket.once('data', () => {
        socket.write(Buffer.concat([AUTHENTICATION, Buffer.from(name)]))
        socket.on('data', () => socket.write(name))
      })
    })
    this.#server.unref()
  }

  static async start(name: string): Promise<Backend> {
    const backend = new Backend(name)
    await once(backend.#server.listen(0, '127.0.0.1'), 'listening')
    return backend
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

interface Member {
  readonly rest: FakeMember
  readonly postgres: Backend
  readonly pooler: Backend
  readonly tags: Readonly<Record<string, string>>
}

export class World implements AsyncDisposable {
  readonly dir: TempDir
  readonly etcd: EtcdV2Cluster
  /** The two addresses of the one etcd. */
  readonly etcdPorts: readonly [number, number]
  /** On which listeners may listen. */
  readonly ports: readonly number[]
  readonly members: Readonly<Record<Scope, readonly Member[]>>
  readonly #stack: AsyncDisposableStack

  private constructor(
    parts: Pick<World, 'dir' | 'etcd' | 'etcdPorts' | 'ports' | 'members'>,
    stack: AsyncDisposableStack,
  ) {
    this.dir = parts.dir
    this.etcd = parts.etcd
    this.etcdPorts = parts.etcdPorts
    this.ports = parts.ports
    this.members = parts.members
    this.#stack = stack
  }

  static async start(): Promise<World> {
    await using stack = new AsyncDisposableStack()
    const dir = stack.use(TempDir.create('reload'))
    for (const name of ['run', 'tracks', 'out']) mkdirSync(join(dir.path, name))
    const [second = 0, ...ports] = await freePorts(11)
    const etcd = stack.use(await EtcdV2Cluster.start({ started: false }))
    const [first = 0] = etcd.servers.map(({ port }) => port)
    const urls = [first, second].map((port) => `http://127.0.0.1:${port}`)
    await etcd.server.launch(['--listen-client-urls', urls.join(','), '--enable-v2'])
    await etcd.server.ready()
    const all = await Promise.all(SCOPES.map(async (scope) => [scope, await startMembers(scope, stack)] as const))
    const members = Object.fromEntries(all) as unknown as World['members']
    const world = new World({ dir, etcd, etcdPorts: [first, second], ports, members }, stack.move())
    for (const scope of SCOPES) await world.#describe(scope)
    for (const [key, value] of Object.entries({ '/app/color': 'red', '/app/size': '7' })) await world.#put(key, value)
    return world
  }

  path(...names: readonly string[]): string {
    return join(this.dir.path, ...names)
  }

  /** The file that describes a cluster; there are two of each, which say the same. */
  file(scope: Scope, copy: number): string {
    return this.path(`${scope}-${copy}.yml`)
  }

  restUrls(scope: Scope): readonly string[] {
    return this.members[scope].map(({ rest }) => rest.url)
  }

  async #put(key: string, value: string): Promise<void> {
    await this.etcd.etcd.client.put(key, value)
    await this.etcd.client.set(key, value)
  }

  async #describe(scope: Scope): Promise<void> {
    const members = this.members[scope]
    const leader = `${scope}0`
    const initialize = systemIdOf(scope)
    const sync = { leader, sync_standby: `${scope}1` }
    const keys = Object.fromEntries(members.map((member) => [member.rest.name, keyOf(member)]))
    const described = { leader, initialize, config: { ttl: TTL }, sync, members: keys }
    for (const copy of [0, 1])
      writeFileSync(this.file(scope, copy), stringify(described, { defaultStringType: 'QUOTE_SINGLE' }))
    const below = {
      ...{ leader, initialize, config: JSON.stringify({ ttl: TTL }), sync: JSON.stringify(sync) },
      status: JSON.stringify({ optime: 100 }),
      ...Object.fromEntries(Object.entries(keys).map(([name, key]) => [`members/${name}`, JSON.stringify(key)])),
    }
    for (const namespace of NAMESPACES)
      for (const [key, value] of Object.entries(below)) await this.#put(`/${namespace}/${scope}/${key}`, value)
    const entries = members.map(({ rest, postgres, tags }, index) =>
      rest.entry(index === 0 ? 'leader' : index === 1 ? 'sync_standby' : 'replica', { port: postgres.port, tags }),
    )
    for (const { rest } of members) rest.cluster = { scope, members: entries }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

function systemIdOf(scope: Scope): string {
  return `700000000000000000${SCOPES.indexOf(scope)}`
}

async function startMembers(scope: Scope, stack: AsyncDisposableStack): Promise<readonly Member[]> {
  return await Promise.all(
    Array.from({ length: SIZES[scope] }, async (_, index) => {
      const name = `${scope}${index}`
      const rest = stack.use(await FakeMember.start(name, index === 0 ? 'primary' : 'replica'))
      rest.scope = scope
      rest.systemId = systemIdOf(scope)
      // The third one lags.
      if (index === 2) rest.position = 50
      const tags = { dc: index === 1 ? 'x' : 'y' }
      const postgres = stack.use(await Backend.start(name))
      return { rest, postgres, pooler: stack.use(await Backend.start(`pooler-${name}`)), tags }
    }),
  )
}

function keyOf({ rest, postgres, pooler, tags }: Member): object {
  const isLeader = rest.mode === 'primary'
  return {
    ...{ conn_url: urlOf(postgres), proxy_url: urlOf(pooler), api_url: `${rest.url}/patroni` },
    ...{
      state: 'running',
      role: isLeader ? 'primary' : 'replica',
      version: '4.1.4',
      timeline: 1,
      tags,
      xlog_location: rest.position,
    },
  }
}

function urlOf({ port }: Backend): string {
  return `postgres://127.0.0.1:${port}/postgres`
}
