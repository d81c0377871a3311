/** Runs one case of `silent-dns.test.ts` where /etc/hosts is ours and the only name server never answers. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import { Holders } from '../../support/clients/holders.ts'
import { Relay } from '../../support/net/relay.ts'
import { RouterProcess } from '../../support/router/process.ts'
import { sql } from '../../support/clients/sql.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { Postgres } from '../proxy/support/postgres.ts'
import { FakeMember, SYSTEM_ID } from '../watcher/fake-member.ts'

const LOCAL = '127.0.0.1 localhost\n'
const NAMES = `${LOCAL}127.0.0.1 pg1.test etcd.test\n127.0.0.9 dead.test\n`
/** Names that nothing answers for. */
const HUNG = Array.from({ length: 50 }, (_, number) => `hung${number}.test`)
/** More questions than end a proof, and longer than a lookup may take. */
const CHECKS = 20

/** A healthy primary, known by its name, and what a client of it sees. */
class Stage implements AsyncDisposable {
  readonly hosts: string
  readonly dir: TempDir
  readonly postgres: Postgres
  readonly member: FakeMember
  readonly #stack: AsyncDisposableStack

  private constructor(
    stack: AsyncDisposableStack,
    hosts: string,
    dir: TempDir,
    postgres: Postgres,
    member: FakeMember,
  ) {
    this.#stack = stack
    this.hosts = hosts
    this.dir = dir
    this.postgres = postgres
    this.member = member
  }

  /** `hasServer`: a name server that never answers; else there is none, and what is asked of the DNS fails at once. */
  static async start(hosts: string, hasServer = true): Promise<Stage> {
    await using stack = new AsyncDisposableStack()
    if (hasServer) {
      const silent = createSocket('udp4').bind(53, '127.0.0.1')
      stack.defer(() => void silent.close())
      await once(silent, 'listening')
    }
    writeFileSync(hosts, NAMES)
    const dir = TempDir.create('silent-dns')
    stack.defer(() => dir.remove())
    const postgres = stack.use(await Postgres.create())
    const member = stack.use(await FakeMember.start('pg1', 'primary'))
    return new Stage(stack.move(), hosts, dir, postgres, member)
  }

  use<T extends AsyncDisposable>(part: T): T {
    return this.#stack.use(part)
  }

  /** The keys of the primary at `host`, and of a replica at each of `others`. */
  members(host: string, others: readonly string[]): Record<string, Record<string, string>> {
    const { port } = new URL(this.member.url)
    const urls = (name: string, postgres: number, rest: string): Record<string, string> => ({
      conn_url: `postgres://${name}:${postgres}/postgres`,
      api_url: `http://${name}:${rest}/patroni`,
    })
    const replicas = others.map((name): [string, Record<string, string>] => [
      name.replace('.test', ''),
      { ...urls(name, 5432, '8008'), role: 'replica', state: 'running' },
    ])
    const primary = { ...urls(host, this.postgres.address.port, port), role: 'primary', state: 'running' }
    return { pg1: primary, ...Object.fromEntries(replicas) }
  }

  async router(config: object): Promise<RouterProcess> {
    const proxy = { check: { interval: '500ms', timeout: '500ms', fall: 2 } }
    return this.use(await RouterProcess.start({ config: { scope: 'demo', ...config, proxy } }))
  }

  /** Waits until the member was asked often, new clients are served all the while, and no session has ended. */
  async assertServed(router: RouterProcess, what: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    await using holders = await Holders.open(router.primaryPort, 5)
    await what()
    const asked = (): number => this.member.asked.filter((path) => path === '/primary').length
    const before = asked()
    await until(
      'the primary has been asked often',
      async () => {
        await sql(router.primaryPort, 'SELECT 1', { timeoutMs: 5000 })
        return asked() > before + CHECKS
      },
      { timeoutMs: 60_000, everyMs: 100 },
    )
    assert.equal(await holders.ping(), 5)
    await holders.close()
    assert.deepEqual(
      router.log.filter(({ event }) => event === 'fenced' || event === 'primary-unreachable'),
      [],
    )
  }

