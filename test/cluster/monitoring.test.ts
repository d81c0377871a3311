/**
 * examples/monitoring at work: a real Prometheus scrapes a router in front of a real cluster, a HAProxy beside it, and a router
 * whose members are made up, for what a real cluster does only once it has lost data. Faults follow one another.
 */
import assert from 'node:assert/strict'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { FakeMember, SYSTEM_ID } from '../integration/watcher/fake-member.ts'
import { Holders } from '../support/clients/holders.ts'
import { sql } from '../support/clients/sql.ts'
import { Writer } from '../support/clients/writer.ts'
import { EtcdCluster } from '../support/etcd/cluster.ts'
import { TempDir } from '../support/files/temp.ts'
import { AlertWatch } from '../support/monitoring/alert-watch.ts'
import { dashboardQueries, filledIn, hastened, readDashboard, readRules } from '../support/monitoring/example.ts'
import { haproxyQueries } from '../support/monitoring/haproxy-dashboards.ts'
import { Prometheus } from '../support/monitoring/prometheus.ts'
import { freePorts } from '../support/net/ports.ts'
import { PatroniCluster } from '../support/patroni/cluster.ts'
import type { PatroniMember } from '../support/patroni/member.ts'
import { Haproxy } from '../support/proxies/haproxy.ts'
import { RouterProcess } from '../support/router/process.ts'
import { until } from '../support/until.ts'
import { settled } from './support/settled.ts'

/** What Prometheus looks back on: some scrapes of a second. */
const RANGE = '8s'

/** Alerts that no test here can raise, with the reason. promtool shows that they fire. */
const BY_PROMTOOL_ONLY: Readonly<Record<string, string>> = {
  PatroniRouterLogDropped: 'the reader of a log has to stand still for 4 MiB',
  PatroniRouterPartFault: 'it is an error of the program',
}

/** What HAProxy does not export for TCP either. */
const NOT_OF_TCP: readonly (readonly [RegExp, string])[] = [
  [/_http_re(?:quests|sponses)_|_intercepted_requests_/, 'requests of HTTP'],
  [/_http_(?:cache|comp)_/, 'a cache and compression of HTTP'],
  [/haproxy_sticktable_/, 'there are no stick tables'],
]

const MAX_CONNECTIONS = 12

/** Those of the cluster: the one with which HAProxy answers Prometheus is of HTTP. */
const PROXIES = 'primary|replicas'

let dir: TempDir
let etcd: EtcdCluster
let cluster: PatroniCluster
let router: RouterProcess
let scripted: RouterProcess
let fakes: readonly FakeMember[]
let haproxy: Haproxy
let prometheus: Prometheus
let alerts: AlertWatch
let targets: { readonly router: string; readonly scripted: string; readonly haproxy: string }

before(async () => {
  dir = TempDir.create('monitoring')
  etcd = await EtcdCluster.start()
  cluster = await PatroniCluster.start({ dcs: etcd, members: 2, ttl: 10, loopWait: 1, retryTimeout: 3 })
  const [first = 0, second = 0, exporter = 0] = await freePorts(3)
  targets = { router: at(first), scripted: at(second), haproxy: at(exporter) }
  await etcd.client.put('/shop/colour', 'red')
  write('template', '{{leader.name}} {{getv "/shop/colour"}}\n')
  router = await RouterProcess.forCluster(cluster, { config: configuration() })
  fakes = await Promise.all([FakeMember.start('fake1', 'primary'), FakeMember.start('fake2', 'replica')])
  for (const fake of fakes) Object.assign(fake, { scope: 'fakes', timeline: 3 })
  describeFakes()
  scripted = await RouterProcess.start({ config: scriptedConfiguration('one', 'two') })
  haproxy = await Haproxy.start(cluster.members, { exporterPort: exporter })
  prometheus = await Prometheus.start({
    rules: hastened(readRules(), RANGE, {
      PatroniRouterClientsHeld: ['> 15', '> 1'],
      PatroniRouterPrimaryFlaps: ['> 3', '> 0'],
      PatroniRouterMemberLag: ['> 256 * 1024 * 1024', '> 1024 * 1024'],
      PatroniRouterOverrideOld: ['> 3600', '> 2'],
    }),
    jobs: { 'patroni-router': [targets.router, targets.scripted], haproxy: [targets.haproxy] },
  })
  alerts = new AlertWatch(prometheus)
})

