/** One history of Patroni's writes through every DCS that is read natively: each source publishes the same clusters. */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type { PatroniDcs } from '../../support/patroni/dcs.ts'
import { type KeyWriter, WRITABLE, writerOf } from '../../support/patroni/key-writer.ts'
import { until } from '../../support/until.ts'
import type { ConfiguredOptions } from './configured.ts'
import { Scribe } from './scribe.ts'

/** Where whole lists are read, they are read all the time; in etcd v3 a read of the leader may be ahead of the watch. */
const ALWAYS = { etcd3: '60s', etcd: '20ms', consul: '20ms', zookeeper: '20ms', kubernetes: '20ms' } as const

const CONFIG = { ttl: 30, loop_wait: 10, retry_timeout: 10, maximum_lag_on_failover: 1_048_576 }
const config = (changes: object = {}): string => JSON.stringify({ ...CONFIG, ...changes })
const member = (port: number, changes: object = {}): string =>
  JSON.stringify({
    conn_url: `postgres://10.0.0.${port}:5432/postgres`,
    api_url: `http://10.0.0.${port}:8008/patroni`,
    ...{ state: 'running', role: 'replica', version: '3.0.2', xlog_location: 67_108_864, timeline: 1, ...changes },
  })
const status = (optime: number): string => JSON.stringify({ optime, slots: { pg1: optime } })
const failover = (changes: object): string => JSON.stringify({ leader: 'pg0', member: 'pg1', ...changes })
const SYNC = (leader: string | null, standby: string | null): string =>
  JSON.stringify({ leader, sync_standby: standby })

const NO_TEXT = member(4, { state: 'stra\xdfe', tags: { city: 'Z\xfcrich', 'n\xe4me': 1 } })

type Step = readonly [what: string, write: (scribe: Scribe) => Promise<void>]

const HISTORY: readonly Step[] = [
  ['pg0 may initialize it', (s) => s.put('initialize', '')],
  ['pg0 begins', (s) => s.touch('pg0', member(1, { state: 'initializing new cluster', role: 'uninitialized' }))],
  ['pg0 starts', (s) => s.touch('pg0', member(1, { state: 'starting' }))],
  ['the configuration', (s) => s.put('config', config())],
  ['pg0 takes the lock', (s) => s.lock('pg0')],
  ['the database has its identifier', (s) => s.put('initialize', '7268616322854375442')],
  ['pg0 runs', (s) => s.touch('pg0', member(1, { role: 'master' }))],
  ['the position', (s) => s.put('status', status(67_108_864))],
  ['the position for Patroni before 2.1', (s) => s.put('optime/leader', '67108864')],
  ['pg1 is being made', (s) => s.touch('pg1', JSON.stringify({ state: 'creating replica', role: 'uninitialized' }))],
  ['pg1 runs', (s) => s.touch('pg1', member(2, { replication_state: 'streaming', tags: { nofailover: true } }))],
  ['the same again', (s) => s.touch('pg1', member(2, { replication_state: 'streaming', tags: { nofailover: true } }))],
  ['a name of any letters', (s) => s.touch('pgü 2?#%41', member(3, { tags: { city: 'Zürich 🐘' } }))],
  ['pg0 renews its lock', (s) => s.renew('pg0')],
  ['synchronous replication', (s) => s.put('config', config({ synchronous_mode: true }))],
  ['nobody is synchronous yet', (s) => s.put('sync', SYNC('pg0', null))],
  ['pg1 is synchronous', (s) => s.put('sync', SYNC('pg0', 'pg1'))],
  ['pause', (s) => s.put('config', config({ synchronous_mode: true, pause: true }))],
  ['resume', (s) => s.put('config', config({ synchronous_mode: true, ttl: 20 }))],
  ['a group of Citus', (s) => s.put('0/leader', 'stranger')],
  ['its member', (s) => s.put('0/members/stranger', member(99))],
  ['what is below the members and is none', (s) => s.put('members/strange/nested', member(98))],
  ['a member that is no JSON', (s) => s.put('members/hostile', '{"conn_url": "postgres://10.0.0.4:5432/postgres"')],
  ['a member of the wrong types', (s) => s.put('members/hostile', '{"conn_url":[1],"state":{},"timeline":"x\\ud800"}')],
  ['a member whose address is another', (s) => s.put('members/hostile', '{"conn_url":"postgres://[::1/../x"}')],
  ['a member that is not UTF-8', (s) => s.put('members/hostile', Buffer.from(NO_TEXT, 'latin1'))],
  ['names that are not', (s) => s.put('failover', Buffer.from('{"leader":"pg\xe4","member":"\xfc"}', 'latin1'))],
  ['an empty member', (s) => s.put('members/hostile', '')],
  ['it goes', (s) => s.delete('members/hostile')],
  ['a large member', (s) => s.touch('pg1', member(2, { tags: { text: 'x'.repeat(300_000), n: 1 } }))],
  ['a small one again', (s) => s.touch('pg1', member(2))],
  ['a switchover at a time', (s) => s.put('failover', failover({ scheduled_at: '2040-01-01T00:00:00+00:00' }))],
  ['a switchover now', (s) => s.put('failover', failover({}))],
  ['pg0 stops', (s) => s.touch('pg0', member(1, { role: 'master', state: 'stopping' }))],
  ['pg0 has stopped', (s) => s.touch('pg0', member(1, { state: 'stopped' }))],
  ['pg0 gives the lock up', (s) => s.unlock('pg0')],
  ['pg1 takes it', (s) => s.lock('pg1')],
  ['the switchover is over', (s) => s.put('failover', '{}')],
  ['pg1 is promoted', (s) => s.touch('pg1', member(2, { role: 'master', timeline: 2 }))],
  ['pg1 leads the synchronous ones', (s) => s.put('sync', SYNC('pg1', null))],
  ['the history of its timelines', (s) => s.put('history', '[[1,67108864,"no recovery target specified"]]')],
  ['the new position', (s) => s.put('status', status(67_109_000))],
  ['pg0 follows', (s) => s.touch('pg0', member(1, { timeline: 2, replication_state: 'streaming' }))],
  ['pg1 renews its lock', (s) => s.renew('pg1')],
  ['pg1 takes its lock again', async (s) => s.unlock('pg1').then(() => s.lock('pg1'))],
  ['the members for failsafe mode', (s) => s.put('failsafe', '{"pg1":"http://10.0.0.2:8008/patroni"}')],
  ['a member leaves', (s) => s.delete('members/pgü 2?#%41')],
  ['pg1 crashes', (s) => s.lapse('pg1')],
  ['pg0 takes the lock', (s) => s.lock('pg0')],
  ['pg0 is promoted', (s) => s.touch('pg0', member(1, { role: 'master', timeline: 3 }))],
  ['no synchronous replication', (s) => s.put('config', config())],
  ['its key goes', (s) => s.delete('sync')],
  ['a standby cluster', (s) => s.put('config', config({ standby_cluster: { host: '10.1.0.1', port: 5432 } }))],
  ['pg0 leads it', (s) => s.touch('pg0', member(1, { role: 'standby_leader', timeline: 3 }))],
  ['a cluster of its own again', (s) => s.put('config', config())],
]

