import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { runProgram } from '../../src/cli/program.ts'
import { counted } from '../../src/text/wording.ts'
import { Holders } from '../support/clients/holders.ts'
import { createLoadTable } from '../support/clients/load.ts'
import { sql } from '../support/clients/sql.ts'
import { Writer } from '../support/clients/writer.ts'
import { EtcdCluster } from '../support/etcd/cluster.ts'
import { TempDir } from '../support/files/temp.ts'
import { freePorts } from '../support/net/ports.ts'
import { PatroniCluster } from '../support/patroni/cluster.ts'
import type { PatroniMember } from '../support/patroni/member.ts'
import { FakeIo } from '../support/router/fake-io.ts'
import { type LogLine, RouterProcess } from '../support/router/process.ts'
import { until } from '../support/until.ts'
import { assertNoWayBack, writeUntilMoved } from './support/moved.ts'
import { assertNobodyFailed, assertOnlyServedBeforeHoldFailed } from './support/nobody-failed.ts'
import { settled } from './support/settled.ts'

// A running router is given other configurations while clients use a real cluster of two members: one router for all cases.

let dir: TempDir
let etcd: EtcdCluster
let cluster: PatroniCluster
let router: RouterProcess
let leader: PatroniMember
let ports: { readonly going: number; readonly coming: number }

before(async () => {
  dir = TempDir.create('reload')
  etcd = await EtcdCluster.start({ members: 3 })
  const pace = { ttl: 10, loopWait: 1, retryTimeout: 3 }
  cluster = await PatroniCluster.start({ dcs: etcd, members: 2, ...pace, parameters: { max_connections: 1200 } })
  const [going = 0, coming = 0] = await freePorts(2)
  ports = { going, coming }
  write('template', '{{leader.name}}\n')
  router = await RouterProcess.start({ config: configuration({ listeners: { going: primaryAt(going) } }) })
  await createLoadTable((await cluster.leader()).pgPort)
})

after(async () => {
  await router[Symbol.asyncDispose]()
  await cluster.stop()
  await etcd.close()
  await dir.remove()
})

beforeEach(async () => {
  leader = await settled(cluster, router)
})

const file = (name: string): string => join(dir.path, name)
const write = (name: string, text: string): void => writeFileSync(file(name), text)
const read = (name: string): string => readFileSync(file(name), 'utf8')
const primaryAt = (...of: readonly number[]): object => ({
  bind: of.map((port) => `127.0.0.1:${port}`),
  route: 'primary',
})

interface Variant {
  /** Where etcd is read; left out: the first member. */
  readonly endpoint?: string | undefined
  /** More listeners, or other ones. */
  readonly listeners?: Readonly<Record<string, object>>
  readonly proxy?: object
  readonly templates?: readonly object[]
}

type Configuration = Readonly<Record<string, unknown>>

function configuration({ endpoint, listeners = {}, proxy = {}, templates = [] }: Variant): Configuration {
  const { scope, namespace } = cluster.settings
  const leaderFile = { source: file('template'), destination: file('leader'), reload: `echo >> ${file('reloads')}` }
  return {
    ...{ scope, namespace, ctl: cluster.access.ctl },
    etcd3: { hosts: [endpoint ?? etcd.hosts[0]], use_proxies: true },
    proxy: { drain_timeout: '5s', ...proxy, listeners },
    templates: [leaderFile, ...templates],
  }
}

/** A configuration of which everything differs from that of another `count`: etcd's address, listeners, limits, checks, templates. */
function nth(count: number): Configuration {
  return configuration({
    endpoint: etcd.hosts[count % 3],
    listeners: count % 2 === 0 ? { coming: primaryAt(ports.coming) } : {},
    proxy: { check: { interval: `${(count % 2) + 1}s` }, max_connections: 2000 + count },
    templates: count % 2 === 0 ? [] : [{ source: file('template'), destination: file('copy') }],
  })
}

const isReloaded = ({ event }: LogLine): boolean => /^config-(reloaded|unchanged|refused)$/.test(String(event))

/** Has the router load a configuration, by a signal, and returns what it logs about that. */
async function reload(config: Configuration): Promise<LogLine> {
  const from = router.log.length
  router.configure(config)
  router.reload()
  return await router.waitForLog('the reload', isReloaded, { from })
}

async function assertReloads(config: Configuration): Promise<LogLine> {
  const line = await reload(config)
  assert.equal(line['event'], 'config-reloaded', line.msg)
  return line
}

async function heldClients(): Promise<number> {
  const { clusters } = await router.status()
  return clusters[0]?.proxy?.held.connections ?? 0
}

