/** Several etcd members over API v2: killed, frozen, without the others, behind a proxy, and advertised URLs that lead elsewhere. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { EtcdV2Cluster } from '../../support/etcd/v2-cluster.ts'
import type { EtcdServer } from '../../support/etcd/cluster.ts'
import { TempDir } from '../../support/files/temp.ts'
import { freePort, listens } from '../../support/net/ports.ts'
import { Relay } from '../../support/net/relay.ts'
import { Child } from '../../support/processes/child.ts'
import { until } from '../../support/until.ts'
import { Etcd2Observer } from './etcd2-observer.ts'
import type { Seen } from './observer.ts'

const LEADER = '/service/demo/leader'
const isRead = ({ type }: Seen): boolean => type === 'snapshot'
const isForeign = (seen: Seen): boolean => seen.type === 'lost' && seen.error.message.includes('another etcd cluster')
const foreign = ({ notices }: Etcd2Observer): string[] => notices.filter((subject) => subject.startsWith('http'))

describe('three etcd members over API v2', () => {
  let etcd: EtcdV2Cluster
  before(async () => (etcd = await EtcdV2Cluster.start({ members: 3 })))
  after(async () => etcd.close())
  beforeEach(async () => write('pg0'))

  /** Sets the leader through a member that answers. */
  async function write(name: string, without: EtcdServer | null = null): Promise<void> {
    const clients = etcd.clients.filter(({ endpoint }) => endpoint !== without?.endpoint)
    await until('there is a quorum', () => Promise.any(clients.map((client) => client.set(LEADER, name))))
  }
  const serverAt = (endpoint: string): EtcdServer => {
    const server = etcd.servers.find(({ port }) => endpoint === `127.0.0.1:${port}`)
    assert.ok(server)
    return server
  }

  test('are found through one of them, seeds that refuse left out, and are not taken for another etcd cluster', async () => {
    const [seed = ''] = etcd.hosts
    const refused = `127.0.0.1:${await freePort()}`
    await using observer = new Etcd2Observer({ endpoints: [refused, seed], useProxies: false, discoverMs: 100 })
    await observer.leader('pg0')
    assert.equal(observer.last?.endpoint, seed)
    await until('the others are known', () => observer.snapshots.length > 3)
    assert.deepEqual(foreign(observer), [])
    await serverAt(seed).kill()
    const isOther = ({ type, endpoint }: Seen): boolean => type === 'snapshot' && endpoint !== seed
    const { endpoint } = await observer.until('another is read', isOther)
    assert.ok(etcd.hosts.includes(endpoint))
    assert.ok(observer.snapshots.every(({ restored }) => !restored))
    await observer.stop()
    await serverAt(seed).start()
  })

  for (const what of ['kill', 'freeze'] as const)
    test(`are read through another one after a ${what} of the one that is read`, async () => {
      await using observer = new Etcd2Observer({ endpoints: etcd.hosts, timeoutMs: 500 })
      await observer.leader('pg0')
      const { endpoint = '' } = observer.last ?? {}
      const server = serverAt(endpoint)
      const since = performance.now()
      await server[what]()
      try {
        const isOther = (one: Seen): boolean => one.type === 'snapshot' && one.endpoint !== endpoint
        const seen = await observer.until('another is read', isOther)
        // A read that has no answer, and an election.
        assert.ok(seen.at - since < 6000, `${seen.at - since} ms`)
        await write('pg1', server)
        await observer.leader('pg1')
        assert.deepEqual(observer.leaders, ['pg0', 'pg1'])
      } finally {
        if (what === 'kill') await server.start()
        else server.thaw()
      }
    })

  test('of which one is without the others never show what it had: another endpoint is read', async () => {
    const [alone, ...others] = etcd.servers
    assert.ok(alone)
    const relay = await Relay.start(others[0]?.port ?? 0)
    const endpoints = [alone, relay].map(({ port }) => `127.0.0.1:${port}`)
    await using observer = new Etcd2Observer({ endpoints, timeoutMs: 500 })
    await observer.leader('pg0')
    await until('it has confirmed it', () => observer.last?.endpoint === `127.0.0.1:${alone.port}`)
    for (const server of others) server.freeze()
    try {
      await until('it has no leader', async () => {
        const quorum = await fetch(`${alone.endpoint}/v2/keys${LEADER}?quorum=true`, {
          signal: AbortSignal.timeout(400),
        })
          .then((response) => response.ok)
          .catch(() => false)
        return !quorum
      })
      // It answers as if nothing had happened.
      const old = await fetch(`${alone.endpoint}/v2/keys${LEADER}`)
      assert.match(await old.text(), /"value":"pg0"/)
      await observer.until('it is lost', ({ type }) => type === 'lost')
      const from = observer.seen.length
      await until('both were tried', () => observer.losses.length > 3)
      const said =
        /: no answer within \d+ ms to a read through the quorum, though it answers others: it is cut off from the other members of etcd, or these are down$/
      await until('it is said why', () => observer.reasons.some((reason) => said.test(reason)))
      assert.ok(observer.seen.slice(from).every(({ type }) => type === 'lost'))
      // The two others have a quorum again, and the first one is cut off.
      alone.freeze()
    } finally {
      for (const server of others) server.thaw()
    }
    try {
      await write('pg1', alone)
      const seen = await observer.leader('pg1')
      assert.equal(seen.endpoint, `127.0.0.1:${relay.port}`)
    } finally {
      alone.thaw()
    }
    assert.deepEqual(observer.leaders, ['pg0', 'pg1'])
    await observer.stop()
    await relay.close()
  })

  test('that a proxy gives to connections in turns are read without a loss while they are written to', async () => {
    const relay = await Relay.start(0)
    relay.retarget(...etcd.servers.map(({ port }) => port))
    const endpoints = [`127.0.0.1:${relay.port}`]
    await using observer = new Etcd2Observer({ endpoints, intervalMs: 250 })
    await observer.leader('pg0')
    const names = Array.from({ length: 300 }, (_, index) => `pg${index + 1}`)
    for (const [index, name] of names.entries()) await etcd.clients[index % 3]?.set(LEADER, name)
    await observer.leader('pg300')
    assert.deepEqual(observer.reasons, [])
    await observer.stop()
    await relay.close()
  })
})

