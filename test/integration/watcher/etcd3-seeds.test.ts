/** What each configured etcd says, asked one by one. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Lookups } from '../../../src/names/lookups.ts'
import { probeSeeds, type SeedReport } from '../../../src/watcher/dcs/etcd-common/seeds.ts'
import { askingOf } from '../../../src/watcher/dcs/etcd3/online.ts'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import { freePort } from '../../support/net/ports.ts'
import { Relay } from '../../support/net/relay.ts'

const OPEN = {
  kind: 'etcd3',
  srv: null,
  protocol: 'http',
  useProxies: false,
  caFile: null,
  certFile: null,
  keyFile: null,
} as const
const NEVER = new AbortController().signal

describe('the seeds of an etcd', () => {
  let one: EtcdCluster
  let other: EtcdCluster
  before(async () => ([one, other] = await Promise.all([EtcdCluster.start({ members: 3 }), EtcdCluster.start()])))
  after(async () => Promise.all([one.close(), other.close()]))

  const probe = (
    endpoints: readonly string[],
    auth: { username: string; password: string } | null = null,
    signal = NEVER,
  ): Promise<readonly SeedReport[]> => {
    const config = { ...OPEN, endpoints, auth }
    const options = { config, prefix: '/service/demo/', timeoutMs: 1000, lookups: new Lookups() }
    return probeSeeds(endpoints, askingOf(options), signal)
  }

  test('that refuse connections keep nothing else waiting, also by a name that has just been looked up', async () => {
    const lookups = new Lookups({ freshMs: 10_000 })
    await lookups.addresses('localhost')
    const endpoints = [`localhost:${await freePort()}`]
    const config = { ...OPEN, endpoints, auth: null }
    const since = performance.now()
    const options = { config, prefix: '/service/demo/', timeoutMs: 1000, lookups }
    const [report] = await probeSeeds(endpoints, askingOf(options), NEVER)
    assert.match(report?.reason ?? '', /ECONNREFUSED/)
    // gRPC asked for its addresses again at once, without end, for as long as they were known.
    assert.ok(performance.now() - since < 8000)
  })

  test('at an address with a zone are asked there', async () => {
    const relay = await Relay.start(Number(other.hosts[0]?.split(':')[1]), 0, '::1')
    const endpoint = `[::1%lo]:${relay.port}`
    const [report] = await probe([endpoint])
    await relay.close()
    assert.deepEqual([report?.reason, report?.endpoint], [null, endpoint])
  })

  test('are all asked, the dead ones too, in their order, and show of which etcd cluster they are', async () => {
    const dead = `127.0.0.1:${await freePort()}`
    const reports = await probe([...one.hosts, dead, ...other.hosts])
    assert.deepEqual(
      reports.map(({ endpoint }) => endpoint),
      [...one.hosts, dead, ...other.hosts],
    )
    const { members, header } = await one.client.call<{ members: unknown[]; header: { cluster_id: string } }>(
      'cluster/member/list',
      {},
    )
    assert.equal(members.length, 3)
    const id = BigInt(header.cluster_id).toString(16)
    assert.deepEqual(
      reports.map(({ clusterId }) => clusterId === id),
      [true, true, true, false, false],
    )
    assert.match(reports[4]?.clusterId ?? '', /^[0-9a-f]+$/)
    assert.deepEqual(
      reports.map(({ reason }) => reason === null),
      [true, true, true, false, true],
    )
    assert.match(reports[3]?.reason ?? '', /ECONNREFUSED/)
    assert.equal(reports[3]?.clusterId, null)
  })

  test('show their etcd cluster also where they have no quorum, and say that they cannot be read', async () => {
    const [, ...others] = one.servers
    for (const server of others) server.freeze()
    try {
      const [alone] = await probe(one.hosts.slice(0, 1))
      assert.notEqual(alone?.reason, null)
      assert.match(alone?.clusterId ?? '', /^[0-9a-f]+$/)
    } finally {
      for (const server of others) server.thaw()
    }
  })

  test('are given up at once', async () => {
    const controller = new AbortController()
    one.servers[0]?.freeze()
    try {
      const since = performance.now()
      const probing = probe(one.hosts, null, controller.signal)
      setImmediate(() => controller.abort())
      await assert.rejects(probing, { name: 'AbortError' })
      assert.ok(performance.now() - since < 900)
    } finally {
      one.servers[0]?.thaw()
    }
  })

  test('that refuse a user show their etcd cluster all the same, and say what the role needs', async () => {
    const [before] = await probe(other.hosts)
    await other.enableAuth({ username: 'else', password: 'x', prefixes: ['/elsewhere/'] })
    const [refused] = await probe(other.hosts, { username: 'else', password: 'x' })
    assert.match(refused?.reason ?? '', /user "else" may not read \/service\/demo\/: etcdctl role grant-permission/)
    assert.equal(refused?.clusterId, before?.clusterId)
    const [unknown] = await probe(other.hosts, { username: 'nobody', password: 'x' })
    assert.match(unknown?.reason ?? '', /rejects user "nobody" with this password/)
    assert.equal(unknown?.clusterId, before?.clusterId)
  })
})