/** What no object of Kubernetes can be called, or hold. */
const NOT_IN_KUBERNETES: readonly string[] = [
  'the position for Patroni before 2.1',
  'a name of any letters',
  'what is below the members and is none',
  'a large member',
  'a member leaves',
]

for (const [kind, start] of Object.entries(WRITABLE))
  describe(`a cluster in ${kind}`, () => {
    let dcs: PatroniDcs
    let writer: KeyWriter
    let scribe: Scribe
    before(async () => {
      const started = await start()
      dcs = started
      writer = writerOf(started)
    })
    after(async () => dcs.close())
    beforeEach(() => {
      scribe = new Scribe(dcs, writer, { interval: '1s' })
    })
    afterEach(async () => {
      await scribe[Symbol.asyncDispose]()
      await writer.deleteBelow('/service')
    })

    async function observe(options: ConfiguredOptions & { readonly scope?: string }): Promise<void> {
      await scribe[Symbol.asyncDispose]()
      scribe = new Scribe(dcs, writer, options)
    }

    async function serve(): Promise<void> {
      await scribe.put('initialize', '7268616322854375442')
      await scribe.put('config', config())
      await scribe.touch('pg0', member(1, { role: 'master' }))
      await scribe.touch('pg1', member(2))
      await scribe.lock('pg0')
      await scribe.settle()
    }

    test('is published as each of its moments is, write by write', async () => {
      await scribe.settle()
      for (const [what, write] of HISTORY) {
        if (kind === 'kubernetes' && NOT_IN_KUBERNETES.includes(what)) continue
        await write(scribe)
        await scribe.settle().catch((error: unknown) => assert.fail(`${what}: ${String(error)}`))
      }
      scribe.verify()
      assert.equal(scribe.sessions.length, 4)
      assert.deepEqual(scribe.observer.losses, [])
    })

    // The Pods and the other objects of Kubernetes have a watch each, of which either may be ahead.
    if (kind !== 'kubernetes')
      test('is published as none that never was while it is written without a pause', async () => {
        await observe({ interval: ALWAYS[dcs.name] })
        await serve()
        for (let n = 1; n <= 40; n++) {
          await scribe.put('status', status(n))
          await scribe.touch('pg1', member(2, { xlog_location: n }))
          await scribe.put('config', config({ pause: n % 2 === 0 }))
          await scribe.touch('pg0', member(1, { role: 'master', xlog_location: n }))
          if (n % 10 === 0) await scribe.delete('members/pg1')
        }
        await scribe.settle()
        scribe.verify()
        assert.ok(scribe.published().length > 40)
      })

    test('is the same object while nothing has changed: renewals and equal writes are no news', async () => {
      await serve()
      for (let loop = 1; loop <= 3; loop++) {
        const before = scribe.observer.seen.length
        for (const one of ['pg0', 'pg1']) await scribe.renew(one)
        await scribe.touch('pg0', member(1, { role: 'master' }))
        await scribe.put('config', config())
        await writer.put('/service/demo2/leader', 'stranger')
        // What comes after them has come after them.
        await scribe.put('status', status(loop))
        await scribe.settle()
        assert.equal(scribe.published(before - 1).length, 2)
      }
      assert.equal(scribe.sessions.length, 1)
    })

    // In Kubernetes no member is lost by that.
    if (kind !== 'kubernetes')
      test('loses its leader and a member when their lease is over, and not what is renewed', async () => {
        await scribe.touch('pg0', member(1), 2)
        await scribe.lock('pg0', 2)
        await scribe.touch('pg1', member(2), 2)
        await scribe.settle()
        scribe.lapses('pg1')
        await until('the key that is not renewed has gone', async () => {
          await scribe.renew('pg0')
          return (await dcs.get('/service/demo/members/pg1')) === null
        })
        await scribe.settle()
        assert.equal(scribe.observer.cluster.leader?.name, 'pg0')
        await scribe.lapse('pg0')
        await scribe.settle()
        // The same name again: another session.
        await scribe.touch('pg0', member(1))
        await scribe.lock('pg0')
        await scribe.settle()
        scribe.verify()
        assert.equal(scribe.sessions.length, 2)
      })

    for (const [what, above, remains] of [
      ['its scope', '/service/demo', true],
      ['its namespace', '/service', false],
    ] as const)
      test(`is gone when ${what} is deleted, and another one begins there`, async () => {
        // In Consul the deletion of what is above shows in a read: the index of the prefix is lower then.
        await observe({ interval: '200ms' })
        await using other = new Scribe(dcs, writer, { scope: 'other' })
        await other.touch('pg9', member(9))
        await other.settle()
        await serve()
        await scribe.deleteAll(above)
        if (!remains) await other.deleteAll('/nowhere')
        await Promise.all([scribe.settle(), other.settle()])
        await serve()
        // The objects of Kubernetes are deleted one after the other.
        if (kind !== 'kubernetes') scribe.verify()
        other.verify()
      })

    if (kind === 'consul')
      test('is published without a loss when it begins where others have written all the time', async () => {
        // Nothing has ever been deleted there: then each write wakes its watch.
        await observe({ interval: '300ms', scope: 'new' })
        await until(
          'the pauses of a watch are long',
          async () => {
            await writer.put('/service/demo2/status', status(Math.random()))
            return scribe.observer.snapshots.length > 6
          },
          { everyMs: 1 },
        )
        const from = scribe.observer.seen.length
        await serve()
        await until('it is confirmed', () => scribe.observer.seen.length > from + 5)
        assert.deepEqual(scribe.observer.losses, [])
      })

    /** Waits until it has been read again since now. */
    async function isConfirmed(): Promise<void> {
      const confirmed = scribe.observer.snapshots.length
      await until('it is confirmed', () => scribe.observer.snapshots.length > confirmed + 2)
    }

    for (const [what, change] of [
      [
        'to another leader',
        async () => {
          await scribe.put('failover', '{}')
          await scribe.unlock('pg0')
          await scribe.lock('pg1')
          await scribe.touch('pg0', member(1, { timeline: 2 }))
        },
      ],
      ['to a member that has left since', () => scribe.delete('members/pg1')],
      ['to a switchover that was over', () => scribe.put('failover', '{}').then(() => scribe.delete('failover'))],
    ] as const)
      test(`is restored once, and as it was, when its DCS goes back ${what}`, async () => {
        await observe({ interval: '100ms' })
        await scribe.put('failover', failover({}))
        await serve()
        const restore = await scribe.keep()
        await change()
        await scribe.settle()
        // What has been deleted shows in the list of the others only.
        await isConfirmed()
        const from = scribe.observer.seen.length
        await restore()
        const restored = await scribe.settle(from)
        const first = scribe.observer.snapshots.find(
          (one) => scribe.observer.seen.indexOf(one) >= from && isDeepStrictEqual(one.cluster, restored),
        )
        await isConfirmed()
        assert.deepEqual(
          scribe.observer.snapshots.filter((one) => one.restored),
          [first],
        )
      })
  })