test('a reload under 200 new connections a second closes none of 500 sessions but those of the listener that it removes', async (t) => {
  const from = router.log.length
  await using staying = await Holders.open(router.primaryPort, 440)
  await using reading = await Holders.open(router.replicaPort, 10)
  await using leaving = await Holders.open(ports.going, 50)
  await using writer = Writer.start({ port: router.primaryPort, everyMs: 5 })
  const served = async (count: number): Promise<unknown> => {
    const before = writer.attempts.length
    return until('clients are served', () => writer.attempts.length >= before + count)
  }
  await served(100)
  const copied = { source: file('template'), destination: file('copy') }
  const line = await assertReloads(
    configuration({
      listeners: { coming: primaryAt(ports.coming) },
      proxy: { max_connections: 5000, check: { interval: '1s' }, drain_timeout: '10s' },
      templates: [copied],
    }),
  )
  assert.deepEqual([await leaving.ping(), await staying.ping(), await reading.ping()], [50, 440, 10])
  await served(100)
  const attempts = await writer.stop()
  assertNobodyFailed(attempts, { router, cluster, from })
  assert.equal((await sql(ports.coming, 'SELECT 1')).length, 1)
  await until('the new template is written', () => read('copy') === `${leader.name}\n`)
  await until('the sessions of the removed listener are closed', () => leaving.open === 0)
  assert.deepEqual([staying.open, reading.open], [440, 10])
  const slowest = Math.max(...attempts.map(({ at, doneAt }) => doneAt - at))
  t.diagnostic(`${attempts.length} clients, the slowest ${slowest.toFixed(0)} ms; reload ${String(line['tookMs'])} ms`)
})

test('reloads at every step of a planned switchover fail no client, and none writes to the former leader', async (t) => {
  const from = router.log.length
  const [candidate] = await cluster.replicas()
  const over = new AbortController()
  const reloading = (async () => {
    for (let count = 1; !over.signal.aborted; count++) await assertReloads(nth(count))
  })()
  const move = await writeUntilMoved(cluster, router.primaryPort, async () => {
    const answer = await cluster.switchover({ candidate: candidate?.name ?? '' })
    assert.equal(answer.status, 200, answer.text)
  })
  over.abort()
  await reloading
  assertOnlyServedBeforeHoldFailed(move.attempts, { router, cluster, from })
  assertNoWayBack(move)
  const events = router.log.slice(from).map(({ event }) => event)
  const [begun, done] = [events.indexOf('primary-switching'), events.lastIndexOf('primary-open')]
  const meanwhile = events.slice(begun, done).filter((event) => event === 'config-reloaded')
  t.diagnostic(`${counted(meanwhile.length, 'reload')} between the request and the next primary`)
  assert.ok(meanwhile.length > 0)
  await until('the template is written', () => read('leader') === `${candidate?.name}\n`)
})

test('reloads while 500 clients wait for a primary lose none of them', async (t) => {
  const from = router.log.length
  const [next] = await cluster.replicas()
  assert.ok(next)
  await assertReloads(nth(2))
  await leader.crash()
  await router.waitForLog('the crash', ({ event }) => event === 'primary-unreachable', { from })
  const opening = Promise.all(Array.from({ length: 10 }, () => Holders.open(router.primaryPort, 50)))
  await until('all are held', async () => (await heldClients()) === 500)
  // The same listener has another address, and fewer may wait.
  const listeners = { primary: primaryAt(router.primaryPort, ports.going) }
  const hold = { timeout: '2m', max_connections: 400 }
  await assertReloads(configuration({ endpoint: etcd.hosts[1], listeners, proxy: { hold } }))
  await assert.rejects(sql(ports.going, 'SELECT 1'), /too many clients are waiting \(hold\.max_connections is 400\)/)
  await assertReloads(configuration({ endpoint: etcd.hosts[2], proxy: { trust: 'dcs' } }))
  assert.equal(await heldClients(), 500)
  // What its ttl would do, in some 10 s.
  await etcd.client.delete(`${cluster.prefix}leader`)
  await using stack = new AsyncDisposableStack()
  const served = (await opening).map((holders) => stack.use(holders))
  const servers = served.flatMap(({ sessions }) => sessions.map(({ server }) => server))
  assert.deepEqual([servers.length, [...new Set(servers)]], [500, [next.pgPort]])
  t.diagnostic(String(router.log.slice(from).find(({ event }) => event === 'released')?.msg))
  await leader.start()
})

