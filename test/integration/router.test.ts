/** The router's parts while its configuration changes: real watchers, proxies, templates, track files and admin sockets. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { pino } from 'pino'
import { stringify } from 'yaml'
import { ask } from '../../src/admin/client.ts'
import type { Config, LoggingConfig } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { PartReport } from '../../src/part.ts'
import type { ProcessLimits } from '../../src/process-limits.ts'
import { Router } from '../../src/router.ts'
import { TempDir } from '../support/files/temp.ts'
import { freePorts } from '../support/net/ports.ts'
import { until } from '../support/until.ts'
import { DCS_KINDS } from '../../src/watcher/dcs/kinds.ts'
import { FakeMember, SYSTEM_ID } from './watcher/fake-member.ts'

/** What Postgres asks for first: a password. */
const AUTHENTICATION = Buffer.from('R\0\0\0\x08\0\0\0\x03', 'latin1')
const STARTUP = Buffer.from('\0\0\0\x08\0\x03\0\0', 'latin1')

/** A cluster of one member, described in a file. Its Postgres keeps its sessions open. */
class OneMember implements AsyncDisposable {
  readonly scope: string
  readonly file: string
  readonly port: number
  readonly #rest: FakeMember
  readonly #postgres: Server
  readonly #sockets = new Set<Socket>()

  private constructor(scope: string, dir: string, port: number, rest: FakeMember, postgres: Server) {
    this.scope = scope
    this.file = join(dir, `${scope}.yml`)
    this.port = port
    this.#rest = rest
    this.#postgres = postgres
  }

