/** Runs one case of `silent-dns.test.ts` where /etc/hosts is ours and the only name server never answers. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { EtcdCluster } from '../../support/etcd.ts'
import { Holders } from '../../support/holders.ts'
import { RouterProcess } from '../../support/router.ts'
import { sql } from '../../support/sql.ts'
import { TempDir } from '../../support/temp.ts'
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

  static async start(hosts: string): Promise<Stage> {
    await using stack = new AsyncDisposableStack()
    const silent = createSocket('udp4').bind(53, '127.0.0.1')
    stack.defer(() => void silent.close())
    await once(silent, 'listening')
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
    const holders = await Holders.open(router.primaryPort, 5)
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

  /** Nothing has a name any more: what is asked of the DNS hangs. */
  silence(): Promise<void> {
    writeFileSync(this.hosts, LOCAL)
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
  const etcd = await EtcdCluster.start()
  stage.use({ [Symbol.asyncDispose]: () => etcd.close() })
  await etcd.client.put('/service/demo/initialize', SYSTEM_ID)
  for (const [name, member] of Object.entries(members))
    await etcd.client.put(`/service/demo/members/${name}`, JSON.stringify(member))
  await etcd.client.put('/service/demo/leader', 'pg1')
  const hosts = etcd.hosts.map((host) => host.replace('127.0.0.1', 'etcd.test'))
  return { etcd3: { hosts, use_proxies: true } }
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
  'all names, by etcd': async (stage) => {
    const router = await stage.router(await etcdOf(stage, stage.members('pg1.test', [])))
    await stage.assertServed(router, () => stage.silence())
  },
  'all names, by rest': async (stage) => {
    const { member, postgres } = stage
    const api_url = member.url.replace('127.0.0.1', 'pg1.test')
    const at = { host: 'pg1.test', port: postgres.address.port, api_url }
    member.cluster = { scope: 'demo', members: [member.entry('leader', at)] }
    const router = await stage.router({ rest: { urls: [api_url] } })
    await stage.assertServed(router, () => stage.silence())
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
await using stage = await Stage.start(hosts)
await scenario(stage)
