/** The watcher on a real etcd whose keys the test writes, with members that answer as it wants. */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Lookups } from '../../../src/names/lookups.ts'
import { RestClient } from '../../../src/watcher/checks/rest-client.ts'
import { createDcs } from '../../../src/watcher/dcs/create.ts'
import type { Dcs } from '../../../src/watcher/dcs/dcs.ts'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import { freePort } from '../../support/net/ports.ts'
import { until } from '../../support/until.ts'
import { FakeMember, SYSTEM_ID } from './fake-member.ts'
import { clusterConfig, Watched } from './watched.ts'

const KEY = '/service/demo/'

describe('the watcher', () => {
  let etcd: EtcdCluster
  let pg0: FakeMember
  let pg1: FakeMember
  let watched: Watched

  const put = (key: string, value: string): Promise<number> => etcd.client.put(`${KEY}${key}`, value)
  const del = (key: string): Promise<number> => etcd.client.delete(`${KEY}${key}`)
  const fits = (name: string): boolean => watched.member(name).replica.fit

  before(async () => (etcd = await EtcdCluster.start()))
  after(async () => etcd.close())

  /** pg0 leads and is open, pg1 is a fit replica. */
  beforeEach(async () => {
    await etcd.client.deletePrefix('/')
    pg0 = await FakeMember.start('pg0', 'primary')
    pg1 = await FakeMember.start('pg1', 'replica')
    await put('initialize', SYSTEM_ID)
    await put('config', '{"ttl":20}')
    await put('members/pg0', pg0.key())
    await put('members/pg1', pg1.key())
    await put('leader', 'pg0')
    watched = new Watched(etcd.hosts)
    await watched.until('open pg0')
    await until('pg1 is fit', () => fits('pg1'))
  })
  afterEach(async () => {
    await watched.watcher.close()
    await pg0[Symbol.asyncDispose]()
    await pg1[Symbol.asyncDispose]()
  })

  test('shows the named leader and the open member, from the DCS to the replica', () => {
    const { view } = watched
    assert.deepEqual([view.scope, view.leader, view.systemId, view.dcs.state], ['demo', 'pg0', SYSTEM_ID, 'up'])
    assert.deepEqual(view.primary.address, { host: '127.0.0.1', port: pg0.port })
    assert.deepEqual(
      view.members.map(({ name, gone, replica }) => [name, gone, replica.fit, replica.reason]),
      [
        ['pg0', false, false, 'the leader'],
        ['pg1', false, true, ''],
      ],
    )
    assert.deepEqual(structuredClone(view), view)
    const lines = watched.messages().toSorted()
    assert.equal(lines.length, 5, lines.join('\n'))
    assert.match(
      lines.join('\n'),
      /^DCS: reading .*\nleader is pg0\nprimary: checking pg0, .*\nprimary: pg0 OPEN: .*\nreplica pg1 is available for reads$/,
    )
  })

  test('fences the old leader with the event, and opens the next one with its proof and not before', async () => {
    pg0.mode = 'replica'
    pg1.mode = 'promoting'
    const { epoch } = watched.view.primary
    const from = watched.views.length
    await put('leader', 'pg1')
    await watched.until('promoting pg1')
    assert.ok(watched.view.primary.epoch > epoch)
    await until('it is asked often', () => pg1.asked.filter((path) => path === '/primary').length > 3)
    assert.equal(watched.primary, 'promoting pg1')
    pg1.mode = 'primary'
    const proved = performance.now()
    await watched.until('open pg1')
    assert.ok(performance.now() - proved < 200, `${performance.now() - proved} ms`)
    assert.deepEqual(watched.states(from), ['unconfirmed pg1', 'promoting pg1', 'open pg1'])
  })

  test('offers a demoted leader as a replica only after it has said that it is one', async () => {
    await until('pg0 was a replica once', async () => {
      await put('leader', 'pg1')
      pg0.mode = 'replica'
      return watched.view.leader === 'pg1' && fits('pg0')
    })
    pg0.mode = 'primary'
    await put('leader', 'pg0')
    await watched.until('open pg0')
    pg0.mode = 'hung'
    pg1.mode = 'primary'
    const from = watched.views.length
    const asked = pg0.asked.length
    await put('leader', 'pg1')
    await watched.until('open pg1')
    await until('it has been asked in vain', () => pg0.asked.length >= asked + 2)
    const offered = watched.views
      .slice(from)
      .filter(({ members }) => members.some(({ name, replica }) => name === 'pg0' && replica.fit))
    assert.equal(offered.length, 0)
    pg0.mode = 'replica'
    await until('pg0 is a replica', () => fits('pg0'))
  })

  test('ignores an answer to a question about another lock', async () => {
    pg0.delayMs = 200
    const from = watched.views.length
    await etcd.client.delete(`${KEY}leader`)
    await put('leader', 'pg0')
    await until('it is asked anew', () => watched.views.length > from)
    const asked = pg0.asked.length
    await until('the answer is under way', () => pg0.asked.length > asked)
    pg0.mode = 'replica'
    await etcd.client.delete(`${KEY}leader`)
    await put('leader', 'pg0')
    await watched.until('unconfirmed pg0')
    const since = watched.views.length
    const askedAgain = pg0.asked.length
    await until('later questions are answered', () => pg0.asked.length >= askedAgain + 3)
    assert.ok(!watched.states(since).includes('open pg0'), watched.states(since).join())
  })

  test('fences and asks a leader that moves to another address', async () => {
    const moved = await FakeMember.start('pg0', 'promoting')
    const { epoch } = watched.view.primary
    await put('members/pg0', moved.key())
    await until('it is fenced', () => watched.view.primary.epoch > epoch)
    assert.notEqual(watched.primary, 'open pg0')
    moved.mode = 'primary'
    const { primary } = await watched.until('open pg0')
    assert.deepEqual(primary.address, { host: '127.0.0.1', port: moved.port })
    await moved[Symbol.asyncDispose]()
  })

  test('takes a failed dial as an observation, if it was made to the address that counts', async () => {
    const { basis } = watched.view.primary
    const failed = { member: 'pg0', basis, reason: 'refused', startedAt: Date.now() }
    const from = watched.views.length
    watched.watcher.dialFailed({ ...failed, address: { host: '127.0.0.1', port: pg1.port } })
    watched.watcher.dialFailed({ ...failed, address: { host: '127.0.0.2', port: pg0.port } })
    watched.watcher.dialFailed({ ...failed, member: 'nobody', address: { host: '127.0.0.1', port: 1 } })
    watched.watcher.dialFailed({ ...failed, basis: 'an old one', address: { host: '127.0.0.1', port: pg0.port } })
    assert.deepEqual(
      watched.states(from).filter((state) => state !== 'open pg0'),
      [],
    )
    watched.watcher.dialFailed({ ...failed, address: { host: '127.0.0.1', port: pg0.port } })
    assert.equal(watched.primary, 'unreachable pg0')
    await watched.until('open pg0')
  })

  test('takes a replica whose dial failed out, and back when its Postgres answers', async () => {
    const { port } = pg1
    await pg1.refuse()
    watched.watcher.dialFailed({
      member: 'pg1',
      basis: null,
      address: { host: '127.0.0.1', port },
      reason: 'refused',
      startedAt: 0,
    })
    assert.deepEqual([fits('pg1'), watched.member('pg1').replica.reason], [false, 'refused'])
    await until('it was probed', () => watched.member('pg1').replica.reason.includes('ECONNREFUSED'))
    const back = await FakeMember.start('pg1', 'replica')
    await put('members/pg1', back.key())
    await until('it is fit', () => fits('pg1'))
    await back[Symbol.asyncDispose]()
  })

  test('keeps the address of a leader whose keys have gone, and checks it', async () => {
    const lease = await etcd.client.grant(60)
    await etcd.client.put(`${KEY}members/pg0`, pg0.key(), lease)
    await etcd.client.put(`${KEY}leader`, 'pg0', lease)
    const { epoch } = watched.view.primary
    await etcd.client.revoke(lease)
    const { primary } = await watched.until('unlocked pg0')
    assert.deepEqual([primary.address?.port, primary.epoch], [pg0.port, epoch])
    assert.equal(watched.member('pg0').gone, true)
    pg0.mode = 'replica'
    await watched.until('none')
  })

  test('ignores what it does not understand, once, and continues', async () => {
    const from = watched.logged.length
    await put('members/pg2', '{"conn_url":"postgres://user:s3cret@host:99999/"')
    await put('members/pg3\u001b[2J', pg1.key())
    await until('they are ignored', () => watched.view.ignoredKeys.length === 2)
    await put('members/pg2', '{"conn_url":"postgres://user:s3cret@host:99999/"}')
    await until('the reason is another', () => watched.messages(from).length === 3)
    assert.equal(watched.primary, 'open pg0')
    await del('members/pg2')
    await until('it is over', () => watched.view.ignoredKeys.length === 1)
    const lines = watched.messages(from).map((line) => line.replace(/\ufffd/g, '?'))
    assert.deepEqual(lines, [
      'members/pg2 ignored: the value is not a JSON object',
      'members/pg3?[2J ignored: not a member name',
      'members/pg2 ignored: conn_url has a port out of range',
      'members/pg2 no longer ignored',
    ])
  })

  test('never shows the password of a URL', async () => {
    const url = `postgres://user:s3cret@127.0.0.1:${pg1.port}/postgres`
    await put('members/pg1', pg1.key({ conn_url: url, api_url: 'http://admin:s3cret@127.0.0.1:1/patroni' }))
    await until('its API is out of reach', () => /cannot be reached/.test(watched.member('pg1').replica.reason))
    await put('members/pg2', pg1.key({ conn_url: 'postgres://user:s3cret@' }))
    await until('pg2 is ignored', () => watched.view.ignoredKeys.length > 0)
    const told = JSON.stringify(watched.views) + watched.logged.join('')
    assert.doesNotMatch(told, /s3cret|admin/)
  })

  test('logs nothing of positions that move, of leases, and of answers that stay as they are', async () => {
    const from = watched.logged.length
    const until2s = performance.now() + 2000
    for (let round = 0; performance.now() < until2s; round++) {
      await put('members/pg0', pg0.key({ role: 'primary', xlog_location: round }))
      await put('members/pg1', pg1.key({ xlog_location: round, replay_lsn: round }))
      await put('status', `{"optime":${round}}`)
      if (round % 5 === 0) await etcd.client.put(`${KEY}leader`, 'pg0', await etcd.client.grant(60))
      await sleep(10)
    }
    assert.deepEqual(watched.messages(from), [])
    assert.equal(watched.primary, 'open pg0')
  })

  test('tells once that the DCS is lost, though that lasts, and once that it is back', async () => {
    const from = watched.logged.length
    await etcd.server.kill()
    await watched.until('unlocked pg0')
    const asked = (): number => pg0.asked.length + pg1.asked.length
    const before = asked()
    await until('it is tried again and again', () => asked() > before + 15)
    assert.equal(watched.view.dcs.state, 'lost')
    const { dcsErrors, members } = watched.watcher.counts
    assert.ok(dcsErrors > 0)
    // Without a lock a replica is queried for both, and denies to be the primary: that is no failure.
    assert.ok(pg1.asked.includes('/primary'))
    assert.deepEqual(
      members.map(({ member, failed, last }) => [member, failed, last?.outcome]),
      [
        ['pg0', 0, 'passed'],
        ['pg1', 0, 'passed'],
      ],
    )
    await etcd.server.start()
    await watched.until('open pg0')
    const lines = watched.messages(from)
    assert.equal(lines.length, 4, lines.join('\n'))
    assert.match(lines.join('\n'), /^DCS lost: etcd at /)
    assert.match(lines[2] ?? '', /^DCS: reading /)
    assert.equal(new Set(watched.views.map(({ primary }) => primary.epoch)).size, 2)
  })

  test('counts the checks of each member by result, and how often the primary changes', async () => {
    assert.equal(watched.watcher.counts.primaryChanges, 0)
    pg0.mode = 'replica'
    pg1.mode = 'primary'
    await put('leader', 'pg1')
    await watched.until('open pg1')
    const counted = () => watched.watcher.counts.members.find(({ member }) => member === 'pg0')
    await until('pg0 has been checked as a replica', () => counted()?.last?.outcome === 'passed' && fits('pg0'))
    const { at = 0, tookMs = -1, httpStatus } = counted()?.last ?? {}
    assert.ok(Math.abs(Date.now() - at) < 10_000 && tookMs > 0 && httpStatus === 200)
    const before = counted()
    await pg0[Symbol.asyncDispose]()
    await until('its checks fail', () => (counted()?.failed ?? 0) > (before?.failed ?? 0))
    assert.deepEqual([counted()?.last?.outcome, counted()?.last?.httpStatus], ['refused', null])
    assert.match(counted()?.last?.reason ?? '', /ECONNREFUSED/)
    const { primaryChanges, checkDurations, members } = watched.watcher.counts
    assert.equal(primaryChanges, 1)
    const all = members.reduce((sum, { passed, failed }) => sum + passed + failed, 0)
    assert.equal(
      checkDurations.counts.reduce((sum, count) => sum + count, 0),
      all,
    )
    assert.ok(checkDurations.sum > 0)
  })

  test('publishes each view synchronously to its subscribers only', async () => {
    let calls = 0
    let isPresent = true
    const change = (round: number): Promise<unknown> => put('members/pg1', pg1.key({ tags: { round } }))
    const end = watched.watcher.subscribe('test', (view) => {
      calls++
      isPresent &&= view === watched.watcher.view
    })
    await change(0)
    await until('it is called', () => calls > 0)
    end()
    const before = calls
    for (const round of [1, 2, 3]) {
      const { length } = watched.views
      await change(round)
      await until('others are called', () => watched.views.length > length)
    }
    assert.deepEqual([calls, isPresent], [before, true])
  })

  test('ends at once and leaves nothing, whatever is under way', async () => {
    // Whose time a timer waits for.
    const scheduled_at = new Date(Date.now() + 3_600_000).toISOString()
    await put('failover', JSON.stringify({ leader: 'pg0', member: 'pg1', scheduled_at }))
    await until('the failover key is seen', () => watched.view.switchover !== null)
    pg0.mode = 'hung'
    pg1.mode = 'hung'
    const asked = pg0.asked.length
    await until('a question hangs', () => pg0.asked.length > asked)
    const since = performance.now()
    await watched.watcher.close()
    await watched.watcher.close()
    assert.ok(performance.now() - since < 200, `${performance.now() - since} ms`)
    const { length } = watched.views
    watched.watcher.dialFailed({
      member: 'pg1',
      basis: null,
      address: { host: '127.0.0.1', port: pg1.port },
      reason: '',
      startedAt: 0,
    })
    await pg0[Symbol.asyncDispose]()
    await pg1[Symbol.asyncDispose]()
    const open = (): string[] => process.getActiveResourcesInfo().filter((kind) => /TCP|Timeout/.test(kind))
    await until('nothing is open', () => open().length <= 0 || Promise.reject(new Error(open().join())), {
      timeoutMs: 3000,
    })
    assert.equal(watched.views.length, length)
  })
})

test('a watcher without a DCS waits for it, says so once, and ends at once', async () => {
  const port = await freePort()
  const config = clusterConfig([`127.0.0.1:${port}`])
  const rest = new RestClient(config.restApi, config.proxy.check.timeoutMs, new Lookups())
  const dcs = createDcs(config, rest)
  let attempts = 0
  const counting: Dcs = {
    ...dcs,
    async *observe(signal) {
      for await (const observation of dcs.observe(signal)) {
        attempts++
        yield observation
      }
    },
  }
  const watched = new Watched([], { rest, dcs: counting })
  await until('it has tried often', () => attempts > 4)
  assert.deepEqual([watched.view.dcs.state, watched.primary], ['never', 'none'])
  assert.equal(watched.messages().length, 1)
  assert.match(
    watched.messages()[0] ?? '',
    new RegExp(`^DCS not reached yet: etcd at 127.0.0.1:${port} cannot be read: .*ECONNREFUSED`),
  )
  await watched.watcher.close()
})

test('a watcher that was never started closes', async () => {
  const watched = new Watched(['127.0.0.1:1'], { started: false })
  await watched.watcher.close()
  assert.deepEqual([watched.views, watched.logged], [[], []])
})