after(async () => {
  await prometheus[Symbol.asyncDispose]()
  await haproxy.stop()
  await scripted[Symbol.asyncDispose]()
  await Promise.all(fakes.map((fake) => fake[Symbol.asyncDispose]()))
  await router[Symbol.asyncDispose]()
  await cluster.stop()
  await etcd.close()
  await dir.remove()
})

const at = (port: number): string => `127.0.0.1:${port}`
const file = (name: string): string => join(dir.path, name)
const bindOf = (socket: string): string => join(dir.mkdir(socket), 'socket')

/** Replaces a file as a whole. */
function write(name: string, text: string): void {
  writeFileSync(file(`${name}.new`), text)
  renameSync(file(`${name}.new`), file(name))
}

/** Everything that a router can have, so that there is no family without a sample. */
function configuration(): Readonly<Record<string, unknown>> {
  const { scope, namespace } = cluster.settings
  return {
    ...{ scope, namespace, ...cluster.access },
    proxy: {
      ...{ max_connections: MAX_CONNECTIONS, hold: { timeout: '3s' }, check: { interval: '1s' } },
      listeners: { reports: { bind: file('reports'), route: 'replica', fallback: 'primary' } },
    },
    templates: [
      { source: file('template'), destination: file('leader'), keys: ['/shop'], check: 'true', reload: 'true' },
    ],
    hooks: [{ name: 'note', on: 'any', command: ['test', '!', '-e', file('reject')] }],
    track: { files: [{ path: join(dir.mkdir('track'), 'primary'), when: 'primary' }] },
    admin: { bind: targets.router },
  }
}

/** Two listeners on Unix sockets, in directories of their own. */
function scriptedConfiguration(left: string, right: string): Readonly<Record<string, unknown>> {
  const listeners = {
    left: { bind: bindOf(left), route: 'primary' },
    right: { bind: bindOf(right), route: 'primary' },
  }
  const check = { interval: '200ms', fast_interval: '100ms' }
  return {
    scope: 'fakes',
    file: { path: file('fakes.yml') },
    proxy: { listeners, check },
    admin: { bind: targets.scripted },
  }
}

/** Writes what the made up members are at now into the file that their router follows. */
function describeFakes(): void {
  const members = fakes.map((fake) => {
    const { name, url, port, timeline } = fake
    return [name, { host: '127.0.0.1', port, api_url: `${url}/patroni`, timeline }] as const
  })
  write('fakes.yml', stringify({ leader: 'fake1', initialize: SYSTEM_ID, members: Object.fromEntries(members) }))
}

/** Moves the made up primary to a timeline. */
function setTimeline(timeline: number): Promise<void> {
  Object.assign(fakes[0] ?? {}, { timeline })
  describeFakes()
  return Promise.resolve()
}

/** The command `patroni-router`. @throws when it fails. */
async function command(...args: readonly string[]): Promise<void> {
  const { code, stderr } = await router.command(...(args as [string, ...string[]]))
  assert.equal(code, 0, stderr)
}

async function replica(): Promise<PatroniMember> {
  const [only] = await cluster.replicas()
  assert.ok(only)
  return only
}

/** The expressions that give no series, at any time since the start. */
async function withoutSeries(exprs: readonly string[]): Promise<readonly string[]> {
  const empty: string[] = []
  for (const expr of exprs) if ((await prometheus.queryAll(expr)).length === 0) empty.push(expr)
  return empty
}

