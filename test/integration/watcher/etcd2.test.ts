/** The observation of a real etcd over API v2 through everything that happens to one. */
import assert from 'node:assert/strict'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { EtcdV2Cluster } from '../../support/etcd/v2-cluster.ts'
import { Relay } from '../../support/net/relay.ts'
import { until } from '../../support/until.ts'
import { Etcd2Observer } from './etcd2-observer.ts'

const SCOPE = '/service/demo'
const LEADER = `${SCOPE}/leader`
/** No read within a test: what is told comes from the watch. */
const RARELY = 60_000
const member = (port: number): string => JSON.stringify({ conn_url: `postgres://127.0.0.1:${port}/postgres` })
const sockets = (): number => process.getActiveResourcesInfo().filter((kind) => /TCP|Pipe|Timeout/.test(kind)).length
const hostOf = ({ port }: Relay): string => `127.0.0.1:${port}`

describe('one etcd over API v2', () => {
  let etcd: EtcdV2Cluster
  before(async () => (etcd = await EtcdV2Cluster.start()))
  after(async () => etcd.close())
  beforeEach(async () => {
    for (const directory of ['/service', '/elsewhere']) await etcd.client.delete(directory, { recursive: true })
  })

  /** Sets so many values below a directory, a hundred at a time. */
  async function fill(directory: string, count: number): Promise<void> {
    for (let from = 0; from < count; from += 100)
      await Promise.all(
        Array.from({ length: 100 }, (_, index) => etcd.client.set(`${directory}/k${index}`, member(from + index + 1))),
      )
  }

  test('is reported as it is: leader, members, configuration', async () => {
    await etcd.client.set(LEADER, 'pg0')
    await etcd.client.set(`${SCOPE}/members/pg0`, member(5432))
    await etcd.client.set(`${SCOPE}/config`, '{"ttl":20,"pause":true}')
    await etcd.client.set(`${SCOPE}/initialize`, '7268616322854375442')
    await using observer = new Etcd2Observer({ endpoints: etcd.hosts })
    await observer.leader('pg0')
    const { members, paused, systemId, ttlMs } = observer.cluster
    assert.deepEqual(
      [members.map(({ name }) => name), paused, systemId, ttlMs],
      [['pg0'], true, '7268616322854375442', 20_000],
    )
  })

  test('shows another scope, or a group of Citus, never', async () => {
    const strange = ['demo2', 'dem', 'demo-', 'demo/0', 'demo0', 'demo/members/pg0']
    for (const scope of strange) await etcd.client.set(`/service/${scope}/leader`, 'stranger')
    await using observer = new Etcd2Observer({ endpoints: etcd.hosts, intervalMs: RARELY })
    await observer.leader(null)
    for (const scope of strange) await etcd.client.set(`/service/${scope}/leader`, 'stranger2')
    await etcd.client.set(LEADER, 'pg0')
    await observer.leader('pg0')
    assert.deepEqual(observer.leaders, [null, 'pg0'])
    assert.deepEqual(observer.cluster.members, [])
    await using group = new Etcd2Observer({ endpoints: etcd.hosts, prefix: `${SCOPE}/0/` })
    await group.leader('stranger2')
  })

  test('tells each leader in the order in which they were written', async () => {
    await using observer = new Etcd2Observer({ endpoints: etcd.hosts, intervalMs: RARELY })
    await observer.leader(null)
    const names = Array.from({ length: 50 }, (_, index) => `pg${index}`)
    for (const name of names) await etcd.client.set(LEADER, name)
    await observer.leader('pg49')
    assert.deepEqual(observer.leaders, [null, ...names])
    assert.deepEqual(observer.reasons, [])
  })

  for (const [whose, directory] of [
    ['others', '/elsewhere'],
    ['ours', `${SCOPE}/members`],
  ] as const) {
    test(`with 2,000 writes in a row, of keys that are ${whose}, is observed on`, async () => {
      await using observer = new Etcd2Observer({ endpoints: etcd.hosts, intervalMs: RARELY })
      await observer.leader(null)
      await fill(directory, 2000)
      await etcd.client.set(LEADER, 'pg1')
      await observer.leader('pg1')
      assert.deepEqual(observer.reasons, [])
      assert.deepEqual(observer.leaders, [null, 'pg1'])
    })

    test(`that no longer has the events since the watch was cut, of keys that are ${whose}, is listed, and not lost`, async () => {
      await etcd.client.set(LEADER, 'pg0')
      const relay = await Relay.start(etcd.server.port)
      const endpoints = [hostOf(relay)]
      await using observer = new Etcd2Observer({ endpoints, intervalMs: RARELY, timeoutMs: 20_000 })
      await observer.leader('pg0')
      const next = (await etcd.client.set(LEADER, 'pg1')) + 1
      await observer.leader('pg1')
      relay.hang()
      // etcd keeps 1000.
      await fill(directory, 1100)
      await etcd.client.set(LEADER, 'pg2')
      const cleared = await fetch(`${etcd.server.endpoint}/v2/keys${SCOPE}?wait=true&waitIndex=${next}`)
      assert.match(await cleared.text(), /"errorCode":401/)
      relay.resume()
      await observer.leader('pg2')
      assert.equal(observer.cluster.members.length, whose === 'ours' ? 100 : 0)
      // It goes on from there.
      await etcd.client.set(LEADER, 'pg3')
      await observer.leader('pg3')
      assert.deepEqual(observer.leaders, ['pg0', 'pg1', 'pg2', 'pg3'])
      assert.deepEqual(observer.reasons, [])
      await observer.stop()
      await relay.close()
    })
  }

  test('keeps the session of a lock that is written again, and reports another one when it is taken again', async () => {
    await etcd.client.set(LEADER, 'pg0', { ttl: 30 })
    await using observer = new Etcd2Observer({ endpoints: etcd.hosts, intervalMs: RARELY })
    await observer.leader('pg0')
    const first = observer.cluster
    await etcd.client.set(LEADER, 'pg0', { ttl: 30, prevValue: 'pg0' })
    await etcd.client.set(`${SCOPE}/config`, '{"ttl":5}')
    await until('what follows is told', () => observer.cluster.ttlMs === 5000)
    assert.equal(observer.cluster.leader?.session, first.leader?.session)
    await etcd.client.delete(LEADER)
    await etcd.client.set(LEADER, 'pg0', { ttl: 1 })
    await until('it is another session', () => {
      const { leader } = observer.cluster
      return leader !== null && leader.session !== first.leader?.session
    })
    // Nobody renews it.
    await observer.leader(null, observer.seen.length - 1)
    assert.deepEqual(observer.leaders, ['pg0', null, 'pg0', null])
  })

  for (const [what, path] of [
    ['the scope is', SCOPE],
    ['the namespace is', '/service'],
  ] as const)
    test(`tells at once that everything is gone when ${what} deleted, and what is written there again`, async () => {
      await etcd.client.set(LEADER, 'pg0')
      await etcd.client.set(`${SCOPE}/members/pg0`, member(5432))
      await using observer = new Etcd2Observer({ endpoints: etcd.hosts, intervalMs: RARELY })
      await observer.leader('pg0')
      await etcd.client.delete(path, { recursive: true })
      await observer.leader(null)
      assert.deepEqual(observer.cluster.members, [])
      await etcd.client.set(LEADER, 'pg1')
      await observer.leader('pg1')
      assert.deepEqual(observer.reasons, [])
    })

  test('tells that a key is gone whose place a directory has taken', async () => {
    await etcd.client.set(LEADER, 'pg0')
    await using observer = new Etcd2Observer({ endpoints: etcd.hosts, intervalMs: RARELY })
    await observer.leader('pg0')
    const body = new URLSearchParams({ dir: 'true' })
    const made = await fetch(`${etcd.server.endpoint}/v2/keys${LEADER}`, { method: 'PUT', body })
    assert.match(await made.text(), /"action":"set".*"dir":true/)
    await observer.leader(null)
  })

  test('is lost within an interval and the time of a read when nothing gets through, though no key changes', async () => {
    await etcd.client.set(LEADER, 'pg0')
    const relay = await Relay.start(etcd.server.port)
    await using observer = new Etcd2Observer({ endpoints: [hostOf(relay)], intervalMs: 300, timeoutMs: 500 })
    await observer.leader('pg0')
    await until('some reads have confirmed it', () => observer.snapshots.length > 2)
    relay.hang()
    const since = performance.now()
    const lost = await observer.until('it is lost', ({ type }) => type === 'lost')
    assert.ok(lost.at - since < 300 + 500 + 500, `${lost.at - since} ms`)
    assert.equal(observer.reasons[0], `etcd at ${hostOf(relay)} cannot be read: no answer within 500 ms`)
    relay.resume()
    await observer.leader('pg0', observer.seen.length)
    await observer.stop()
    await relay.close()
  })

  test('loses no event to connections that are cut all the time', async () => {
    const relay = await Relay.start(etcd.server.port)
    await using observer = new Etcd2Observer({ endpoints: [hostOf(relay)], intervalMs: 100 })
    await until('it is read', () => observer.snapshots.length > 0)
    const stop = new AbortController()
    let written = 0
    const writing = (async () => {
      while (!stop.signal.aborted) {
        written++
        await etcd.client.set(LEADER, `pg${written}`)
        await etcd.client.set(`${SCOPE}/members/pg${written % 5}`, member(10_000 + (written % 1000)))
        if (written % 7 === 0) await etcd.client.delete(`${SCOPE}/members/pg${(written + 2) % 5}`)
      }
    })()
    try {
      for (let cut = 0; cut < 30; cut++) {
        await sleep(Math.random() * 50)
        relay.resume()
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
    await using fresh = new Etcd2Observer({ endpoints: etcd.hosts })
    await fresh.leader(`pg${written}`)
    // Its member may have been written after it.
    await until('both show the same', () => isDeepStrictEqual(observer.cluster, fresh.cluster))
    await observer.stop()
    await relay.close()
  })

  test('is left at once and leaves nothing open', async () => {
    const open = sockets()
    const observer = new Etcd2Observer({ endpoints: etcd.hosts, useProxies: false })
    await observer.leader(null)
    const since = performance.now()
    await observer.stop()
    assert.ok(performance.now() - since < 200)
    await until('nothing is open', () => sockets() <= open, { timeoutMs: 3000 })
  })
})

test('an etcd that is restored from a backup, or wiped, is reported as restored, and not after a restart', async () => {
  const etcd = await EtcdV2Cluster.start()
  const { server, client } = etcd
  const data = join(etcd.etcd.path, server.name, 'data')
  const backup = join(etcd.etcd.path, 'backup')
  await client.set(LEADER, 'pg0')
  await server.stop()
  cpSync(data, backup, { recursive: true })
  await server.start()
  for (const name of ['pg1', 'pg2', 'pg3']) await client.set(LEADER, name)
  await using observer = new Etcd2Observer({ endpoints: etcd.hosts })
  await observer.leader('pg3')

  const from = observer.seen.length
  await server.stop()
  await observer.until('it was lost', ({ type }) => type === 'lost', { from })
  await server.start()
  await observer.leader('pg3', observer.seen.length)
  assert.ok(observer.snapshots.every(({ restored }) => !restored))

  await server.stop()
  rmSync(data, { recursive: true })
  cpSync(backup, data, { recursive: true })
  const restored = observer.seen.length
  await server.start()
  const back = await observer.leader('pg0', restored)
  assert.ok(back.type === 'snapshot' && back.restored)

  await server.stop()
  rmSync(data, { recursive: true })
  const wiped = observer.seen.length
  await server.start()
  const empty = await observer.leader(null, wiped)
  assert.ok(empty.type === 'snapshot' && empty.restored)
  await observer.stop()
  await etcd.close()
})
