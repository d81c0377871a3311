/** The observation of a real etcd through everything that happens to one. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Lookups } from '../../../src/names/lookups.ts'
import { EtcdConnection } from '../../../src/watcher/dcs/etcd3/connection.ts'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import { freePort } from '../../support/net/ports.ts'
import { Relay } from '../../support/net/relay.ts'
import { until } from '../../support/until.ts'
import { Observer, type Seen } from './observer.ts'

const run = promisify(execFile)
const LEADER = '/service/demo/leader'
const member = (port: number): string => JSON.stringify({ conn_url: `postgres://127.0.0.1:${port}/postgres` })
const sockets = (): number => process.getActiveResourcesInfo().filter((kind) => /TCP|Pipe|Timeout/.test(kind)).length

describe('one etcd', () => {
  let etcd: EtcdCluster
  before(async () => (etcd = await EtcdCluster.start()))
  after(async () => etcd.close())
  beforeEach(async () => etcd.client.deletePrefix('/'))

  test('is reported as it is: leader, members, configuration', async () => {
    await etcd.client.put(LEADER, 'pg0')
    await etcd.client.put('/service/demo/members/pg0', member(5432))
    await etcd.client.put('/service/demo/config', '{"ttl":20,"pause":true}')
    await etcd.client.put('/service/demo/initialize', '7268616322854375442')
    await using observer = new Observer({ endpoints: etcd.hosts })
    await observer.leader('pg0')
    const { members, paused, systemId, ttlMs } = observer.cluster
    assert.deepEqual(
      [members.map(({ name }) => name), paused, systemId, ttlMs],
      [['pg0'], true, '7268616322854375442', 20_000],
    )
  })

  test('shows another scope, or a group of Citus, never', async () => {
    const strange = ['demo2', 'dem', 'demo-', 'demo/0', 'demo0', 'demo/members/pg0']
    for (const scope of strange) {
      await etcd.client.put(`/service/${scope}/leader`, 'stranger')
      await etcd.client.put(`/service/${scope}/members/stranger`, member(1))
    }
    await using observer = new Observer({ endpoints: etcd.hosts })
    await observer.leader(null)
    for (const scope of strange) {
      await etcd.client.put(`/service/${scope}/leader`, 'stranger2')
      await etcd.client.put(`/service/${scope}/members/stranger2`, member(1))
    }
    await etcd.client.put(LEADER, 'pg0')
    await observer.leader('pg0')
    assert.deepEqual(observer.leaders, [null, 'pg0'])
    assert.deepEqual(observer.cluster.members, [])
    await using group = new Observer({ endpoints: etcd.hosts, prefix: '/service/demo/0/' })
    await group.leader('stranger2')
  })

  test('with 10,000 keys of others is no slower', async () => {
    for (let block = 0; block < 100; block++) {
      const success = Array.from({ length: 100 }, (_, index) => {
        const key = Buffer.from(`/service/demo2/members/${block}-${index}`).toString('base64')
        return { request_put: { key, value: Buffer.from('x'.repeat(200)).toString('base64') } }
      })
      await etcd.client.call('kv/txn', { success })
    }
    await etcd.client.put(LEADER, 'pg0')
    const since = performance.now()
    await using observer = new Observer({ endpoints: etcd.hosts })
    const seen = await observer.leader('pg0')
    assert.ok(seen.at - since < 500, `${seen.at - since} ms`)
  })

  test('keeps the session of a lock that is put again on another lease, and reports another one when it is taken again', async () => {
    const sessionOf = (observer: Observer): string | undefined => observer.cluster.leader?.session
    await etcd.client.put(LEADER, 'pg0', await etcd.client.grant(30))
    await using observer = new Observer({ endpoints: etcd.hosts, intervalMs: 60_000 })
    await observer.leader('pg0')
    const first = sessionOf(observer)
    const before = observer.seen.length
    await etcd.client.put(LEADER, 'pg0', await etcd.client.grant(30))
    await until('it is told', () => observer.seen.length > before)
    assert.equal(sessionOf(observer), first)
    const again = await etcd.client.grant(30)
    await etcd.client.delete(LEADER)
    await etcd.client.put(LEADER, 'pg0', again)
    await until('it is another session', () => observer.cluster.leader !== null && sessionOf(observer) !== first)
    const last = observer.seen.length
    await etcd.client.revoke(again)
    await observer.leader(null, last)
  })

  test('holds values that are empty, or not UTF-8, without harm to others', async () => {
    await using observer = new Observer({ endpoints: etcd.hosts })
    const key = Buffer.from('/service/demo/members/bytes').toString('base64')
    await etcd.client.call('kv/put', { key, value: Buffer.from([0xff, 0xfe, 0x00, 0x80]).toString('base64') })
    await etcd.client.put('/service/demo/members/empty', '')
    await etcd.client.put('/service/demo/config', '')
    await etcd.client.put('/service/demo/members/pg0', member(5432))
    await etcd.client.put(LEADER, 'pg0')
    await observer.leader('pg0')
    assert.deepEqual(
      observer.cluster.members.map(({ name }) => name),
      ['pg0'],
    )
    assert.deepEqual(
      observer.cluster.ignoredKeys.map(({ key }) => key),
      ['members/bytes', 'members/empty'],
    )
    const from = observer.seen.length
    await etcd.client.put(LEADER, '')
    await observer.leader(null, from)
  })

  test('is read although strangers have filled its prefix with megabytes', async () => {
    const large = 'x'.repeat(1_400_000)
    for (const name of ['a', 'b', 'c', 'd']) await etcd.client.put(`/service/demo/${name}`, large)
    await etcd.client.put(LEADER, 'pg0')
    await using observer = new Observer({ endpoints: etcd.hosts, timeoutMs: 2000 })
    await observer.leader('pg0')
  })

  test('loses no event to connections that are cut all the time', async () => {
    const relay = await Relay.start(etcd.server.port)
    await using observer = new Observer({ endpoints: [`127.0.0.1:${relay.port}`], intervalMs: 100 })
    await until('it is read', () => observer.snapshots.length > 0)
    const stop = new AbortController()
    let written = 0
    const writing = (async () => {
      while (!stop.signal.aborted) {
        written++
        await etcd.client.put(LEADER, `pg${written}`)
        await etcd.client.put(`/service/demo/members/pg${written % 5}`, member(10_000 + (written % 1000)))
        await sleep(1)
        if (written % 7 === 0) await etcd.client.delete(`/service/demo/members/pg${(written + 2) % 5}`)
        if (written % 11 === 0) await etcd.client.compact((await etcd.client.put('/elsewhere', 'x')) - 1)
      }
    })()
    try {
      for (let cut = 0; cut < 8; cut++) {
        await sleep(Math.random() * 50)
        const from = observer.seen.length
        // A compaction may have ended the session a moment before: then there is nothing to cut until the next one.
        const lost = await until('it is lost', () => {
          relay.resume()
          return observer.seen.slice(from).find(({ type }) => type === 'lost')
        })
        await observer.until('it is back', ({ type }) => type === 'snapshot', { from: observer.seen.indexOf(lost) })
      }
    } finally {
      stop.abort()
      await writing
    }
    await observer.leader(`pg${written}`)
    const numbers = observer.leaders.filter((name) => name !== null).map((name) => Number(name.slice(2)))
    assert.deepEqual(
      numbers,
      numbers.toSorted((a, b) => a - b),
    )
    await using fresh = new Observer({ endpoints: etcd.hosts })
    await fresh.leader(`pg${written}`)
    await until('both see the same', () => {
      assert.deepEqual(observer.cluster, fresh.cluster)
      return true
    })
    assert.ok(written > 100, `${written} writes`)
    await observer.stop()
    await relay.close()
  })

  test('is read again after it was compacted while it could not be seen', async () => {
    const relay = await Relay.start(etcd.server.port)
    await etcd.client.put(LEADER, 'pg0')
    await using observer = new Observer({ endpoints: [`127.0.0.1:${relay.port}`] })
    await observer.leader('pg0')
    relay.hang()
    await etcd.client.put(LEADER, 'pg1')
    await etcd.client.compact(await etcd.client.put(LEADER, 'pg2'))
    const lost = await observer.until('it is lost', ({ type }) => type === 'lost')
    assert.match(lost.type === 'lost' ? lost.error.message : '', /etcd at .* cannot be read: no answer in time$/)
    relay.resume()
    await observer.leader('pg2')
    await observer.stop()
    await relay.close()
  })

  test('is left at once and leaves nothing open', async () => {
    const open = sockets()
    const observer = new Observer({ endpoints: etcd.hosts, useProxies: false })
    await observer.leader(null)
    const before = performance.now()
    await observer.stop()
    assert.ok(performance.now() - before < 200)
    await until('nothing is open', () => sockets() <= open, { timeoutMs: 3000 })
  })

  test('is connected to 300 times without anything that stays', async () => {
    const open = sockets()
    const connect = async (id: number): Promise<void> => {
      const [endpoint = ''] = etcd.hosts
      const config = { auth: null, caFile: null, certFile: null }
      const connection = new EtcdConnection(
        { endpoint, config, certificates: null, prefix: '/service/demo/', timeoutMs: 1000, lookups: new Lookups() },
        id,
      )
      const { revision } = await connection.list()
      await connection.watch(revision + 1n, { onEvents: () => undefined, onEnd: () => undefined })
      connection.close()
    }
    for (let id = -1; id > -300; id--) await connect(id)
    await until('nothing is open', () => sockets() <= open, { timeoutMs: 3000 })
  })
})

describe('an etcd that goes down', () => {
  test('leaves no connections behind that pile up while it is frozen', async () => {
    const etcd = await EtcdCluster.start()
    await using observer = new Observer({ endpoints: etcd.hosts, intervalMs: 50, timeoutMs: 50 })
    await observer.leader(null)
    const descriptors = (): number => readdirSync('/proc/self/fd').length
    const before = descriptors()
    etcd.server.freeze()
    await until('it was tried often', () => observer.losses.length > 6)
    assert.ok(descriptors() <= before + 1, `${descriptors()} descriptors, ${before} before`)
    etcd.server.thaw()
    await observer.until('it is read again', ({ type }) => type === 'snapshot', { from: observer.seen.length })
    await observer.stop()
    await etcd.close()
  })

  test('is read within 1.5 s of its return, whenever that is', async () => {
    const etcd = await EtcdCluster.start()
    const port = await freePort()
    await using observer = new Observer({ endpoints: [`127.0.0.1:${port}`], intervalMs: 2000, timeoutMs: 1000 })
    // Past the growth of every backoff.
    await until('it was tried often', () => observer.losses.length > 6)
    for (let round = 0; round < 4; round++) {
      await sleep(Math.random() * 1000)
      const from = observer.seen.length
      const since = performance.now()
      const relay = await Relay.start(etcd.server.port, port)
      const seen = await observer.until('it is read', ({ type }) => type === 'snapshot', { from })
      assert.ok(seen.at - since < 1500, `${seen.at - since} ms`)
      await relay.close()
      await until('it is lost', () => observer.last?.type === 'lost')
    }
    await observer.stop()
    await etcd.close()
  })

  test('is read as soon as it is there, though it never was', async () => {
    const etcd = await EtcdCluster.start({ started: false })
    await using observer = new Observer({ endpoints: etcd.hosts })
    await until('it was tried', () => observer.losses.length > 1)
    await etcd.server.start()
    await observer.leader(null)
    assert.ok(observer.snapshots.every(({ restored }) => !restored))
    await observer.stop()
    await etcd.close()
  })

  test('tells that it was wiped, or restored from a backup', async () => {
    const etcd = await EtcdCluster.start()
    const { server } = etcd
    const data = join(etcd.path, server.name, 'data')
    const backup = join(etcd.path, 'backup.db')
    await server.client.put(LEADER, 'pg0')
    await run('etcdctl', ['--endpoints', server.endpoint, 'snapshot', 'save', backup], {
      env: { ...process.env, ETCDCTL_API: '3' },
    })
    for (const name of ['pg1', 'pg2', 'pg3']) await server.client.put(LEADER, name)
    await using observer = new Observer({ endpoints: etcd.hosts })
    await observer.leader('pg3')

    await server.restart()
    await until('it is read again', () => observer.losses.length > 0 && observer.last?.type === 'snapshot')
    assert.deepEqual(
      observer.snapshots.filter(({ restored }) => restored),
      [],
    )

    const { members } = await server.client.call<{ members: { peerURLs: string[] }[] }>('cluster/member/list', {})
    const peers = members[0]?.peerURLs[0] ?? ''
    await server.stop()
    rmSync(data, { recursive: true })
    const restore = ['snapshot', 'restore', backup, '--data-dir', data, '--name', server.name]
    const urls = ['--initial-cluster', `${server.name}=${peers}`, '--initial-advertise-peer-urls', peers]
    await run('etcdctl', [...restore, ...urls], { env: { ...process.env, ETCDCTL_API: '3' } })
    const restored = observer.seen.length
    await server.start()
    const back = await observer.leader('pg0', restored)
    assert.equal(back.type === 'snapshot' && back.restored, true)

    await server.stop()
    rmSync(data, { recursive: true })
    const wiped = observer.seen.length
    await server.start()
    const empty = await observer.leader(null, wiped)
    assert.equal(empty.type === 'snapshot' && empty.restored, true)
    await observer.stop()
    await etcd.close()
  })
})

describe('three etcds', () => {
  let etcd: EtcdCluster
  before(async () => (etcd = await EtcdCluster.start({ members: 3 })))
  after(async () => etcd.close())
  beforeEach(async () => {
    await until('there is a quorum', () => etcd.client.deletePrefix('/'))
  })

  test('are found through one of them, seeds that refuse left out', async () => {
    const [seed = ''] = etcd.hosts
    const refused = `127.0.0.1:${await freePort()}`
    await using observer = new Observer({ endpoints: [refused, seed], useProxies: false })
    await observer.leader(null)
    assert.equal(observer.last?.endpoint, seed)
    await until('the others are known', () => observer.snapshots.length > 2)
    await etcd.servers[0]?.kill()
    const isOther = ({ type, endpoint }: Seen): boolean => type === 'snapshot' && endpoint !== seed
    const { endpoint } = await observer.until('another is read', isOther)
    assert.ok(etcd.hosts.includes(endpoint))
    await observer.stop()
    await etcd.servers[0]?.start()
  })

  test('are read through another one when one freezes', async () => {
    await using observer = new Observer({ endpoints: etcd.hosts, intervalMs: 500, timeoutMs: 500 })
    await observer.leader(null)
    const { endpoint } = observer.last ?? {}
    const frozen = etcd.servers.find(({ port }) => endpoint === `127.0.0.1:${port}`)
    const since = performance.now()
    frozen?.freeze()
    try {
      const other = etcd.servers.find((server) => server !== frozen)
      const seen = await observer.until(
        'another is read',
        (one) => one.type === 'snapshot' && one.endpoint !== endpoint,
      )
      assert.ok(seen.at - since < 5000, `${seen.at - since} ms`)
      await until('there is a quorum', () => other?.client.put(LEADER, 'pg7'))
      await observer.leader('pg7')
    } finally {
      frozen?.thaw()
    }
  })

  test('of which two are frozen are lost, though the third keeps its watch open', async () => {
    await etcd.client.put(LEADER, 'pg0')
    const [, ...others] = etcd.servers
    await using observer = new Observer({
      endpoints: etcd.hosts.slice(0, 1),
      intervalMs: 500,
      timeoutMs: 500,
    })
    await observer.leader('pg0')
    for (const server of others) server.freeze()
    try {
      await observer.until('it is lost', ({ type }) => type === 'lost')
      const from = observer.seen.length
      await until('it is tried again', () => observer.seen.length > from)
      assert.ok(observer.seen.slice(from).every(({ type }) => type === 'lost'))
    } finally {
      for (const server of others) server.thaw()
    }
    await observer.leader('pg0', observer.seen.length)
  })
})
