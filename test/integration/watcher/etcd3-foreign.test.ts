/** Endpoints that lead to another etcd cluster: an advertised URL, a proxy, a seed that was made anew. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { Lookups } from '../../../src/names/lookups.ts'
import { Etcd3Dcs } from '../../../src/watcher/dcs/etcd3/etcd3-dcs.ts'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import { Relay } from '../../support/net/relay.ts'
import { until } from '../../support/until.ts'
import { FakeMember } from './fake-member.ts'
import { KeyObserver } from './key-observer.ts'
import { Observer, type Seen } from './observer.ts'
import { clusterConfig, Watched } from './watched.ts'
import { dcsOf } from './dcs-of.ts'

const LEADER = '/service/demo/leader'
const isForeign = (seen: Seen): boolean => seen.type === 'lost' && seen.error.message.includes('another etcd cluster')
const isRead = ({ type }: Seen): boolean => type === 'snapshot'

describe('an advertised URL that leads to another etcd cluster', () => {
  let ours: EtcdCluster
  let other: EtcdCluster
  let seed: string
  let foreign: string

  beforeEach(async () => {
    other = await EtcdCluster.start()
    foreign = other.hosts[0] ?? ''
    ours = await EtcdCluster.start({ args: ['--advertise-client-urls', `http://${foreign}`] })
    seed = ours.hosts[0] ?? ''
    await ours.client.put(LEADER, 'pg0')
  })
  afterEach(async () => Promise.all([ours.close(), other.close()]))

  test('is reported before it is needed, and never read; the configured etcd is read as soon as it is back', async () => {
    await using observer = new Observer({ endpoints: [seed], useProxies: false })
    await observer.leader('pg0')
    await until('it is reported', () => observer.notices.includes(`http://${foreign}`))
    const [notice] = observer.last?.notices ?? []
    assert.match(notice?.message ?? '', /an advertised client URL, belongs to another etcd cluster \(ID \w+, not \w+\)/)
    await ours.server.stop()
    const lost = await observer.until('it was tried', isForeign)
    assert.ok(lost.type === 'lost')
    assert.match(lost.error.message, new RegExp(`etcd at ${foreign} .*correct --advertise-client-urls`))
    assert.deepEqual(observer.notices, [`http://${foreign}`])
    const from = observer.seen.length
    await observer.until('it was tried again', isForeign, { from })
    await ours.server.start()
    await observer.leader('pg0', from)
    assert.deepEqual(
      observer.snapshots.filter(({ endpoint, restored }) => endpoint !== seed || restored),
      [],
    )
  })

  test('changes nothing about the members, and is logged once at its begin and its end', async () => {
    await using pg0 = await FakeMember.start('pg0', 'primary')
    await using pg1 = await FakeMember.start('pg1', 'replica')
    await ours.client.put('/service/demo/members/pg0', pg0.key())
    await ours.client.put('/service/demo/members/pg1', pg1.key())
    const config = { ...clusterConfig([]).dcs, kind: 'etcd3', endpoints: [seed], srv: null, useProxies: false } as const
    const access = { protocol: 'http', auth: null, caFile: null, certFile: null, keyFile: null } as const
    const options = { prefix: '/service/demo/', intervalMs: 100, timeoutMs: 300, discoverMs: 200 }
    const lookups = new Lookups()
    const dcs = new Etcd3Dcs({ config: { ...config, ...access }, ...options, lookups })
    await using watched = new Watched([], { dcs: dcsOf(dcs) })
    await watched.until('open pg0')
    await until('the replica serves', () => watched.member('pg1').replica.fit)
    const reports = (): string[] => watched.messages().filter((message) => message.startsWith(`http://${foreign}`))
    await until('it is reported', () => reports().length === 1)
    await ours.server.stop()
    await until('it is lost', () => watched.view.dcs.state === 'lost')
    await until('it was tried', () => watched.view.dcs.error?.includes(`${foreign} cannot be read: it belongs to`))
    await watched.until('unlocked pg0')
    assert.deepEqual(
      watched.view.members.map(({ name, gone, isLeader, replica }) => [name, gone, isLeader || replica.fit]),
      [
        ['pg0', false, true],
        ['pg1', false, true],
      ],
    )
    assert.equal(watched.view.dcs.notices.length, 1)
    assert.ok(!watched.messages().some((message) => message.includes('restored')))
    await ours.server.start()
    await watched.until('open pg0')
    assert.equal(reports().length, 1)
    // Who is dead says nothing about where it leads.
    await other.server.stop()
    await ours.server.restart()
    await watched.until('open pg0')
    assert.equal(watched.view.dcs.notices.length, 1)

    await ours.server.stop()
    await ours.server.launch(['--advertise-client-urls', ours.server.endpoint])
    await until('it is over', () => watched.view.dcs.state === 'up' && watched.view.dcs.notices.length === 0)
    assert.deepEqual(
      reports().map((message) => message.includes('no longer belongs to another etcd cluster')),
      [false, true],
    )
  })

  test('is never read for the keys of templates either', async () => {
    await ours.client.put('/myapp/db', 'ours')
    await other.client.put('/myapp/db', 'theirs')
    await using observer = new KeyObserver({ endpoints: [seed], root: '/myapp', useProxies: false })
    await observer.until('it is read', (keys) => keys.get('/myapp/db') === 'ours')
    // The advertised URLs are asked for beside the session.
    await until('some confirmations have come', () => observer.seen.length > 3)
    await ours.server.stop()
    await until('it was tried', () =>
      observer.losses.some((loss) => loss.includes(`${foreign} cannot be read: it belongs`)),
    )
    await ours.server.start()
    await ours.client.put('/myapp/db', 'ours again')
    await observer.until('it is read again', (keys) => keys.get('/myapp/db') === 'ours again')
    assert.deepEqual(
      observer.states.map((keys) => keys.get('/myapp/db')).filter((value) => value === 'theirs'),
      [],
    )
  })

  test('is found out also where that one requires a user that is not known there', async () => {
    await other.enableAuth()
    await using observer = new Observer({ endpoints: [seed], useProxies: false })
    await until('it is reported', () => observer.notices.includes(`http://${foreign}`))
  })
})

test('two of three advertised URLs that lead elsewhere leave the third to be read', async () => {
  await using one = await EtcdCluster.start()
  await using two = await EtcdCluster.start()
  await using ours = await EtcdCluster.start()
  const seed = await Relay.start(ours.server.port)
  const urls = [...one.endpoints, ...two.endpoints, ...ours.endpoints].join(',')
  await ours.server.stop()
  await ours.server.launch(['--advertise-client-urls', urls])
  await ours.server.ready()
  await ours.client.put(LEADER, 'pg0')
  await using observer = new Observer({ endpoints: [`127.0.0.1:${seed.port}`], useProxies: false })
  await until('both are reported', () => observer.notices.length === 2)
  const from = observer.seen.length
  await seed.close()
  const seen = await observer.until('it is read by the third', isRead, { from: from + 1 })
  await observer.until('its own URL is read', ({ endpoint, type }) => type === 'snapshot' && endpoint === ours.hosts[0])
  assert.ok(seen.type === 'snapshot' && seen.cluster.leader?.name === 'pg0' && !seen.restored)
})

describe('configured endpoints', () => {
  let old: EtcdCluster
  let fresh: EtcdCluster
  beforeEach(async () => {
    ;[old, fresh] = await Promise.all([EtcdCluster.start(), EtcdCluster.start()])
    await old.client.put(LEADER, 'pg0')
  })
  afterEach(async () => Promise.all([old.close(), fresh.close()]))

  const hostOf = ({ port }: Relay): string => `127.0.0.1:${port}`

  test('that all lead to another etcd cluster now have it adopted, as a restored one, after a loss', async () => {
    const relay = await Relay.start(old.server.port)
    await using observer = new Observer({ endpoints: [hostOf(relay)] })
    await observer.leader('pg0')
    const from = observer.seen.length
    relay.retarget(fresh.server.port)
    const seen = await observer.until('it is read', (each) => each.type === 'snapshot' && each.restored, { from })
    assert.ok(seen.type === 'snapshot' && seen.cluster.leader === null)
    const between = observer.seen.slice(from, observer.seen.indexOf(seen))
    assert.ok(between.some(isForeign))
    await until('it is over', () => observer.notices.length === 0)
    await observer.stop()
    await relay.close()
  })

  test('that are created again one after the other are read where they are of the old one, until none is', async () => {
    const [one, two] = [await Relay.start(old.server.port), await Relay.start(old.server.port)]
    await using observer = new Observer({ endpoints: [one, two].map(hostOf), discoverMs: 200 })
    await observer.leader('pg0')
    one.retarget(fresh.server.port)
    await until('it is reported', () => observer.notices.includes(`http://${hostOf(one)}`))
    const from = observer.seen.length
    // Whoever is read now is lost, and the new one is next.
    two.retarget(old.server.port)
    await observer.until('the new one was tried', isForeign, { from })
    const again = await observer.until('it is read', isRead, { from: observer.seen.length })
    assert.equal(again.endpoint, hostOf(two))
    assert.ok(observer.snapshots.every(({ restored }) => !restored))
    await fresh.client.put(LEADER, 'pg1')
    two.retarget(fresh.server.port)
    const adopted = await observer.leader('pg1')
    assert.ok(adopted.type === 'snapshot' && adopted.restored)
    assert.deepEqual(observer.notices, [])
    await observer.stop()
    await Promise.all([one.close(), two.close()])
  })

  test('that lead to two etcd clusters in turns have the second one not adopted', async () => {
    await fresh.client.put(LEADER, 'stranger')
    const relay = await Relay.start(old.server.port)
    await using observer = new Observer({ endpoints: [hostOf(relay)] })
    await observer.leader('pg0')
    for (let round = 0; round < 3; round++) {
      const from = observer.seen.length
      // The other one is shown twice before the first is.
      relay.retarget(fresh.server.port, fresh.server.port, old.server.port, old.server.port)
      await observer.until('the other was tried', isForeign, { from })
      await observer.until('the first is read', isRead, { from: observer.seen.length })
    }
    assert.deepEqual(observer.leaders, ['pg0'])
    await observer.stop()
    await relay.close()
  })

  test('that have moved have it adopted although an advertised URL of the old one is still served', async () => {
    await fresh.client.put(LEADER, 'pg1')
    const relay = await Relay.start(old.server.port)
    await using observer = new Observer({ endpoints: [hostOf(relay)], useProxies: false, discoverMs: 200 })
    await observer.leader('pg0')
    await until('the advertised URL is known', () => observer.snapshots.length > 3)
    relay.retarget(fresh.server.port)
    await observer.leader('pg1')
    assert.ok(observer.snapshots.some(({ endpoint, restored }) => endpoint === hostOf(relay) && restored))
    await observer.stop()
    await relay.close()
  })

  test('of two etcd clusters at the start have the first one read that answers, and the other reported', async () => {
    await fresh.client.put(LEADER, 'stranger')
    await using observer = new Observer({ endpoints: [...old.hosts, ...fresh.hosts] })
    await until('it is reported', () => observer.notices.includes(`http://${fresh.hosts[0] ?? ''}`))
    assert.match(observer.last?.notices?.[0]?.message ?? '', /a configured endpoint, belongs to another etcd cluster/)
    assert.deepEqual(observer.leaders, ['pg0'])
  })
})
