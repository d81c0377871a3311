/** What etcd does in rare moments: an etcd of our own that does it on demand. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { until } from '../../support/until.ts'
import { Observer } from './observer.ts'
import { ScriptedEtcd } from './scripted-etcd.ts'

const LEADER = '/service/demo/leader'

describe('an etcd session', () => {
  test('watches from the revision after the list', async () => {
    await using etcd = await ScriptedEtcd.start()
    etcd.revision = 41
    await using observer = new Observer({ endpoints: [etcd.endpoint] })
    await observer.leader(null)
    assert.deepEqual(
      etcd.watches.map(({ from }) => from),
      [42],
    )
  })

  test('watches events of its own prefix only, and reports leaders in the order of their events', async () => {
    await using etcd = await ScriptedEtcd.start()
    etcd.keys = [
      { key: '/service/demo2/leader', value: 'stranger', mod: 3 },
      { key: LEADER, value: 'pg0', mod: 4 },
    ]
    await using observer = new Observer({ endpoints: [etcd.endpoint], intervalMs: 60_000 })
    await observer.leader('pg0')
    etcd.tell({ key: LEADER, value: 'pg0', mod: 11, type: 'Delete' })
    etcd.tell({ key: LEADER, value: 'pg1', mod: 12 })
    etcd.tell({ key: LEADER, value: 'pg2', mod: 13, create: 12 })
    await observer.leader('pg2')
    assert.deepEqual(observer.leaders, ['pg0', null, 'pg1', 'pg2'])
    // '0' follows '/'.
    assert.deepEqual(etcd.ranges, ['/service/demo/ /service/demo0'])
  })

  test("reports members' keys that arrive together as one, and the leader that follows them", async () => {
    await using etcd = await ScriptedEtcd.start()
    etcd.keys = [{ key: LEADER, value: 'pg0', mod: 4 }]
    await using observer = new Observer({ endpoints: [etcd.endpoint], intervalMs: 60_000 })
    await observer.leader('pg0')
    const [count, from] = [500, observer.seen.length]
    for (let member = 0; member < count; member++)
      etcd.tell({ key: `/service/demo/members/pg${member}`, value: '{}', mod: 11 + member })
    etcd.tell({ key: LEADER, value: 'pg1', mod: 11 + count })
    await observer.leader('pg1', from)
    assert.equal(observer.cluster.members.length, count)
    const observations = observer.seen.length - from
    assert.ok(observations < count / 2, `${observations} observations of ${count} keys`)
  })

  test('goes to etcd itself, not to an http_proxy of the environment', async (context) => {
    await using etcd = await ScriptedEtcd.start()
    process.env['http_proxy'] = 'http://127.0.0.1:1'
    context.after(() => delete process.env['http_proxy'])
    await using observer = new Observer({ endpoints: [etcd.endpoint] })
    await observer.leader(null)
    assert.equal(observer.losses.length, 0)
  })

  test('lists and watches again after a compaction has cancelled its watch', async () => {
    await using etcd = await ScriptedEtcd.start()
    await using observer = new Observer({ endpoints: [etcd.endpoint] })
    await observer.leader(null)
    etcd.revision = 50
    etcd.keys = [{ key: LEADER, value: 'pg1', mod: 49 }]
    etcd.send({ canceled: true, compact_revision: '45', cancel_reason: 'required revision has been compacted' })
    await observer.leader('pg1')
    assert.match(String(observer.losses[0]?.error.message), /cancelled the watch.*compacted up to 45/)
    assert.equal(etcd.watches.at(-1)?.from, 51)
  })

  test('lists and watches again when etcd ends the stream of the watch', async () => {
    await using etcd = await ScriptedEtcd.start()
    await using observer = new Observer({ endpoints: [etcd.endpoint] })
    await observer.leader(null)
    etcd.keys = [{ key: LEADER, value: 'pg1', mod: 9 }]
    etcd.watches[0]?.stream.end()
    await observer.leader('pg1')
    assert.equal(etcd.lists, 2)
  })

  test('continues while users change several times in a row, and is not queried for ever', async () => {
    await using etcd = await ScriptedEtcd.start()
    const access = { auth: { username: 'router', password: 'x' } }
    await using observer = new Observer({ endpoints: [etcd.endpoint], access, intervalMs: 50 })
    await observer.leader(null)
    etcd.outdated = 3
    await until('it has a token that is good', () => etcd.tokens === 4)
    const { reads } = etcd
    await until('it is read again', () => etcd.reads > reads + 1)
    assert.deepEqual(observer.losses, [])
    etcd.outdated = Infinity
    const lost = await observer.until('it is lost', ({ type }) => type === 'lost')
    assert.match(lost.type === 'lost' ? lost.error.message : '', /revision of auth store is old/)
    etcd.outdated = 0
    await observer.leader(null, observer.seen.length)
  })

  test('gives up a watch that is not confirmed', async () => {
    await using etcd = await ScriptedEtcd.start()
    etcd.mute.add('watch')
    await using observer = new Observer({ endpoints: [etcd.endpoint], timeoutMs: 500 })
    const lost = await observer.until('it is lost', ({ type }) => type === 'lost')
    assert.match(lost.type === 'lost' ? lost.error.message : '', /did not confirm the watch within 500 ms/)
    etcd.mute.clear()
    await observer.leader(null)
  })

  test('leaves no timer behind a watch that is not confirmed', async () => {
    await using etcd = await ScriptedEtcd.start()
    etcd.mute.add('watch')
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = timers()
    const observer = new Observer({ endpoints: [etcd.endpoint], timeoutMs: 50 })
    await until('it has failed often', () => observer.losses.length > 4)
    await observer.stop()
    await until('the timers are gone', () => timers() <= before, { timeoutMs: 3000 })
  })
})

describe('a linearizable read of the leader key', () => {
  test('is applied at once when the watch is silent, and two of them end its session', async () => {
    await using silent = await ScriptedEtcd.start()
    await using other = await ScriptedEtcd.start()
    silent.keys = [{ key: LEADER, value: 'pg0', mod: 4 }]
    await using observer = new Observer({ endpoints: [silent.endpoint, other.endpoint] })
    await observer.leader('pg0')
    silent.keys = [{ key: LEADER, value: 'pg1', mod: 20 }]
    silent.revision = 20
    other.keys = silent.keys
    other.revision = 21
    await observer.leader('pg1')
    const lost = await observer.until('it is lost', ({ type }) => type === 'lost')
    assert.match(lost.type === 'lost' ? lost.error.message : '', /the watch misses a change that a read shows/)
    const next = await observer.until('the other is read', ({ endpoint }) => endpoint === other.endpoint)
    assert.equal(next.type, 'snapshot')
  })

  test('makes events older than it come too late', async () => {
    await using etcd = await ScriptedEtcd.start()
    etcd.keys = [{ key: LEADER, value: 'pg0', mod: 4 }]
    await using observer = new Observer({ endpoints: [etcd.endpoint] })
    await observer.leader('pg0')
    etcd.keys = [{ key: LEADER, value: 'pg2', mod: 20 }]
    etcd.revision = 20
    await observer.leader('pg2')
    etcd.tell({ key: LEADER, value: 'pg1', mod: 15 }, { key: LEADER, value: 'pg2', mod: 20 })
    etcd.tell({ key: LEADER, value: 'pg3', mod: 21 })
    await observer.leader('pg3')
    assert.deepEqual(observer.leaders, ['pg0', 'pg2', 'pg3'])
    assert.equal(observer.losses.length, 0)
  })

  test('delays no event while it has no answer yet', async () => {
    await using etcd = await ScriptedEtcd.start()
    await using observer = new Observer({ endpoints: [etcd.endpoint], intervalMs: 50, timeoutMs: 5000 })
    await observer.leader(null)
    etcd.mute.add('read')
    const asked = etcd.reads
    await until('a read is under way', () => etcd.reads > asked)
    const told = performance.now()
    etcd.tell({ key: LEADER, value: 'pg1', mod: 11 })
    const seen = await observer.leader('pg1')
    assert.ok(seen.at - told < 1000, `${seen.at - told} ms`)
    assert.equal(observer.losses.length, 0)
  })

  test('that is not answered in time ends the session, and the next endpoint is read', async () => {
    await using hung = await ScriptedEtcd.start()
    await using other = await ScriptedEtcd.start()
    await using observer = new Observer({ endpoints: [hung.endpoint, other.endpoint], timeoutMs: 500 })
    await observer.leader(null)
    hung.mute.add('read').add('range')
    const since = performance.now()
    const lost = await observer.until('it is lost', ({ type }) => type === 'lost')
    assert.ok(lost.at - since < 300 + 500 + 400, `${lost.at - since} ms`)
    await observer.until(
      'the other is read',
      ({ type, endpoint }) => type === 'snapshot' && endpoint === other.endpoint,
    )
  })
})

describe('a restored etcd', () => {
  for (const [title, change, said] of [
    ['an older revision', (etcd: ScriptedEtcd) => (etcd.revision = 5), /its history went back/],
    [
      'another cluster id',
      (etcd: ScriptedEtcd) => (etcd.clusterId = 2),
      /a different etcd cluster answers there than before/,
    ],
  ] as const) {
    test(`shows itself by ${title} in a list`, async () => {
      await using etcd = await ScriptedEtcd.start()
      await using observer = new Observer({ endpoints: [etcd.endpoint], intervalMs: 60_000 })
      await observer.leader(null)
      change(etcd)
      etcd.watches[0]?.stream.end()
      await observer.until('it is restored', (seen) => seen.type === 'snapshot' && seen.restored)
      assert.equal(observer.snapshots.filter(({ restored }) => restored).length, 1)
    })

    test(`shows itself by ${title} in a read`, async () => {
      await using etcd = await ScriptedEtcd.start()
      await using observer = new Observer({ endpoints: [etcd.endpoint] })
      await observer.leader(null)
      change(etcd)
      await observer.until('it is restored', (seen) => seen.type === 'snapshot' && seen.restored)
      assert.match(String(observer.losses[0]?.error.message), said)
    })
  }

  test('shows itself by another cluster id in the watch, whose events then do not count', async () => {
    await using etcd = await ScriptedEtcd.start()
    await using observer = new Observer({ endpoints: [etcd.endpoint], intervalMs: 60_000 })
    await observer.leader(null)
    etcd.clusterId = 2
    etcd.tell({ key: LEADER, value: 'stranger', mod: 20 })
    await observer.until('it is restored', (seen) => seen.type === 'snapshot' && seen.restored)
    assert.match(String(observer.losses[0]?.error.message), /a different etcd cluster answers there than before/)
    assert.deepEqual(observer.leaders, [null])
  })

  test('is compared with the watch, too', async () => {
    await using etcd = await ScriptedEtcd.start()
    await using observer = new Observer({ endpoints: [etcd.endpoint], intervalMs: 60_000 })
    await observer.leader(null)
    etcd.tell({ key: LEADER, value: 'pg1', mod: 20 })
    await observer.leader('pg1')
    etcd.revision = 15
    etcd.watches[0]?.stream.end()
    await observer.until('it is restored', (seen) => seen.type === 'snapshot' && seen.restored)
  })

  test('is reported once, also when the first watch after the list fails', async () => {
    await using etcd = await ScriptedEtcd.start()
    await using observer = new Observer({ endpoints: [etcd.endpoint], intervalMs: 60_000 })
    await observer.leader(null)
    etcd.revision = 5
    etcd.mute.add('watch')
    etcd.watches[0]?.stream.end()
    await until('a watch has failed', () => observer.losses.length > 1)
    etcd.mute.clear()
    await observer.until('it is restored', (seen) => seen.type === 'snapshot' && seen.restored)
    etcd.watches.at(-1)?.stream.end()
    await until('it is read again', () => observer.snapshots.length > 2)
    assert.deepEqual(
      observer.snapshots.map(({ restored }) => restored),
      [false, true, false],
    )
  })
})

describe('the advertised client URLs', () => {
  test('are used when the seed is gone', async () => {
    const seed = await ScriptedEtcd.start()
    await using advertised = await ScriptedEtcd.start()
    seed.clientUrls = [`http://${advertised.endpoint}`]
    await using observer = new Observer({ endpoints: [seed.endpoint], useProxies: false })
    await until('it has been asked', () => seed.memberLists > 0 && observer.snapshots.length > 1)
    await seed[Symbol.asyncDispose]()
    await observer.until(
      'the other is read',
      ({ type, endpoint }) => type === 'snapshot' && endpoint === advertised.endpoint,
    )
  })

  test('are not read behind a proxy', async () => {
    await using etcd = await ScriptedEtcd.start()
    await using observer = new Observer({ endpoints: [etcd.endpoint], useProxies: true })
    await until('it is read', () => observer.snapshots.length > 1)
    assert.equal(etcd.memberLists, 0)
  })

  test('delay no event while they have no answer yet', async () => {
    await using etcd = await ScriptedEtcd.start()
    etcd.mute.add('members')
    await using observer = new Observer({ endpoints: [etcd.endpoint], useProxies: false, timeoutMs: 5000 })
    await observer.leader(null)
    const told = performance.now()
    etcd.tell({ key: LEADER, value: 'pg1', mod: 11 })
    const seen = await observer.leader('pg1')
    assert.ok(seen.at - told < 1000, `${seen.at - told} ms`)
  })
})

describe('the end of an observation', () => {
  for (const kind of ['range', 'watch', 'read', 'members'] as const) {
    test(`is prompt while a ${kind} has no answer`, async () => {
      await using etcd = await ScriptedEtcd.start()
      etcd.mute.add(kind)
      const observer = new Observer({
        endpoints: [etcd.endpoint],
        useProxies: false,
        intervalMs: 20,
        timeoutMs: 20_000,
      })
      const { lists, watches } = etcd
      await until('it is asked', () => {
        if (kind === 'range') return lists + etcd.lists > 0
        if (kind === 'watch') return watches.length > 0
        return kind === 'read' ? etcd.reads > 0 : etcd.memberLists > 0
      })
      const before = performance.now()
      await observer.stop()
      assert.ok(performance.now() - before < 200, `${performance.now() - before} ms`)
      assert.notEqual(observer.last?.type, 'lost')
    })
  }

  test('an endpoint that serves for a moment only is not tried in a hurry', async () => {
    await using etcd = await ScriptedEtcd.start()
    const { port } = new URL(`http://${etcd.endpoint}`)
    await using observer = new Observer({ endpoints: [etcd.endpoint, `localhost:${port}`], intervalMs: 60_000 })
    const since = performance.now()
    await until('it was cut often', () => {
      etcd.watches.at(-1)?.stream.end()
      return performance.now() - since > 1500 && observer.snapshots.length > 2
    })
    assert.ok(etcd.lists < 20, `${etcd.lists} lists`)
  })
})