test('1,000 SIGHUPs in ten seconds, every twentieth with another configuration, go unnoticed and leave nothing behind', async (t) => {
  const { pid } = router.process
  const descriptors = (): number => readdirSync(`/proc/${pid}/fd`).length
  const memoryKb = (): number => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  await assertReloads(nth(3))
  const before = { from: router.log.length, descriptors: descriptors(), kb: memoryKb(), reloads: read('reloads') }
  await using holders = await Holders.open(router.primaryPort, 10)
  await using writer = Writer.start({ port: router.primaryPort, everyMs: 100 })
  const start = performance.now()
  for (let count = 0; count < 1000; count++) {
    if (count % 20 === 0) router.configure(nth(count / 20))
    router.reload()
    await sleep(Math.max(0, start + (count + 1) * 10 - performance.now()))
  }
  router.configure(nth(51))
  router.reload()
  await until('the last one is in force', async () => (await router.status()).maxConnections === 2051)
  assertNobodyFailed(await writer.stop(), { router, cluster, from: before.from })
  assert.equal(await holders.ping(), 10)
  await holders.close()
  const reloads = router.log.slice(before.from).filter(isReloaded)
  assert.ok(reloads.length > 10)
  assert.deepEqual(
    reloads.filter(({ event }) => event === 'config-refused'),
    [],
  )
  await until('nothing is left open', () => descriptors() <= before.descriptors)
  const kb = memoryKb()
  t.diagnostic(`${reloads.length} reloads; ${before.kb} kB before, ${kb} kB after`)
  assert.ok(kb < before.kb + 64 * 1024, `${before.kb} kB before, ${kb} kB after`)
  const isInSync = async (): Promise<boolean> =>
    (await router.status()).templates?.groups.every(({ state }) => state === 'in-sync') === true
  await until('the templates are in sync', isInSync)
  assert.equal(read('reloads'), before.reloads)
})

/** A copy of what etcd has now, in an etcd that no member of the cluster writes to. */
async function copyOfEtcd(): Promise<EtcdCluster> {
  const copy = await EtcdCluster.start({ started: false })
  const { name, peerPort } = copy.server
  const etcdctl = (...args: readonly string[]): unknown =>
    execFileSync('etcdctl', args, { env: { ...process.env, ETCDCTL_API: '3' }, stdio: 'pipe' })
  const [peer, kept] = [`http://127.0.0.1:${peerPort}`, join(copy.path, 'kept')]
  etcdctl('--endpoints', etcd.server.endpoint, 'snapshot', 'save', kept)
  const self = ['--name', name, '--initial-cluster', `${name}=${peer}`, '--initial-advertise-peer-urls', peer]
  etcdctl('snapshot', 'restore', kept, ...self, '--data-dir', join(copy.path, name, 'data'))
  await copy.startAll()
  return copy
}

test('another DCS is refused unless it shows the cluster as it is now, and then takes over without a lost session', async () => {
  await assertReloads(configuration({}))
  const from = router.log.length
  await using holders = await Holders.open(router.primaryPort, 10)
  await using readers = await Holders.open(router.replicaPort, 5)
  await using writer = Writer.start({ port: router.primaryPort, everyMs: 200 })
  await using copy = await copyOfEtcd()
  const position = `${cluster.prefix}status`
  await until('the cluster has moved on', async () => (await copy.get(position)) !== (await etcd.get(position)))

  const command = async (name: string): Promise<{ readonly code: number; readonly io: FakeIo }> => {
    const io = new FakeIo()
    return { code: await runProgram([name, '-c', router.configFile], io), io }
  }
  const refused = async (reason: RegExp): Promise<void> => {
    const { code, io } = await command('reload')
    assert.deepEqual([code, io.stdout], [1, ''], io.stderr)
    assert.match(io.stderr, reason)
  }
  router.configure(configuration({ endpoint: copy.hosts[0] }))
  await refused(/^cluster demo: the DCS at \S+ is out of date: Patroni does not write to it$/m)
  await copy.client.put(`${cluster.prefix}initialize`, '7000000000000000001')
  const another = /^cluster demo: the DCS at \S+ shows another cluster: its system identifier is 7000000000000000001, /m
  await refused(another)
  await refused(another)
  const { stdout } = (await command('status')).io
  assert.match(
    stdout,
    /^ Config +\S+ DIFFERS from the running configuration, for \S+ now, and cannot be loaded: .* shows another cluster/m,
  )
  await copy.server.stop()
  await refused(/^cluster demo: etcd at \S+ cannot be read: no connection: connect ECONNREFUSED/m)
  const refusals = () => router.log.slice(from).filter(({ event }) => event === 'config-refused')
  await until('each refusal is logged', () => refusals().length >= 4)
  assert.deepEqual(
    refusals().map(({ level }) => level),
    ['error', 'error', 'warn', 'error'],
  )

  router.configure(configuration({ endpoint: etcd.hosts[1] }))
  const { code, io } = await command('reload')
  assert.equal(code, 0, io.stderr)
  assert.match(io.stdout, /^ {2}etcd3\.hosts: changed$/m)
  // The former one is no longer needed.
  await etcd.server.stop()
  await cluster.pause()
  await router.waitForLog('the pause', ({ event }) => event === 'paused', { from })
  await cluster.resume()
  assertNobodyFailed(await writer.stop(), { router, cluster, from })
  assert.deepEqual([await holders.ping(), await readers.ping()], [10, 5])
})
