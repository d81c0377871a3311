/** Several clusters in one router: two of them in one etcd with members of the same names, one in an etcd of its own. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, afterEach, before, describe, test } from 'node:test'
import { type StatusJson, statusSchema } from '../../src/admin/status/schema.ts'
import { EtcdCluster } from '../support/etcd/cluster.ts'
import { freePorts } from '../support/net/ports.ts'
import { RouterProcess } from '../support/router/process.ts'
import { TempDir } from '../support/files/temp.ts'
import { until } from '../support/until.ts'
import { Api } from './watcher/api.ts'
import { FakeMember, SYSTEM_ID } from './watcher/fake-member.ts'

/** Members pg1 and pg2 of a cluster, whose databases say whose they are. */
class Played implements AsyncDisposable {
  readonly name: string
  readonly prefix: string
  readonly etcd: EtcdCluster
  readonly members = new Map<string, FakeMember>()
  readonly #stack = new AsyncDisposableStack()

  constructor(name: string, prefix: string, etcd: EtcdCluster) {
    this.name = name
    this.prefix = prefix
    this.etcd = etcd
  }

  async start(scope: string): Promise<this> {
    for (const name of ['pg1', 'pg2']) {
      const member = this.#stack.use(await FakeMember.start(name, name === 'pg1' ? 'primary' : 'replica'))
      member.scope = scope
      const greeting = `${this.name}/${name}`
      const { port } = this.#stack.use(
        await Api.start(createServer((socket) => socket.once('data', () => socket.end(greeting)))),
      )
      const key = member.key({ conn_url: `postgres://127.0.0.1:${port}/postgres` })
      await this.etcd.client.put(`${this.prefix}members/${name}`, key)
      this.members.set(name, member)
    }
    await this.etcd.client.put(`${this.prefix}initialize`, SYSTEM_ID)
    await this.etcd.client.put(`${this.prefix}leader`, 'pg1')
    return this
  }

  /** Makes `name` the leader, which proves itself at once. */
  async lead(name: string, timeline: number): Promise<void> {
    for (const member of this.members.values()) {
      member.mode = member.name === name ? 'primary' : 'replica'
      member.timeline = timeline
    }
    await this.etcd.client.put(`${this.prefix}leader`, name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

describe('a router of several clusters', () => {
  let dir: TempDir
  let one: EtcdCluster
  let other: EtcdCluster
  let coordinator: Played
  let worker: Played
  let orders: Played
  let router: RouterProcess
  let ports: Record<'coordinator' | 'worker' | 'orders', number>

  before(async () => {
    dir = TempDir.create('clusters')
    ;[one, other] = await Promise.all([EtcdCluster.start(), EtcdCluster.start()])
    coordinator = await new Played('coordinator', '/service/demo/0/', one).start('demo')
    worker = await new Played('worker', '/service/demo/1/', one).start('demo')
    orders = await new Played('orders', '/service/demo/', other).start('demo')
  })
  after(async () => {
    for (const played of [coordinator, worker, orders]) await played[Symbol.asyncDispose]()
    await Promise.all([one, other].map((etcd) => etcd.close()))
    await dir.remove()
  })
  afterEach(async () => {
    await router[Symbol.asyncDispose]()
    for (const played of [coordinator, worker, orders]) await played.lead('pg1', 1)
  })

  const file = (name: string): string => join(dir.path, name)
  const read = (name: string): string => (existsSync(file(name)) ? readFileSync(file(name), 'utf8') : '')

  async function start(rest: object = {}): Promise<void> {
    const [coordinatorPort = 0, workerPort = 0, ordersPort = 0] = await freePorts(3)
    ports = { coordinator: coordinatorPort, worker: workerPort, orders: ordersPort }
    const listeners = Object.entries(ports).map(([cluster, port]) => [
      cluster,
      { bind: `127.0.0.1:${port}`, route: 'primary', cluster },
    ])
    router = await RouterProcess.start({
      config: {
        scope: 'demo',
        etcd3: { hosts: one.hosts, use_proxies: true },
        clusters: {
          coordinator: { citus: { group: 0, database: 'app' } },
          worker: { citus: { group: 1, database: 'app' } },
          orders: { etcd3: { hosts: other.hosts, use_proxies: true } },
        },
        proxy: {
          check: { interval: '300ms', fast_interval: '20ms' },
          listeners: Object.fromEntries(listeners) as object,
        },
        ...rest,
      },
    })
  }

  /** Who answers there; waits for somebody. */
  const whoIsAt = async (cluster: keyof typeof ports): Promise<string> => {
    const client = connect(ports[cluster], '127.0.0.1')
    client.write('\0\0\0\x08\0\x03\0\0')
    return text(client)
  }
  const status = async (): Promise<StatusJson> => await router.status()
  const stateOf = async (name: string): Promise<string | undefined> =>
    (await status()).clusters.find((each) => each.name === name)?.primary.state

  test('routes each listener to its own, whatever their members are called', async () => {
    await start()
    const names = ['coordinator', 'worker', 'orders'] as const
    assert.deepEqual(await Promise.all(names.map(whoIsAt)), ['coordinator/pg1', 'worker/pg1', 'orders/pg1'])
    await worker.lead('pg2', 2)
    await until('the worker has another primary', async () => (await whoIsAt('worker')) === 'worker/pg2')
    assert.deepEqual(await Promise.all(names.map(whoIsAt)), ['coordinator/pg1', 'worker/pg2', 'orders/pg1'])
    const changes = () => router.log.filter(({ event }) => event === 'leader-changed')
    const told = await until('four changes are logged', () => changes().length >= 4 && changes())
    assert.equal(told.length, 4)
    for (const { cluster, msg } of told) assert.equal(msg.split(': ')[0], cluster)
    assert.ok(
      router.log.some(({ event, cluster, to }) => event === 'leader-changed' && cluster === 'worker' && to === 'pg2'),
    )
  })

  test('shows them apart, or one of them', async () => {
    await start()
    for (const name of ['coordinator', 'worker', 'orders'])
      await until(`${name} is open`, async () => (await stateOf(name)) === 'open')
    const all = await router.command('status')
    assert.equal(all.code, 0)
    assert.match(
      all.stdout,
      /^primary of coordinator: pg1 OPEN[^]*^primary of worker: pg1 OPEN[^]*^primary of orders: pg1 OPEN/m,
    )
    assert.match(all.stdout, /^\+ Cluster: worker \(scope: demo, group: 1, \d+\)/m)
    const { stdout } = await router.command('status', '--cluster', 'orders')
    assert.match(stdout, /^primary: pg1 OPEN/)
    assert.doesNotMatch(stdout, /coordinator|worker/)
    const json = statusSchema.parse(
      JSON.parse((await router.command('status', '--cluster', 'orders', '--json')).stdout),
    )
    assert.deepEqual(
      json.clusters.map(({ name }) => name),
      ['orders'],
    )
    const strange = await router.command('status', '--cluster', 'order')
    assert.deepEqual(
      [strange.code, strange.stderr],
      [2, 'patroni-router: there is no cluster order: there is coordinator, worker, orders\n'],
    )
    const tracked = await router.command('track', 'local-leader', '--member', 'pg1')
    assert.equal(tracked.code, 2)
    assert.match(tracked.stderr, /there are several clusters: name one of coordinator, worker, orders/)
    assert.equal((await router.command('track', 'local-leader', '--member', 'pg1', '--cluster', 'worker')).code, 0)
    const online = await router.command('check', '--online')
    assert.match(online.stdout, /^ok +worker: pg1: REST API/m)
  })

  test('keeps all others when the DCS of one is down, from the start or later', async () => {
    for (const server of other.servers) server.freeze()
    try {
      await start()
      assert.deepEqual(await Promise.all([whoIsAt('coordinator'), whoIsAt('worker')]), [
        'coordinator/pg1',
        'worker/pg1',
      ])
      assert.equal(await stateOf('orders'), 'none')
      assert.equal((await router.command('status', '--cluster', 'worker')).code, 0)
      assert.equal((await router.command('status')).code, 1)
    } finally {
      for (const server of other.servers) server.thaw()
    }
    assert.equal(await whoIsAt('orders'), 'orders/pg1')
    for (const server of one.servers) server.freeze()
    try {
      await until('the other etcd is lost', async () => (await status()).clusters[0]?.dcs.state === 'lost')
      await orders.lead('pg2', 2)
      await until('orders has another primary', async () => (await whoIsAt('orders')) === 'orders/pg2')
      // They go on by the members' proof.
      assert.equal(await whoIsAt('worker'), 'worker/pg1')
    } finally {
      for (const server of one.servers) server.thaw()
    }
  })

  test('keeps the last known state of each, for a start while the DCS is down', async () => {
    const state = { state_dir: file('state') }
    await start(state)
    for (const name of ['coordinator', 'worker', 'orders'])
      await until(`${name} is open`, async () => (await stateOf(name)) === 'open')
    await router.stop()
    const etcds = [...one.servers, ...other.servers]
    for (const server of etcds) server.freeze()
    try {
      await router.start()
      const names = ['coordinator', 'worker', 'orders'] as const
      assert.deepEqual(await Promise.all(names.map(whoIsAt)), ['coordinator/pg1', 'worker/pg1', 'orders/pg1'])
    } finally {
      for (const server of etcds) server.thaw()
    }
  })

  test('renders templates of one and of several, and holds back none for a cluster that it is not about', async () => {
    writeFileSync(file('one.hbs'), '{{scope}} {{primary.name}}\n')
    writeFileSync(
      file('all.hbs'),
      '{{#each clusters}}{{#each members}}{{../name}}/{{name}} {{is_primary}}\n{{/each}}{{/each}}',
    )
    const templates = [
      { source: file('one.hbs'), destination: file('one.cfg'), cluster: 'worker' },
      { source: file('all.hbs'), destination: file('all.cfg'), clusters: ['worker', 'orders'] },
      { source: file('all.hbs'), destination: file('some.cfg'), clusters: 'all', on_empty: 'render' },
    ]
    const hooks = [{ on: 'open', command: `echo $PATRONI_ROUTER_CLUSTER $PATRONI_ROUTER_MEMBER >> ${file('hooks')}` }]
    for (const server of other.servers) server.freeze()
    try {
      await start({ templates, hooks, state_dir: file('rendered') })
      const rendering = router.command('render', '--diff')
      await until('what is known is written', () => read('one.cfg') === 'demo pg1\n')
      const known = 'coordinator/pg1 true\ncoordinator/pg2 false\nworker/pg1 true\nworker/pg2 false\n'
      await until('one that is not known is written as empty, if that is asked for', () => read('some.cfg') === known)
      const waiting = (await status()).templates?.groups.find(({ name }) => name === file('all.cfg'))
      assert.deepEqual(
        [waiting?.state, waiting?.reason],
        ['waiting', 'orders: the cluster is not known: its DCS has not been read yet'],
      )
      const render = await rendering
      assert.equal(render.code, 1)
      assert.match(render.stderr, /all\.cfg: orders: the DCS of orders could not be read/)
    } finally {
      for (const server of other.servers) server.thaw()
    }
    const all = 'worker/pg1 true\nworker/pg2 false\norders/pg1 true\norders/pg2 false\n'
    await until('all are written', () => read('all.cfg') === all)
    await orders.lead('pg2', 2)
    await until('the change is written', () => read('all.cfg').endsWith('orders/pg1 false\norders/pg2 true\n'))
    await until('hooks were run for each', () => read('hooks').trim().split('\n').length === 4)
    assert.deepEqual(read('hooks').trim().split('\n').sort(), [
      'coordinator pg1',
      'orders pg1',
      'orders pg2',
      'worker pg1',
    ])
  })

  test('leaves out of a file only the member that cannot be written, of two of one name', async () => {
    writeFileSync(
      file('tags.hbs'),
      '{{#each clusters}}{{#each members}}{{../name}}/{{name}} {{tag tags "dc" "-"}}\n{{/each}}{{/each}}',
    )
    const hostile = worker.members
      .get('pg2')
      ?.key({ tags: { dc: 'a\nserver evil' }, conn_url: 'postgres://127.0.0.1:1/' })
    const before = (await one.client.get('/service/demo/1/members/pg2'))?.value
    await one.client.put('/service/demo/1/members/pg2', hostile ?? '')
    try {
      await start({ templates: [{ source: file('tags.hbs'), destination: file('tags.cfg'), clusters: 'all' }] })
      const expected = 'coordinator/pg1 -\ncoordinator/pg2 -\nworker/pg1 -\norders/pg1 -\norders/pg2 -\n'
      await until('the others are written', () => read('tags.cfg') === expected)
      assert.match((await router.command('status')).stdout, /^ Left out +worker\/pg2: tag dc contains/m)
    } finally {
      await one.client.put('/service/demo/1/members/pg2', before ?? '')
    }
  })

  test('has track files and keys for each', async () => {
    await one.client.put('/app/x', 'of-one')
    await other.client.put('/app/x', 'of-the-other')
    writeFileSync(file('keys.hbs'), '{{getv "/x"}}\n')
    const keys = { source: file('keys.hbs'), prefix: '/app', keys: ['/'] }
    await start({
      templates: [
        { ...keys, destination: file('keys.one'), cluster: 'worker' },
        { ...keys, destination: file('keys.other'), cluster: 'orders' },
      ],
      track: {
        files: [
          { path: file('worker.track'), when: 'local-leader', member: 'pg2', cluster: 'worker' },
          { path: file('orders.track'), when: 'local-leader', member: 'pg2', cluster: 'orders' },
        ],
      },
    })
    await until('keys are written', () => read('keys.one') + read('keys.other') === 'of-one\nof-the-other\n')
    await orders.lead('pg2', 2)
    await until('the file of orders says 1', () => read('orders.track') === '1\n')
    assert.equal(read('worker.track'), '0\n')
  })
})