describe('a proxy that ends connections on which nothing moves', () => {
  let etcd: EtcdV2Cluster
  let dir: TempDir
  before(async () => {
    etcd = await EtcdV2Cluster.start()
    dir = TempDir.create('idle')
  })
  after(async () => Promise.all([etcd.close(), dir.remove()]))

  for (const mode of ['tcp', 'http'] as const)
    test(`costs neither a session nor an event, with HAProxy in mode ${mode}`, async () => {
      const port = await freePort()
      const file = join(dir.path, `${mode}.cfg`)
      const timeouts = ['connect 1s', 'client 400ms', 'server 400ms'].map((one) => `  timeout ${one}`)
      writeFileSync(
        file,
        ['listen etcd', `  bind 127.0.0.1:${port}`, `  mode ${mode}`, ...timeouts]
          .concat(`  server etcd 127.0.0.1:${etcd.server.port}`, '')
          .join('\n'),
      )
      const logFile = join(dir.path, `${mode}.log`)
      const haproxy = await Child.start('haproxy', ['-db', '-f', file], { cwd: dir.path, logFile })
      await until('HAProxy listens', () => listens(port))
      const watches = async (): Promise<number> => {
        const metrics = await (await fetch(`${etcd.server.endpoint}/metrics`)).text()
        return Number(/^etcd_debugging_store_watch_requests_total (\d+)/m.exec(metrics)?.[1])
      }
      await etcd.client.set(LEADER, 'pg0')
      const endpoints = [`127.0.0.1:${port}`]
      await using observer = new Etcd2Observer({ endpoints, intervalMs: 150 })
      await observer.leader('pg0')
      const before = await watches()
      await until('the watch was ended often', async () => (await watches()) > before + 10)
      for (const name of ['pg1', 'pg2', 'pg3']) await etcd.client.set(LEADER, name)
      await observer.leader('pg3')
      assert.deepEqual(observer.reasons, [])
      await observer.stop()
      await haproxy.stop()
    })
})

describe('an advertised client URL that leads to another etcd over API v2', () => {
  let ours: EtcdV2Cluster
  let other: EtcdV2Cluster
  let seed: string
  let stranger: string
  beforeEach(async () => {
    other = await EtcdV2Cluster.start()
    stranger = other.hosts[0] ?? ''
    ours = await EtcdV2Cluster.start({ args: ['--advertise-client-urls', `http://${stranger}`] })
    seed = ours.hosts[0] ?? ''
    await ours.client.set(LEADER, 'pg0')
    await other.client.set(LEADER, 'stranger')
  })
  afterEach(async () => Promise.all([ours.close(), other.close()]))

  test('is reported before it is needed, and never read; the configured etcd is read as soon as it is back', async () => {
    await using observer = new Etcd2Observer({ endpoints: [seed], useProxies: false })
    await observer.leader('pg0')
    await until('it is reported', () => foreign(observer).includes(`http://${stranger}`))
    const [notice] = observer.last?.notices ?? []
    assert.match(notice?.message ?? '', /an advertised client URL, belongs to another etcd cluster \(ID \w+, not \w+\)/)
    await ours.server.stop()
    const lost = await observer.until('it was tried', isForeign)
    assert.ok(lost.type === 'lost')
    assert.match(lost.error.message, new RegExp(`etcd at ${stranger} .*correct --advertise-client-urls`))
    const from = observer.seen.length
    await ours.server.start()
    await observer.until('it is read', isRead, { from })
    assert.deepEqual(observer.leaders, ['pg0'])
  })

  test('is found out also where that one requires a user that is not known there', async () => {
    await other.enableAuth()
    await using observer = new Etcd2Observer({ endpoints: [seed], useProxies: false })
    await until('it is reported', () => foreign(observer).includes(`http://${stranger}`))
  })

  test('is adopted when the configured endpoint leads there itself', async () => {
    const relay = await Relay.start(ours.server.port)
    await using observer = new Etcd2Observer({ endpoints: [`127.0.0.1:${relay.port}`] })
    await observer.leader('pg0')
    relay.retarget(other.server.port)
    const seen = await observer.leader('stranger')
    assert.ok(seen.type === 'snapshot' && seen.restored)
    await observer.stop()
    await relay.close()
  })
})
