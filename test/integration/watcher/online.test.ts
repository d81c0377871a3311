/** `check --online` against a real etcd and members that answer as the test wants. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { checkOnline } from '../../../src/watcher/online.ts'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import { freePort } from '../../support/net/ports.ts'
import { FakeMember, SYSTEM_ID } from './fake-member.ts'
import { clusterConfig } from './watched.ts'
import { isEtcd3 } from '../../../src/watcher/dcs/etcd3/section.ts'

const NEVER = new AbortController().signal

describe('the check of what is online', () => {
  let etcd: EtcdCluster
  const put = (key: string, value: string): Promise<number> => etcd.client.put(`/service/demo/${key}`, value)
  const check = async (endpoints = etcd.hosts): Promise<string[]> => {
    const findings = await checkOnline(clusterConfig(endpoints), NEVER)
    return findings.map(({ subject, ok, message }) => `${ok ? 'ok' : 'NO'} ${subject}: ${message}`)
  }

  before(async () => (etcd = await EtcdCluster.start()))
  after(async () => etcd.close())
  beforeEach(async () => etcd.client.deletePrefix('/'))

  test('finds a healthy cluster in order', async () => {
    await using pg0 = await FakeMember.start('pg0', 'primary')
    await using pg1 = await FakeMember.start('pg1', 'replica')
    await put('initialize', SYSTEM_ID)
    await put('leader', 'pg0')
    await put('members/pg0', pg0.key())
    await put('members/pg1', pg1.key())
    const lines = await check()
    assert.equal(lines.length, 5)
    assert.match(
      lines.join('\n'),
      /^ok DCS at .*: 2 members, leader pg0\nok pg0: REST API at http.*: primary on timeline 1\nok pg0: Postgres at .*: answers\nok pg1: REST API .*: replica, accepts read-only connections\nok pg1: Postgres .*: answers$/,
    )
  })

  test('finds what is wrong with each, and continues', async () => {
    await using pg0 = await FakeMember.start('pg0', 'promoting')
    await using pg1 = await FakeMember.start('pg1', 'hung')
    await using pg2 = await FakeMember.start('another', 'replica')
    await put('leader', 'pg0')
    await put('members/pg0', pg0.key())
    await put('members/pg1', pg1.key({ conn_url: `postgres://127.0.0.1:${await freePort()}` }))
    await put('members/pg2', pg2.key())
    await put('members/pg3', '{"state":"creating replica"}')
    await put('members/pg4', '{')
    const lines = await check()
    const expected = [
      /^ok DCS at .*: 4 members, leader pg0$/,
      /^NO members\/pg4: ignored: the value is not a JSON object$/,
      /^NO pg0: REST API .*: it holds the lock and is being promoted/,
      /^ok pg0: Postgres/,
      /^NO pg1: REST API .*: no answer within 1000 ms$/,
      /^NO pg1: Postgres at .*: .*ECONNREFUSED/,
      /^NO pg2: REST API .*: another member answers there: another$/,
      /^ok pg2: Postgres/,
      /^NO pg3: REST API: it has published none$/,
    ]
    assert.equal(lines.length, expected.length, lines.join('\n'))
    for (const [index, line] of lines.entries()) assert.match(line, expected[index] ?? /^$/)
  })

  test('doubts a leader without a member key, and not one whose key cannot be read', async () => {
    await using pg0 = await FakeMember.start('pg0', 'replica')
    await put('leader', 'pg7')
    await put('members/pg0', pg0.key())
    const doubted = async (): Promise<string[]> =>
      (await checkOnline(clusterConfig(etcd.hosts), NEVER))
        .filter(({ ok, isDoubtful }) => ok && isDoubtful)
        .map(({ message }) => message)
    const [message = '', ...others] = await doubted()
    assert.match(message, /^1 member, leader pg7, which has no member key: normal for a moment in a failover/)
    assert.deepEqual(others, [])
    await put('members/pg7', '{')
    assert.deepEqual(await doubted(), [])
    await put('leader', 'pg0')
    await etcd.client.deletePrefix('/service/demo/members/pg7')
    assert.deepEqual(await doubted(), [])
  })

  test('finds a local member that the cluster does not have, and doubts one that is at no address of this host', async () => {
    await using pg0 = await FakeMember.start('pg0', 'primary')
    await put('leader', 'pg0')
    await put('members/pg0', pg0.key())
    await put('members/pg1', '{"conn_url":"postgres://192.0.2.1:1/"}')
    const locals = ['pg0', 'pg1', 'PG0.shop.test', '${HOSTNAME}'].map((name) => ({ name, isTracked: false }))
    locals.push({ name: 'pg1', isTracked: true })
    const config = clusterConfig(etcd.hosts, { trust: 'dcs' })
    const findings = (await checkOnline(config, NEVER, { locals })).filter(({ subject }) => subject.startsWith('local'))
    assert.deepEqual(
      findings.map(({ ok, isDoubtful = false }) => [ok, isDoubtful]),
      [
        [true, false],
        [true, true],
        [false, false],
        [false, false],
        [false, false],
      ],
      'an address may not follow a member of another host',
    )
    assert.match(
      findings[1]?.message ?? '',
      /^pg1 is not on this host: it is at 192\.0\.2\.1, which is not an address of this host/,
    )
    assert.match(findings[2]?.message ?? '', /^no member is called PG0\.shop\.test: did you mean "pg0"\?/)
    assert.match(findings[3]?.message ?? '', /^no member is called \$\{HOSTNAME\}: the members are pg0, pg1/)
  })

  test('finds a member that is no replica now in order all the same, and says why', async () => {
    await using pg0 = await FakeMember.start('pg0', 'primary')
    await put('members/pg0', pg0.key())
    assert.match((await check())[1] ?? '', /^ok pg0: REST API .*: it runs as a primary/)
  })

  test('asks every endpoint that is written down, wherever the dead ones stand', async () => {
    const [one, two] = [await freePort(), await freePort()]
    const refused = await check([`127.0.0.1:${one}`, `127.0.0.1:${two}`])
    assert.equal(refused.length, 2)
    assert.match(
      refused.join('\n'),
      new RegExp(`^NO DCS at 127.0.0.1:${one}: .*ECONNREFUSED.*\nNO DCS at 127.0.0.1:${two}: .*ECONNREFUSED`),
    )
    await put('initialize', SYSTEM_ID)
    const lines = await check([`127.0.0.1:${one}`, ...etcd.hosts, `127.0.0.1:${two}`])
    assert.equal(lines.length, 3, lines.join('\n'))
    assert.match(lines[0] ?? '', new RegExp(`^NO DCS at 127.0.0.1:${one}: .*ECONNREFUSED`))
    assert.match(lines[1] ?? '', /^NO DCS at .*: the cluster has no members \(leader none\)$/)
    assert.match(lines[2] ?? '', new RegExp(`^NO DCS at 127.0.0.1:${two}: .*ECONNREFUSED`))
  })

  test('finds several endpoints of one etcd cluster in order, and those of another one not', async () => {
    await using three = await EtcdCluster.start({ members: 3 })
    await three.client.put('/service/demo/initialize', SYSTEM_ID)
    const [one = '', two = '', last = ''] = three.hosts
    const lines = await check([one, ...etcd.hosts, two, last])
    assert.deepEqual(
      lines.map((line) => line.slice(0, 2)),
      ['NO', 'NO', 'ok', 'ok'],
    )
    assert.match(lines[0] ?? '', /: the cluster has no members \(leader none\)$/)
    assert.match(lines[1] ?? '', /it belongs to another etcd cluster \(ID \w+\) than 127\.0\.0\.1:\d+ \(ID \w+\)$/)
    assert.match(lines[3] ?? '', /: answers, and belongs to the same etcd cluster$/)
  })

  test('finds an advertised client URL that leads to another etcd cluster', async () => {
    await using other = await EtcdCluster.start({ args: ['--advertise-client-urls', etcd.endpoints.join(',')] })
    await other.client.put('/service/demo/initialize', SYSTEM_ID)
    const config = clusterConfig(other.hosts)
    assert.ok(isEtcd3(config.dcs))
    const dcs = { ...config.dcs, useProxies: false }
    const findings = await checkOnline({ ...config, dcs }, NEVER)
    assert.deepEqual(
      findings.map(({ ok }) => ok),
      [false, false],
    )
    assert.match(findings[0]?.message ?? '', /^the cluster has no members/)
    assert.match(findings[1]?.subject ?? '', new RegExp(`^DCS at ${etcd.hosts[0] ?? ''}$`))
    assert.match(findings[1]?.message ?? '', /of another etcd cluster \(ID \w+\): correct --advertise-client-urls$/)
  })

  test('finds no cluster where there is none, and says which ones there are', async () => {
    assert.match((await check()).join('\n'), /^NO DCS at .*: this etcd has no keys of any Patroni cluster: .*$/)
    await etcd.client.put('/service/demos/initialize', SYSTEM_ID)
    assert.match((await check()).join('\n'), /^NO DCS at .*: .* no cluster "demo" below .*: did you mean "demos"\?/)
  })

  test('doubts a Citus group that no configured cluster follows, and says so once', async () => {
    const groups = [0, 1].map((citusGroup) => ({ ...clusterConfig(etcd.hosts), name: `g${citusGroup}`, citusGroup }))
    for (const group of [0, 1, 2, 7]) await put(`${group}/initialize`, SYSTEM_ID)
    await put('config', '{}')
    const doubts = async (clusters = groups): Promise<string[]> => {
      const each = clusters.map((cluster) => checkOnline(cluster, NEVER, { clusters }))
      const findings = (await Promise.all(each)).flat().filter(({ isDoubtful }) => isDoubtful)
      assert.ok(findings.every(({ ok }) => ok))
      return findings.map(({ message }) => message)
    }
    assert.deepEqual(await doubts(), [
      'Citus group 2 of scope demo is in the DCS, and no configured cluster follows it',
      'Citus group 7 of scope demo is in the DCS, and no configured cluster follows it',
    ])
    // A patroni.yml is of one group.
    assert.deepEqual(await doubts(groups.slice(0, 1).map((group) => ({ ...group, name: group.scope }))), [])
  })

  test('queries every source of rest, and reports which is unusable though another one does', async () => {
    await using pg0 = await FakeMember.start('pg0', 'primary')
    await using pg1 = await FakeMember.start('pg1', 'replica')
    await using other = await FakeMember.start('pg9', 'primary')
    other.scope = 'other'
    for (const member of [pg0, pg1, other]) member.cluster = { members: [pg0.entry('leader'), pg1.entry('replica')] }
    const dead = `http://127.0.0.1:${await freePort()}`
    const ofSources = async (urls: readonly string[]): Promise<string[]> => {
      const dcs = { kind: 'rest', urls }
      const findings = await checkOnline({ ...clusterConfig([]), dcs }, NEVER)
      return findings.map(({ subject, ok, message }) => `${ok ? 'ok' : 'NO'} ${subject}: ${message}`)
    }
    const lines = await ofSources([pg0.url, dead, other.url, pg1.url])
    assert.equal(lines.length, 8, lines.join('\n'))
    assert.equal(lines[0], `ok DCS at ${pg0.url}: 2 members, leader pg0`)
    assert.match(lines[1] ?? '', new RegExp(`^NO DCS at ${dead}: .*ECONNREFUSED`))
    assert.match(lines[2] ?? '', new RegExp(`^NO DCS at ${other.url}: it belongs to another cluster`))
    assert.equal(lines[3], `ok DCS at ${pg1.url}: 2 members, leader pg0`)
    assert.match(lines[4] ?? '', /^ok pg0: REST API/)
    const silent = await ofSources([dead])
    assert.equal(silent.length, 1, silent.join('\n'))
  })

  test('is given up', async () => {
    await using pg0 = await FakeMember.start('pg0', 'hung')
    await put('members/pg0', pg0.key())
    const controller = new AbortController()
    const checking = checkOnline(clusterConfig(etcd.hosts), controller.signal)
    setTimeout(() => controller.abort(), 100)
    await assert.rejects(checking, { name: 'AbortError' })
    await assert.rejects(checkOnline(clusterConfig(etcd.hosts), controller.signal), { name: 'AbortError' })
  })
})