test('no alert fires while all is well', async () => {
  await settled(cluster, router)
  await until('the routers have been scraped some times', async () => {
    const scraped = await prometheus.query('count_over_time(patroni_router_epoch[1m]) > 4')
    return scraped.length === 2
  })
  // Without the time for which each waits, a slow start is enough for some.
  await until('no alert fires', async () => {
    assert.deepEqual(await prometheus.firing(), [])
    return true
  })
})

test('every query of the usual dashboards of HAProxy gives series, but those of HTTP', async () => {
  await using holders = await Holders.open(router.primaryPort, 2)
  await sql(router.replicaPort, 'SELECT 1')
  await sql(haproxy.primaryPort, 'SELECT 1')
  await sql(haproxy.replicaPort, 'SELECT 1')
  assert.equal(await holders.ping(), 2)
  const isOne = (query: string, of: typeof NOT_OF_TCP): boolean => of.some(([pattern]) => pattern.test(query))
  for (const [job, instance] of [
    ['patroni-router', targets.router],
    ['haproxy', targets.haproxy],
  ] as const)
    for (const [dashboard, queries] of Object.entries(haproxyQueries({ job, instance, proxies: PROXIES }, RANGE))) {
      const expected = queries.filter((query) => isOne(query, NOT_OF_TCP))
      await until(
        `${dashboard} gives series of ${job}`,
        async () => {
          assert.deepEqual(await withoutSeries(queries), expected)
          return true
        },
        { everyMs: 500, timeoutMs: 30_000 },
      )
    }
})

test('an event loop that hangs is an alert', async () => {
  const late = sleepless()
  await alerts.fires([['PatroniRouterEventLoopDelay', { instance: targets.router, quantile: '0.99' }]])
  await late.stop()
})

test('faults that clients hardly notice are alerts until they are over', async () => {
  const behind = await replica()
  const leader = await cluster.leader()
  const { name: member } = behind
  await using stack = new AsyncDisposableStack()
  await alerts.shows(
    [
      ['PatroniRouterOverrideOld', { member, state: 'maint' }],
      ['PatroniRouterListenerWithoutMember', { listener: 'replicas' }],
      ['PatroniRouterFallback', { listener: 'reports' }],
      ['PatroniRouterMemberLag', { member }],
      ['PatroniRouterPaused', { cluster: 'demo' }],
      ['PatroniRouterLimitReached', { listener: 'primary', reason: 'connection-limit' }],
      ['PatroniRouterTemplateFailed', { group: file('leader') }],
      ['PatroniRouterConfigRefused', { instance: targets.router }],
      ['PatroniRouterConfigDiffers', { instance: targets.router }],
    ],
    {
      async begin() {
        await command('member', 'maint', member)
        await behind.haltReplay()
        await leader.sql(`CREATE TABLE wal AS SELECT repeat('x', 1000) FROM generate_series(1, 3000)`)
        await cluster.pause()
        stack.use(await Holders.open(router.primaryPort, MAX_CONNECTIONS))
        await assert.rejects(sql(router.primaryPort, 'SELECT 1'), /limit of 12 connections is reached/)
        const from = router.log.length
        write('template', '{{getv "/shop/colours"}}\n')
        router.reload()
        await router.waitForLog('the template', ({ event }) => event === 'template-failed', { from })
        writeFileSync(router.configFile, 'scope: [demo\n')
        router.reload()
        await router.waitForLog('the refusal', ({ event }) => event === 'config-refused', { from })
      },
      async end() {
        await stack.disposeAsync()
        await behind.resumeReplay()
        await cluster.resume()
        write('template', '{{leader.name}} {{getv "/shop/colour"}}\n')
        router.configure(configuration())
        await command('member', 'ready', member)
        router.reload()
      },
    },
  )
})

test('a primary that changes, and a hook and a track file that fail with it, are alerts until that is over', async () => {
  const { name: candidate } = await replica()
  await alerts.shows(
    [
      ['PatroniRouterPrimaryFlaps', { cluster: 'demo', instance: targets.router }],
      ['PatroniRouterHookFailed', { hook: 'note' }],
      ['PatroniRouterTrackFileNotWritten', { path: file('track/primary') }],
    ],
    {
      async begin() {
        write('reject', '')
        rmSync(file('track'), { recursive: true })
        write('track', 'no directory')
        await cluster.switchover({ candidate })
      },
      end() {
        rmSync(file('reject'))
        rmSync(file('track'))
        dir.mkdir('track')
        return Promise.resolve()
      },
    },
  )
})

