/** `check --online` against real etcds over API v2. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { ClusterConfig } from '../../../src/config/config.ts'
import type { Etcd2Config } from '../../../src/watcher/dcs/etcd/section.ts'
import { checkOnline } from '../../../src/watcher/online.ts'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import { EtcdV2Cluster } from '../../support/etcd/v2-cluster.ts'
import { freePort } from '../../support/net/ports.ts'
import { FakeMember, SYSTEM_ID } from './fake-member.ts'
import { clusterConfig } from './watched.ts'

const NEVER = new AbortController().signal

describe('the check of what is online, with etcd v2', () => {
  let etcd: EtcdV2Cluster
  let three: EtcdV2Cluster
  let other: EtcdV2Cluster
  let without: EtcdCluster
  before(async () => {
    ;[etcd, three, without] = await Promise.all([
      EtcdV2Cluster.start(),
      EtcdV2Cluster.start({ members: 3 }),
      EtcdCluster.start(),
    ])
    other = await EtcdV2Cluster.start({ args: ['--advertise-client-urls', etcd.etcd.endpoints.join(',')] })
    for (const each of [three, other]) await each.client.set('/service/demo/initialize', SYSTEM_ID)
  })
  after(async () => Promise.all([etcd, three, other, without].map((each) => each.close())))
  beforeEach(async () => {
    await etcd.client.delete('/service', { recursive: true })
    await etcd.client.delete('/app', { recursive: true })
  })

  const put = (key: string, value: string): Promise<number> => etcd.client.set(`/service/demo/${key}`, value)
  const configOf = (endpoints = etcd.hosts, settings: Partial<Etcd2Config> = {}): ClusterConfig => {
    const config = clusterConfig([])
    return { ...config, dcs: { ...config.dcs, kind: 'etcd', endpoints, ...settings } }
  }
  const check = async (endpoints = etcd.hosts, settings: Partial<Etcd2Config> = {}): Promise<string[]> => {
    const findings = await checkOnline(configOf(endpoints, settings), NEVER)
    return findings.map(({ subject, ok, message }) => `${ok ? 'ok' : 'NO'} ${subject}: ${message}`)
  }

  test('finds a healthy cluster in order', async () => {
    await using pg0 = await FakeMember.start('pg0', 'primary')
    await using pg1 = await FakeMember.start('pg1', 'replica')
    await put('initialize', SYSTEM_ID)
    await put('leader', 'pg0')
    await put('members/pg0', pg0.key())
    await put('members/pg1', pg1.key())
    const [dcs, ...members] = await check()
    assert.equal(dcs, `ok DCS at ${etcd.hosts[0] ?? ''}: 2 members, leader pg0`)
    assert.ok(members.length === 4 && members.every((line) => line.startsWith('ok pg')), members.join('\n'))
  })

  test('queries every endpoint: one is dead, one has no API v2, one is of another etcd cluster', async () => {
    const dead = `127.0.0.1:${await freePort()}`
    const [one = '', two = '', last = ''] = three.hosts
    const [stranger = ''] = etcd.hosts
    const [old = ''] = without.hosts
    const lines = await check([dead, old, one, stranger, two, last])
    const same = 'answers, and belongs to the same etcd cluster'
    const expected = [
      /^NO DCS at .*: connect ECONNREFUSED/,
      /^NO DCS at .*: it has no API v2 \(.*\): if Patroni uses etcd3, remove the section etcd, .* in etcd\.hosts$/,
      /^NO DCS at .*: the cluster has no members \(leader none\)$/,
      new RegExp(`: it belongs to another etcd cluster \\(ID \\w+\\) than ${one} \\(ID \\w+\\)$`),
      new RegExp(`^ok DCS at ${two}: ${same}$`),
      new RegExp(`^ok DCS at ${last}: ${same}$`),
    ]
    assert.equal(lines.length, expected.length, lines.join('\n'))
    for (const [index, line] of lines.entries()) assert.match(line, expected[index] ?? /^$/)
  })

  test('finds an advertised client URL that leads to another etcd cluster', async () => {
    const lines = await check(other.hosts, { useProxies: false })
    assert.equal(lines.length, 2, lines.join('\n'))
    assert.match(lines[0] ?? '', /: the cluster has no members/)
    assert.match(
      lines[1] ?? '',
      new RegExp(
        `^NO DCS at ${etcd.hosts[0] ?? ''}: .* of another etcd cluster \\(ID \\w+\\): correct --advertise-client-urls$`,
      ),
    )
  })

  test('finds no cluster where there is none, and says which ones there are', async () => {
    const hint =
      'is it the right one, and does Patroni use its section etcd? (with its section etcd3 it uses API v3, which is not visible here)'
    const at = `NO DCS at ${etcd.hosts[0] ?? ''}: this etcd has no`
    assert.deepEqual(await check(), [`${at} keys of any Patroni cluster: ${hint}`])
    await etcd.client.set('/service/demos/initialize', SYSTEM_ID)
    await etcd.client.set('/service/other/leader', 'pg0')
    assert.deepEqual(await check(), [
      `${at} cluster "demo" below /service/: did you mean "demos"? (there are demos, other)`,
    ])
    await etcd.client.delete('/service', { recursive: true })
    await etcd.client.set('/app/demo/leader', 'pg0')
    assert.deepEqual(await check(), [`${at} cluster below /service/, but /app/demo: did you mean namespace "/app/"?`])
  })

  test('doubts a Citus group that no configured cluster follows, and says so once', async () => {
    const groups = [0, 1].map((citusGroup) => ({ ...configOf(), name: `g${citusGroup}`, citusGroup }))
    for (const group of [0, 1, 2, 7]) await put(`${group}/initialize`, SYSTEM_ID)
    const each = groups.map((cluster) => checkOnline(cluster, NEVER, { clusters: groups }))
    const doubts = (await Promise.all(each)).flat().filter(({ isDoubtful }) => isDoubtful)
    assert.deepEqual(
      doubts.map(({ ok, message }) => [ok, message]),
      [2, 7].map((group) => [
        true,
        `Citus group ${group} of scope demo is in the DCS, and no configured cluster follows it`,
      ]),
    )
    const flat = (await check()).join('\n')
    assert.match(flat, /^NO DCS at .*: scope "demo" is a Citus cluster with groups 0, 1, 2, 7: set citus\.group/)
  })

  test('is given up', async () => {
    etcd.server.freeze()
    try {
      const controller = new AbortController()
      const checking = checkOnline(configOf(), controller.signal)
      setImmediate(() => controller.abort())
      await assert.rejects(checking, { name: 'AbortError' })
    } finally {
      etcd.server.thaw()
    }
  })
})