  /** These names alone lead anywhere: what else is asked of the DNS hangs, or fails. */
  names(lines: string): Promise<void> {
    writeFileSync(this.hosts, `${LOCAL}${lines}`)
    return Promise.resolve()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

function fileOf(stage: Stage, name: string, members: object): object {
  const path = join(stage.dir.path, `${name}.yml`)
  writeFileSync(path, stringify({ leader: 'pg1', initialize: SYSTEM_ID, members }))
  return { file: { path } }
}

async function etcdOf(stage: Stage, members: Readonly<Record<string, object>>): Promise<object> {
  return etcdAt(await etcdWith(stage, members))
}

async function etcdWith(stage: Stage, members: Readonly<Record<string, object>>): Promise<EtcdCluster> {
  const etcd = await EtcdCluster.start()
  stage.use({ [Symbol.asyncDispose]: () => etcd.close() })
  await etcd.client.put('/service/demo/initialize', SYSTEM_ID)
  for (const [name, member] of Object.entries(members))
    await etcd.client.put(`/service/demo/members/${name}`, JSON.stringify(member))
  await etcd.client.put('/service/demo/leader', 'pg1')
  return etcd
}

function etcdAt({ hosts }: Pick<EtcdCluster, 'hosts'>): object {
  return { etcd3: { hosts: hosts.map((host) => host.replace('127.0.0.1', 'etcd.test')), use_proxies: true } }
}

function restOf(stage: Stage): object {
  const { member, postgres } = stage
  const api_url = member.url.replace('127.0.0.1', 'pg1.test')
  const at = { host: 'pg1.test', port: postgres.address.port, api_url }
  member.cluster = { scope: 'demo', members: [member.entry('leader', at)] }
  return { rest: { urls: [api_url] } }
}

const CASES: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  'hung names beside the primary, by etcd': async (stage) => {
    const members = stage.members('pg1.test', ['dead.test', ...HUNG])
    await stage.assertServed(await stage.router(await etcdOf(stage, members)))
  },
  'hung names beside the primary, by rest': async (stage) => {
    const { member, postgres } = stage
    const at = { host: 'pg1.test', port: postgres.address.port, api_url: member.url.replace('127.0.0.1', 'pg1.test') }
    const others = HUNG.map((name) => {
      return { name, host: name, port: 5432, api_url: `http://${name}:8008/patroni`, role: 'replica', state: 'running' }
    })
    member.cluster = { scope: 'demo', members: [member.entry('leader', at), ...others] }
    const urls = [at.api_url, 'http://hung0.test:8008', 'http://dead.test:8008']
    await stage.assertServed(await stage.router({ rest: { urls } }))
  },
  "one hung name, the primary's own, by etcd": async (stage) => {
    const router = await stage.router(await etcdOf(stage, stage.members('pg1.test', [])))
    await stage.assertServed(router, () => stage.names('127.0.0.1 etcd.test\n'))
  },
  'all names, by etcd': async (stage) => {
    const router = await stage.router(await etcdOf(stage, stage.members('pg1.test', [])))
    await stage.assertServed(router, () => stage.names(''))
  },
  'all names, by rest': async (stage) => {
    const router = await stage.router(restOf(stage))
    await stage.assertServed(router, () => stage.names(''))
  },
  'dead addresses for all names, by etcd': async (stage) => {
    const router = await stage.router(await etcdOf(stage, stage.members('pg1.test', [])))
    await stage.assertServed(router, () => stage.names('127.0.0.9 pg1.test etcd.test\n'))
  },
  'dead addresses for all names, by rest': async (stage) => {
    const router = await stage.router(restOf(stage))
    await stage.assertServed(router, () => stage.names('127.0.0.9 pg1.test\n'))
  },
  'a DNS that fails, by rest': async (stage) => {
    const router = await stage.router(restOf(stage))
    await stage.assertServed(router, () => stage.names(''))
  },
  'etcd, whose connections end meanwhile': async (stage) => {
    const etcd = await etcdWith(stage, stage.members('pg1.test', HUNG))
    const relay = await Relay.start(etcd.server.port)
    stage.use({ [Symbol.asyncDispose]: () => relay.close() })
    const router = await stage.router(etcdAt({ hosts: [`127.0.0.1:${relay.port}`] }))
    await stage.assertServed(router, async () => {
      await stage.names('')
      relay.retarget(etcd.server.port)
      await etcd.client.put('/service/demo/members/late', stage.member.key())
      await until('what is new is read', async () => JSON.stringify(await router.status()).includes('"late"'))
    })
  },
  'a template that asks for hung names': async (stage) => {
    const [source, destination] = [join(stage.dir.path, 'hung.hbs'), join(stage.dir.path, 'hung.txt')]
    writeFileSync(source, HUNG.map((name) => `{{lookupIP "${name}"}}`).join('\n'))
    const file = fileOf(stage, 'healthy', stage.members('pg1.test', []))
    await stage.assertServed(await stage.router({ ...file, templates: [{ source, destination }] }))
  },
  'one of two clusters': async (stage) => {
    const healthy = fileOf(stage, 'healthy', stage.members('pg1.test', []))
    const hung = fileOf(stage, 'hung', stage.members('hung0.test', HUNG.slice(1)))
    await stage.assertServed(await stage.router({ clusters: { demo: healthy, other: hung } }))
  },
}

const [name = '', hosts = ''] = process.argv.slice(2)
const scenario = CASES[name]
assert.ok(scenario, `one of ${Object.keys(CASES).join('; ')}`)
await using stage = await Stage.start(hosts, !name.startsWith('a DNS that fails'))
await scenario(stage)