  static async start(scope: string, dir: string): Promise<OneMember> {
    const [port = 0] = await freePorts(1)
    const rest = await FakeMember.start('pg0', 'primary')
    rest.scope = scope
    const postgres = createServer()
    const own = new OneMember(scope, dir, port, rest, postgres)
    postgres.on('connection', (socket) => {
      own.#sockets.add(socket)
      socket.on('error', () => undefined) // 'close' follows
      socket.on('close', () => own.#sockets.delete(socket))
      socket.on('data', () => socket.write(AUTHENTICATION))
    })
    await new Promise<void>((resolve) => postgres.listen(0, '127.0.0.1', resolve))
    const { port: at } = postgres.address() as AddressInfo
    const members = { pg0: { host: '127.0.0.1', port: at, api_url: `${rest.url}/patroni` } }
    const described = { leader: 'pg0', initialize: SYSTEM_ID, members }
    writeFileSync(own.file, stringify(described, { defaultStringType: 'QUOTE_SINGLE' }))
    return own
  }

  /** A session on its primary; waits for one. */
  async session(): Promise<Socket> {
    const socket = connect(this.port, '127.0.0.1')
    socket.on('error', () => undefined) // 'close' follows
    socket.write(STARTUP)
    await once(socket, 'data')
    return socket
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#postgres.close()
    await this.#rest[Symbol.asyncDispose]()
  }
}

describe('a router that is reconfigured', () => {
  let dir: TempDir
  let one: OneMember
  let two: OneMember
  let router: Router
  let levels: string[]
  let lines: { readonly event: string; readonly msg: string }[]
  let connections: Readonly<Record<string, unknown>>[]
  let sessions: Socket[]

  beforeEach(async () => {
    dir = TempDir.create('router')
    one = await OneMember.start('one', dir.path)
    two = await OneMember.start('two', dir.path)
    levels = []
    lines = []
    connections = []
    sessions = []
  })
  afterEach(async () => {
    for (const session of sessions) session.destroy()
    await router.close()
    await one[Symbol.asyncDispose]()
    await two[Symbol.asyncDispose]()
    await dir.remove()
  })

  const path = (name: string): string => join(dir.path, name)

  function configOf(clusters: readonly OneMember[], rest: Readonly<Record<string, unknown>> = {}): Config {
    const { proxy = {}, ...others } = rest
    const listeners = Object.fromEntries(
      clusters.map(({ scope, port }) => [scope, { bind: `127.0.0.1:${port}`, route: 'primary', cluster: scope }]),
    )
    const text = stringify({
      clusters: Object.fromEntries(clusters.map(({ scope, file }) => [scope, { scope, file: { path: file } }])),
      proxy: {
        listeners,
        drain_timeout: '200ms',
        check: { interval: '300ms', fast_interval: '20ms' },
        ...(proxy as object),
      },
      admin: { socket: path('admin.sock'), bind: 'off' },
      ...others,
    })
    const result = loadConfig({ file: path('config.yml'), text, env: {} }, DCS_KINDS)
    assert.ok(result.ok, JSON.stringify(result))
    return result.config
  }

  async function run(config: Config, limits?: ProcessLimits): Promise<void> {
    const access = { env: {}, pid: process.pid, signalGroup: () => false, isAlive: () => false }
    const setLogging = ({ level, format }: LoggingConfig): void => void levels.push(`${level} ${format}`)
    router = new Router(config, {
      ...access,
      log: pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) }),
      ...(limits === undefined ? {} : { limits }),
      version: '0.0.0',
      kinds: DCS_KINDS,
      setLogging,
      logOutput: {
        writeConnections: (lines) => void connections.push(...lines.map(({ fields }) => fields)),
        addDropped: () => undefined,
        dropped: () => 7,
      },
    })
    await router.start()
  }

  async function session(cluster: OneMember): Promise<Socket> {
    const socket = await cluster.session()
    sessions.push(socket)
    return socket
  }

  const outcomes = (reports: readonly PartReport[]): string[] =>
    reports.map(({ part, name, outcome }) => `${name === null ? '' : `${name} `}${part} ${outcome}`)
  const OTHERS_KEPT = ['track kept', 'templates kept', 'admin kept', 'http kept', 'logging kept']
  const epochOf = (name: string): number | undefined =>
    router.status().clusters.find(({ view }) => view.name === name)?.view.primary.epoch

  test('the same configuration touches nothing', async () => {
    await run(configOf([one]))
    const held = await session(one)
    const epoch = epochOf('one')
    assert.deepEqual(outcomes(await router.reconfigure(configOf([one]))), [
      'one watcher kept',
      'one proxy kept',
      ...OTHERS_KEPT,
    ])
    assert.deepEqual([held.destroyed, epochOf('one')], [false, epoch])
  })

  test('an unchanged cluster keeps its sessions and its watcher, one that is gone goes, and one that is new comes', async () => {
    await run(configOf([one]))
    const kept = await session(one)
    const epoch = epochOf('one')
    assert.deepEqual(outcomes(await router.reconfigure(configOf([two, one]))), [
      ...['two watcher added', 'two proxy added', 'one watcher kept', 'one proxy kept'],
      ...OTHERS_KEPT,
    ])
    await session(two)
    assert.deepEqual(
      router.status().clusters.map(({ view }) => view.name),
      ['two', 'one'],
    )
    assert.deepEqual([kept.destroyed, epochOf('one')], [false, epoch])
    const ended = once(await session(two), 'close')
    const { accepted, sessions } = router.status().totals
    assert.deepEqual(outcomes(await router.reconfigure(configOf([one]))).slice(0, 4), [
      ...['two watcher removed', 'two proxy removed', 'one watcher kept', 'one proxy kept'],
    ])
    assert.partialDeepStrictEqual(router.status().totals, { connections: 3, accepted, sessions })
    await assert.rejects(two.session())
    await ended
    assert.deepEqual([kept.destroyed, epochOf('one')], [false, epoch])
    await until('the sessions of both are counted alone', () => router.status().totals.connections === 1)
    assert.partialDeepStrictEqual(router.status().totals, { accepted, sessions })
  })

  test('a listener that cannot be bound is refused, and everything that was there continues', async (t) => {
    await run(configOf([one]))
    const kept = await session(one)
    const taken = createServer()
    t.after(() => taken.close())
    await new Promise<void>((resolve) => taken.listen(two.port, '127.0.0.1', resolve))
    const changed = configOf([one, two], { proxy: { max_connections: 7 }, logging: { level: 'debug' } })
    const reports = await router.reconfigure(changed)
    assert.deepEqual(outcomes(reports), ['two watcher refused', 'two proxy refused'])
    assert.match(
      reports[0]?.reason ?? '',
      /^listener two cannot bind 127\.0\.0\.1:\d+: the port is in use by another process/,
    )
    assert.deepEqual([router.status().clusters.length, router.status().maxConnections, levels], [1, 0, []])
    assert.equal(kept.destroyed, false)
    await new Promise((resolve) => taken.close(resolve))
    assert.deepEqual(outcomes(await router.reconfigure(configOf([one, two]))).slice(2, 4), [
      ...['two watcher added', 'two proxy added'],
    ])
    await session(two)
  })

  test('a cluster with other settings takes them, and its sessions stay', async () => {
    await run(configOf([one]))
    const kept = await session(one)
    const changed = configOf([one], { proxy: { max_connections: 7 } })
    assert.deepEqual(outcomes(await router.reconfigure(changed)).slice(0, 2), [
      ...['one watcher reconfigured', 'one proxy reconfigured'],
    ])
    assert.equal(router.status().maxConnections, 7)
    assert.equal(kept.destroyed, false)
  })

  /** The same, but for the file that describes the cluster. */
  function describedIn(file: string, base: Config): Config {
    const clusters = base.clusters.map((cluster) => ({ ...cluster, dcs: { ...cluster.dcs, path: file } }))
    return { ...base, clusters }
  }

  const said = (event: string): string[] => lines.filter((line) => line.event === event).map(({ msg }) => msg)

  test('a limit that the process cannot serve is reported once, and again when it differs', async () => {
    const limits = { descriptors: 1000, memoryBytes: null }
    const withLimit = (max: number, rise: number): Config =>
      configOf([one], { proxy: { max_connections: max, hold: { max_connections: 10 }, check: { rise } } })
    await run(withLimit(5000, 1), limits)
    await router.reconfigure(withLimit(5000, 2))
    assert.equal(said('limits-misfit').length, 1)
    await router.reconfigure(withLimit(6000, 2))
    assert.match(said('limits-misfit')[1] ?? '', /^max_connections is 6000/)
  })

  test('a local member that the configuration no longer names is not said to be there', async () => {
    const named = (name: string): Config => {
      const config = configOf([one])
      return { ...config, clusters: config.clusters.map((each) => ({ ...each, localMember: name })) }
    }
    await run(named('pg9'))
    await until('it is missed', () => said('local-member-unknown').length === 1)
    await router.reconfigure(named('pg0'))
    await until('that is over', () => said('local-member-unknown-over').length === 1)
    assert.deepEqual(said('local-member-unknown-over'), ['the configuration and the cluster agree on pg9 again'])
  })

  test('another DCS that shows the same cluster takes over, and its sessions stay', async () => {
    await run(configOf([one]))
    const kept = await session(one)
    const epoch = epochOf('one')
    const elsewhere = path('elsewhere.yml')
    writeFileSync(elsewhere, readFileSync(one.file))
    const reports = await router.reconfigure(describedIn(elsewhere, configOf([one])))
    assert.deepEqual(outcomes(reports).slice(0, 2), ['one watcher reconfigured', 'one proxy kept'])
    assert.equal(router.status().clusters[0]?.view.dcs.endpoint, elsewhere)
    await session(one)
    assert.deepEqual([kept.destroyed, epochOf('one')], [false, epoch])
  })

  test('a DCS that shows another cluster is refused, and so is all that has changed with it', async () => {
    await run(configOf([one]))
    const kept = await session(one)
    const elsewhere = path('elsewhere.yml')
    writeFileSync(elsewhere, readFileSync(one.file, 'utf8').replace(SYSTEM_ID, '7000000000000000001'))
    const changed = configOf([one], {
      proxy: { max_connections: 7 },
      track: { files: [{ path: path('a.track'), when: 'primary' }] },
    })
    const reports = await router.reconfigure(describedIn(elsewhere, changed))
    assert.deepEqual(outcomes(reports), ['one watcher refused', 'one proxy refused'])
    assert.equal(
      reports[0]?.reason,
      `the DCS at ${elsewhere} shows another cluster: its system identifier is 7000000000000000001, and that of one is ${SYSTEM_ID}`,
    )
    const { clusters, maxConnections, track } = router.status()
    assert.deepEqual([clusters[0]?.view.dcs.endpoint, maxConnections, track], [one.file, 0, []])
    assert.equal(kept.destroyed, false)
    await session(one)
  })

  test('another name of the only cluster is no way to another cluster', async () => {
    await run(configOf([one]))
    const kept = await session(one)
    const named = configOf([two])
    const onOnesPort = {
      ...named,
      clusters: named.clusters.map((each) => ({ ...each, proxy: configOf([one]).clusters[0]?.proxy ?? each.proxy })),
    }
    writeFileSync(two.file, readFileSync(two.file, 'utf8').replace(SYSTEM_ID, '7000000000000000001'))
    assert.match((await router.reconfigure(onOnesPort))[0]?.reason ?? '', /shows another cluster/)
    assert.equal(kept.destroyed, false)
    const [cluster] = configOf([one]).clusters
    assert.ok(cluster)
    const renamed = { ...configOf([one]), clusters: [{ ...cluster, name: 'shop' }] }
    assert.deepEqual(outcomes(await router.reconfigure(renamed)).slice(0, 2), [
      'shop watcher reconfigured',
      'shop proxy kept',
    ])
    assert.equal(router.status().clusters[0]?.view.name, 'shop')
    assert.equal(kept.destroyed, false)
  })

  test('a proxy comes and goes with the listeners of a cluster, whose watcher stays', async () => {
    const track = { files: [{ path: path('a.track'), when: 'primary' }] }
    const without = configOf([one], { proxy: { listeners: {} }, track })
    await run(without)
    await until('the primary is open', () => router.status().clusters[0]?.view.primary.state === 'open')
    const epoch = epochOf('one')
    const served = configOf([one], { track })
    assert.deepEqual(outcomes(await router.reconfigure(served)).slice(0, 2), [
      'one watcher reconfigured',
      'one proxy added',
    ])
    const ended = once(await session(one), 'close')
    assert.deepEqual(outcomes(await router.reconfigure(without)).slice(0, 2), [
      ...['one watcher reconfigured', 'one proxy removed'],
    ])
    await assert.rejects(one.session())
    await ended
    assert.equal(epochOf('one'), epoch)
  })

  test('track files, templates, the admin socket and the level of the log change each for itself', async () => {
    await run(configOf([one], { track: { files: [{ path: path('a.track'), when: 'primary' }] } }))
    const kept = await session(one)
    writeFileSync(path('a.hbs'), 'primary {{primary.name}}\n')
    const changed = configOf([one], {
      track: { files: [{ path: path('b.track'), when: 'primary' }] },
      templates: [{ source: path('a.hbs'), destination: path('a.txt') }],
      admin: { socket: path('other.sock'), bind: 'off' },
      logging: { level: 'debug' },
    })
    assert.deepEqual(outcomes(await router.reconfigure(changed)).slice(2), [
      ...['track reconfigured', 'templates added', 'admin rebuilt', 'http kept', 'logging reconfigured'],
    ])
    await until(
      'the new track file says 1',
      () => existsSync(path('b.track')) && readFileSync(path('b.track'), 'utf8') === '1\n',
    )
    await until(
      'the template is rendered',
      () => existsSync(path('a.txt')) && readFileSync(path('a.txt'), 'utf8') === 'primary pg0\n',
    )
    const options = { timeoutMs: 5000, signal: new AbortController().signal }
    assert.equal(await ask(path('other.sock'), 'show version', options), '0.0.0\n')
    await assert.rejects(ask(path('admin.sock'), 'show version', options), { code: 'ADMIN_UNAVAILABLE' })
    assert.deepEqual(levels, ['debug auto'])
    const back = configOf([one], {
      admin: { socket: path('missing/a/b/admin.sock'), bind: 'off' },
      logging: { format: 'text' },
    })
    writeFileSync(path('missing'), '')
    for (let again = 0; again < 2; again++) {
      assert.deepEqual(outcomes(await router.reconfigure(back)), ['admin refused'])
      assert.equal(await ask(path('other.sock'), 'show version', options), '0.0.0\n')
      assert.equal(router.status().templates?.groups.length, 1)
      assert.equal(readFileSync(path('b.track'), 'utf8'), '1\n')
    }
    assert.equal(kept.destroyed, false)
    assert.deepEqual(levels, ['debug auto'])
    const without = configOf([one], { admin: { socket: path('other.sock'), bind: 'off' }, logging: { format: 'text' } })
    assert.deepEqual(outcomes(await router.reconfigure(without)).slice(2), [
      ...['track reconfigured', 'templates removed', 'admin kept', 'http kept', 'logging reconfigured'],
    ])
    assert.deepEqual(levels, ['debug auto', 'info text'])
    assert.equal(router.status().templates, null)
  })

  test('the connection log is switched on and off, without a lost session, and names the cluster', async () => {
    await run(configOf([one, two]))
    const [before, other, last] = [await session(one), await session(two), await session(two)]
    const on = configOf([one, two], { logging: { connections: true } })
    assert.equal(outcomes(await router.reconfigure(on)).at(-1), 'logging reconfigured')
    assert.deepEqual([before.destroyed, other.destroyed], [false, false])
    const ports = [before.localPort, other.localPort]
    before.destroy()
    await until('the first line', () => connections.length === 1)
    other.destroy()
    await until('the other line', () => connections.length === 2)
    assert.deepEqual(
      connections.map(({ cluster, listener, clientPort }) => [cluster, listener, clientPort]),
      [
        ['one', 'one', ports[0]],
        ['two', 'two', ports[1]],
      ],
    )
    await router.reconfigure(configOf([one, two]))
    last.destroy()
    const sessionsOf = (): number[] =>
      router.status().clusters.map(({ proxy }) => (proxy?.sessions ?? []).reduce((sum, each) => sum + each.sessions, 0))
    await until('the last session is over', () => sessionsOf().every((count) => count === 0))
    await router.close()
    assert.equal(connections.length, 2)
    assert.equal(router.status().log.dropped, 7)
  })

  test('a template that is the same in both is not rendered again, and one that is new is', async () => {
    writeFileSync(path('a.hbs'), 'primary {{primary.name}}\n')
    const template = (name: string) => ({ source: path('a.hbs'), destination: path(name) })
    await run(configOf([one], { templates: [template('a.txt')] }))
    await until(
      'it is rendered',
      () => existsSync(path('a.txt')) && readFileSync(path('a.txt'), 'utf8') === 'primary pg0\n',
    )
    const renders = () => router.status().templates?.groups.map(({ name, templates }) => [name, templates[0]?.renders])
    const [before] = renders() ?? []
    const reports = await router.reconfigure(configOf([one], { templates: [template('a.txt'), template('b.txt')] }))
    assert.deepEqual(outcomes(reports).slice(3, 4), ['templates reconfigured'])
    await until(
      'the new one is rendered',
      () => existsSync(path('b.txt')) && readFileSync(path('b.txt'), 'utf8') === 'primary pg0\n',
    )
    assert.deepEqual(renders()?.[0], before)
  })

  test('a new cluster listens at the addresses of the one before it', async () => {
    await run(configOf([one, two]))
    const ended = once(await session(one), 'close')
    const { listeners } = configOf([one]).clusters[0]?.proxy ?? assert.fail()
    const three = { ...(configOf([one, two]).clusters[0] ?? assert.fail()), name: 'three' }
    const next = configOf([two])
    const reports = await router.reconfigure({
      ...next,
      clusters: [...next.clusters, { ...three, proxy: { ...three.proxy, listeners } }],
    })
    assert.deepEqual(
      reports.flatMap(({ reason }) => reason ?? []),
      [],
    )
    await ended
    await session(one)
  })

  test('of the addresses of a listener only those that are in use here may be bound later', async (t) => {
    await run(configOf([one]))
    const taken = createServer()
    t.after(() => taken.close())
    await new Promise<void>((resolve) => taken.listen(two.port, '127.0.0.1', resolve))
    const bind = [`127.0.0.1:${one.port}`, `127.0.0.1:${two.port}`]
    const moved = configOf([one], { proxy: { listeners: { other: { bind, route: 'primary' } } } })
    assert.deepEqual(outcomes(await router.reconfigure(moved)), ['one watcher refused', 'one proxy refused'])
    await session(one)
  })

  test('another address with the same port has to be free, and to be one of this host', async (t) => {
    await run(configOf([one]))
    const taken = createServer()
    t.after(() => taken.close())
    await new Promise<void>((resolve) => taken.listen(one.port, '127.0.0.2', resolve))
    for (const host of ['127.0.0.2', '192.0.2.1']) {
      const moved = configOf([one], {
        proxy: { listeners: { one: { bind: `${host}:${one.port}`, route: 'primary' } } },
      })
      assert.deepEqual(outcomes(await router.reconfigure(moved)), ['one watcher refused', 'one proxy refused'], host)
    }
    await session(one)
  })

  test('the admin socket and a listener take the place of each other', async () => {
    const withSockets = (admin: string, listener: string): Config =>
      configOf([one], {
        proxy: { listeners: { one: { bind: [`127.0.0.1:${one.port}`, path(listener)], route: 'primary' } } },
        admin: { socket: path(admin), bind: 'off' },
      })
    await run(withSockets('1.sock', '2.sock'))
    const reports = await router.reconfigure(withSockets('2.sock', '1.sock'))
    assert.deepEqual(outcomes(reports).slice(1), ['one proxy reconfigured', ...OTHERS_KEPT.with(2, 'admin rebuilt')])
    const options = { timeoutMs: 5000, signal: new AbortController().signal }
    assert.equal(await ask(path('2.sock'), 'show version', options), '0.0.0\n')
    const client = connect(path('1.sock'))
    sessions.push(client)
    client.write(STARTUP)
    assert.deepEqual(await once(client, 'data'), [AUTHENTICATION])
  })

  test('a track file of a cluster that comes back goes by nothing that was known of it before', async () => {
    const track = { files: [{ path: path('two.track'), when: 'primary', cluster: 'two' }] }
    await run(configOf([one, two], { track }))
    await until('it has a primary', () => router.status().track[0]?.holds === true)
    await router.reconfigure(configOf([one]))
    await until('a file that is no longer configured says 0', () => readFileSync(path('two.track'), 'utf8') === '0\n')
    const [unreadable] = describedIn(path('missing.yml'), configOf([two, one])).clusters
    assert.ok(unreadable)
    const back = configOf([one, two], { track })
    await router.reconfigure({ ...back, clusters: back.clusters.with(1, unreadable) })
    assert.equal(router.status().track[0]?.holds, null)
  })

  test('a router that shuts down takes no configuration', async () => {
    await run(configOf([one]))
    await router.drain()
    assert.deepEqual(await router.reconfigure(configOf([two])), [])
  })
})
