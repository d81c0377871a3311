import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type GroupJson, type StatusJson, statusSchema } from '../../../src/admin/status/schema.ts'
import { ask } from '../../../src/admin/client.ts'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import { type LogLine, RouterProcess } from '../../support/router/process.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { FakeMember, SYSTEM_ID } from '../watcher/fake-member.ts'

const PREFIX = '/service/demo/'

/** A real etcd with Patroni's keys of members that answer as the test wants, and a directory for templates and files. */
export class Scene implements AsyncDisposable {
  readonly etcd: EtcdCluster
  readonly members: readonly FakeMember[]
  readonly #dir: TempDir
  #router: RouterProcess | null = null

  private constructor(etcd: EtcdCluster, members: readonly FakeMember[], dir: TempDir) {
    this.etcd = etcd
    this.members = members
    this.#dir = dir
  }

  /** pg0 leads, the others are fit replicas. */
  static async create(names: readonly string[] = ['pg0', 'pg1', 'pg2']): Promise<Scene> {
    const etcd = await EtcdCluster.start()
    const members = await Promise.all(names.map((name) => FakeMember.start(name, 'replica')))
    return new Scene(etcd, members, TempDir.create('templates'))
  }

  /** As at the beginning; only the directory is what it has become. */
  async reset(): Promise<void> {
    for (const member of this.members) member.position = 100
    await this.etcd.client.deletePrefix('/')
    await this.put('initialize', SYSTEM_ID)
    await this.put('config', '{"ttl":20}')
    for (const member of this.members) await this.put(`members/${member.name}`, member.key())
    await this.lead('pg0')
  }

  /** Ends the router. */
  async stop(): Promise<void> {
    await this.#router?.[Symbol.asyncDispose]()
    this.#router = null
  }

  put(key: string, value: string): Promise<number> {
    return this.etcd.client.put(`${PREFIX}${key}`, value)
  }

  member(name: string): FakeMember {
    const member = this.members.find((each) => each.name === name)
    if (member === undefined) throw new Error(`no member ${name}`)
    return member
  }

  /** Makes `name` the leader, which proves itself at once. */
  async lead(name: string): Promise<void> {
    for (const member of this.members) member.mode = member.name === name ? 'primary' : 'replica'
    await this.put('leader', name)
  }

  /** What Patroni writes every loop. */
  async tick(name: string, location: number): Promise<void> {
    await this.put(`members/${name}`, this.member(name).key({ xlog_location: location }))
  }

  path(name: string): string {
    return join(this.#dir.path, name)
  }

  write(name: string, text: string): string {
    writeFileSync(this.path(name), text)
    return this.path(name)
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8')
  }

  has(name: string): boolean {
    return existsSync(this.path(name))
  }

  /** The lines of a file that commands append to. */
  lines(name: string): string[] {
    return this.has(name)
      ? this.read(name)
          .split('\n')
          .filter((line) => line !== '')
      : []
  }

  /** Files that a pass has left beside destinations. */
  leftovers(): string[] {
    return readdirSync(this.#dir.path).filter((name) => /^\..*\.(tmp|undo|bak)$/.test(name))
  }

  /** Starts a router for these templates, as the configuration has them. */
  async run(templates: readonly object[], rest: object = {}, env: Record<string, string> = {}): Promise<RouterProcess> {
    const config = {
      scope: 'demo',
      etcd3: { hosts: this.etcd.hosts, use_proxies: true },
      // Members always answer here: a slow machine must not look like a replica that is down and up again.
      proxy: { check: { interval: '300ms', fast_interval: '20ms', timeout: '10s' } },
      state_dir: this.path('state'),
      templates,
      ...rest,
    }
    this.#router = await RouterProcess.start({ config, env })
    return this.#router
  }

  get router(): RouterProcess {
    if (this.#router === null) throw new Error('no router was started')
    return this.#router
  }

  async status(): Promise<StatusJson> {
    const answer = await ask(this.router.socketPath, 'show status json', {
      timeoutMs: 5000,
      signal: AbortSignal.timeout(5000),
    })
    return statusSchema.parse(JSON.parse(answer))
  }

  async group(name: string): Promise<GroupJson> {
    const group = (await this.status()).templates?.groups.find((each) => each.name === name)
    if (group === undefined) throw new Error(`no group ${name}`)
    return group
  }

  /** Waits until a group has that state. */
  async until(name: string, state: GroupJson['state']): Promise<GroupJson> {
    return until(`${name} is ${state}`, async () => {
      const group = await this.group(name)
      if (group.state !== state) throw new Error(JSON.stringify(group))
      return group
    })
  }

  logged(event: string): LogLine[] {
    return this.router.log.filter((line) => line['event'] === event)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    for (const member of this.members) await member[Symbol.asyncDispose]()
    await this.etcd.close()
    await this.#dir.remove()
  }
}