test('a DCS that is gone, and the writes that end with it, are alerts until it is back', async () => {
  const reading = { port: router.primaryPort, reads: true }
  // Some wait until they are refused, others have a timeout of their own that is shorter.
  const clients = [
    Writer.start({ ...reading, everyMs: 1000 }),
    Writer.start({ ...reading, everyMs: 400, timeoutMs: 300 }),
  ]
  await alerts.shows(
    [
      ['PatroniRouterDcsLost', { cluster: 'demo' }],
      ['PatroniRouterKeysLost', { root: '/shop' }],
      ['PatroniRouterNoPrimary', { cluster: 'demo', instance: targets.router }],
      ['PatroniRouterClientsHeld', { cluster: 'demo' }],
      ['PatroniRouterClientsRefused', { listener: 'primary', reason: 'hold-timeout' }],
      ['PatroniRouterClientsGaveUp', { listener: 'primary' }],
    ],
    {
      begin: () => etcd.server.stop(),
      async end() {
        await etcd.server.start()
        await Promise.all(clients.map((each) => each.stop()))
      },
    },
  )
  await settled(cluster, router)
})

test('a member that is stopped is an alert until it answers again', async () => {
  const gone = await replica()
  await alerts.shows([['PatroniRouterMemberDown', { member: gone.name }]], {
    begin: () => gone.terminate(),
    end: () => gone.start(),
  })
})

test('a primary on a lower timeline, and a member that has not followed it, are alerts until they are in order', async () => {
  await alerts.shows(
    [
      ['PatroniRouterTimelineSetBack', { cluster: 'fakes' }],
      ['PatroniRouterTimelineSplit', { cluster: 'fakes', member: 'fake1' }],
    ],
    { begin: () => setTimeline(2), end: () => setTimeline(3) },
  )
})

test('a listener that cannot bind is an alert until it can', async () => {
  await alerts.shows([['PatroniRouterListenerFault', { listener: 'left', kind: 'listen' }]], {
    begin() {
      // They change places, so the router binds their addresses last: the directory of one is gone then.
      scripted.configure(scriptedConfiguration('two', 'one'))
      rmSync(file('two'), { recursive: true })
      scripted.reload()
      return Promise.resolve()
    },
    end() {
      dir.mkdir('two')
      return Promise.resolve()
    },
  })
})

test('every query of the dashboard of the example gives series', async () => {
  const queries = dashboardQueries(readDashboard()).map(([, expr]) => filledIn(expr, RANGE))
  assert.deepEqual(await withoutSeries(queries), [])
})

test('a router that is killed is an alert until it runs again', async () => {
  await alerts.shows([['PatroniRouterDown', { instance: targets.router }]], {
    begin: () => router.stop({ signal: 'SIGKILL' }),
    end: () => router.start(),
  })
})

test('each alert of the example has fired and resolved, and none fires in the end', async () => {
  await alerts.resolves([['PatroniRouterEventLoopDelay', { instance: targets.router }]])
  const all = readRules().map(({ alert }) => alert)
  assert.deepEqual(
    all.filter((alert) => !alerts.shown.has(alert)),
    all.filter((alert) => alert in BY_PROMTOOL_ONLY),
  )
  await until('no alert fires', async () => (await prometheus.firing()).length === 0)
})

/** Stops and continues the router over and over, a fifth of a second at a time. */
function sleepless(): { stop(): Promise<void> } {
  const over = new AbortController()
  const done = (async () => {
    while (!over.signal.aborted) {
      router.process.freeze()
      await sleep(200)
      router.process.thaw()
      await sleep(30)
    }
  })()
  return {
    async stop() {
      over.abort()
      await done
    },
  }
}
