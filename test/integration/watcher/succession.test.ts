/** Another DCS takes the place of the present one, or is refused, while members are served. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import pino from 'pino'
import { RouterError } from '../../../src/errors.ts'
import { Lookups } from '../../../src/names/lookups.ts'
import { RestClient } from '../../../src/watcher/checks/rest-client.ts'
import { type Cluster } from '../../../src/watcher/cluster.ts'
import type { Dcs, DcsObservation } from '../../../src/watcher/dcs/dcs.ts'
import { Queue } from '../../../src/watcher/dcs/queue.ts'
import { Epochs } from '../../../src/watcher/primary/running-machine.ts'
import type { ClusterView } from '../../../src/watcher/view.ts'
import { Watcher } from '../../../src/watcher/watcher.ts'
import { until } from '../../support/until.ts'
import { cluster, member } from '../../unit/watcher/sample.ts'
import { FakeMember, SYSTEM_ID } from './fake-member.ts'
import { clusterConfig } from './watched.ts'

/** A DCS that tells what it is given. */
class ToldDcs implements Dcs {
  readonly kind = 'demo'
  readonly leaderFrom = 'lock'
  readonly absence = null
  readonly endpoint: string
  isObserved = false
  readonly #queue = new Queue<DcsObservation>()

  constructor(endpoint: string) {
    this.endpoint = endpoint
  }

  shows(read: Cluster): this {
    this.#queue.push({ type: 'snapshot', cluster: read, restored: false, endpoint: this.endpoint })
    return this
  }

  isAway(): this {
    const error = new RouterError('DCS_UNAVAILABLE', `${this.endpoint} is away`)
    this.#queue.push({ type: 'lost', endpoint: this.endpoint, error })
    return this
  }

  async *observe(signal: AbortSignal): AsyncIterable<DcsObservation> {
    this.isObserved = true
    const end = (): void => this.#queue.fail(new Error('it is closed'))
    signal.addEventListener('abort', end, { once: true })
    try {
      while (!signal.aborted) yield await this.#queue.next()
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      signal.removeEventListener('abort', end)
      this.isObserved = false
    }
  }
}

describe('a watcher that is given another DCS', () => {
  const config = clusterConfig([])
  let pg0: FakeMember
  let present: ToldDcs
  let watcher: Watcher
  let views: ClusterView[]

  const shown = (changes: Partial<Cluster> = {}): Cluster =>
    cluster({
      members: [member('pg0', { host: '127.0.0.1', port: pg0.port, restUrl: pg0.url }), member('pg1')],
      systemId: SYSTEM_ID,
      ...changes,
    })

  beforeEach(async () => {
    pg0 = await FakeMember.start('pg0', 'primary')
    present = new ToldDcs('present')
    views = []
    const rest = new RestClient(config.restApi, config.proxy.check.timeoutMs, new Lookups())
    const log = pino({ level: 'silent' })
    watcher = new Watcher({ config, dcs: present, rest, state: null, epochs: new Epochs(), log })
    watcher.subscribe('a sink', (view) => views.push(view))
    watcher.start()
  })
  afterEach(async () => {
    await watcher.close()
    await pg0[Symbol.asyncDispose]()
  })

  const isOpen = (): boolean => watcher.view.primary.state === 'open'
  const open = async (): Promise<void> => {
    present.shows(shown())
    await until('the primary is open', isOpen)
    views = []
  }
  /** The states of the primary since it was open. */
  const states = (): readonly string[] => [...new Set(views.map(({ primary }) => primary.state))]

  test('follows it once it shows the same cluster, with no session closed and no proof lost', async () => {
    await open()
    const { epoch } = watcher.view.primary
    const other = new ToldDcs('other').isAway().shows(shown())
    watcher.reconfigure({ config, dcs: await watcher.tryDcs(other) })
    assert.equal(watcher.view.dcs.endpoint, 'other')
    await until('the former one is no longer observed', () => !present.isObserved)
    assert.deepEqual([states(), watcher.view.primary.epoch], [['open'], epoch])
    other.shows(shown({ paused: true }))
    await until('a change of it is taken', () => watcher.view.paused)
  })

  test('keeps the primary open where the lock has another session there, and checks it at once', async () => {
    await open()
    const { epoch, basis } = watcher.view.primary
    const other = new ToldDcs('other').shows(shown({ leader: { name: 'pg0', session: 'of another DCS' } }))
    const dcs = await watcher.tryDcs(other)
    pg0.asked.length = 0
    watcher.reconfigure({ config, dcs })
    assert.notEqual(watcher.view.primary.basis, basis)
    await until('it has been checked again', () => pg0.asked.includes('/primary'))
    assert.deepEqual([states(), watcher.view.primary.epoch], [['open'], epoch])
  })

  test('holds a primary that has another address there until it is confirmed', async () => {
    await open()
    await using elsewhere = await FakeMember.start('pg0', 'promoting')
    const members = [member('pg0', { host: '127.0.0.1', port: elsewhere.port, restUrl: elsewhere.url })]
    watcher.reconfigure({ config, dcs: await watcher.tryDcs(new ToldDcs('other').shows(shown({ members }))) })
    assert.equal(watcher.view.primary.state, 'switching')
    elsewhere.mode = 'primary'
    await until('it is open again', isOpen)
    assert.deepEqual(watcher.view.primary.address, { host: '127.0.0.1', port: elsewhere.port })
  })

  const refusals: readonly (readonly [what: string, other: () => ToldDcs, reason: RegExp])[] = [
    [
      'another cluster',
      () => new ToldDcs('other').shows(shown({ systemId: '7000000000000000001' })),
      /^the DCS at other shows another cluster: its system identifier is 7000000000000000001, and that of demo is \d+$/,
    ],
    [
      'no cluster',
      () => new ToldDcs('other').shows(cluster({ systemId: null })),
      /^the DCS at other has no cluster demo with a system/,
    ],
    ['nothing', () => new ToldDcs('other').isAway(), /^other is away$/],
    ['no answer', () => new ToldDcs('other'), /^it could not be read within 0\.2 s$/],
    [
      'a copy that Patroni no longer writes to, with a former leader',
      () => new ToldDcs('other').shows(shown({ leader: { name: 'pg1', session: '1' } })),
      /^the DCS at other names pg1 as the leader, and the present one pg0$/,
    ],
    [
      'a copy whose lock has expired',
      () => new ToldDcs('other').shows(shown({ leader: null })),
      /^the DCS at other names no member as the leader, and the present one pg0$/,
    ],
    [
      'a copy that is older than what Patroni has written since',
      () => new ToldDcs('other').shows(shown({ optime: 0 })),
      /^the DCS at other is out of date: Patroni does not write to it$/,
    ],
  ]
  for (const [what, other, reason] of refusals) {
    test(`refuses one that shows ${what}, and follows the present one as before`, async () => {
      await open()
      const refused = other()
      await assert.rejects(watcher.tryDcs(refused, 200), { code: 'DCS_UNAVAILABLE', message: reason })
      assert.deepEqual([refused.isObserved, present.isObserved], [false, true])
      assert.ok(states().every((state) => state === 'open'))
      present.shows(shown({ paused: true }))
      await until('a change is taken', () => watcher.view.paused)
    })
  }

  test('waits for one that learns of a switchover a little later', async () => {
    await open()
    const other = new ToldDcs('other').shows(shown({ leader: { name: 'pg1', session: '1' } }))
    const trial = watcher.tryDcs(other)
    other.shows(shown())
    watcher.reconfigure({ config, dcs: await trial })
    assert.deepEqual([watcher.view.dcs.endpoint, states()], ['other', ['open']])
  })

  test('follows one that Patroni has moved to, where the former names no leader any more', async () => {
    await open()
    present.shows(shown({ leader: null }))
    await until('the lock is missed', () => watcher.view.leader === null)
    const moved = new ToldDcs('other').shows(shown({ leader: { name: 'pg0', session: 'of another DCS' }, optime: 2 }))
    watcher.reconfigure({ config, dcs: await watcher.tryDcs(moved) })
    await until('it is open again', isOpen)
    assert.equal(watcher.view.dcs.endpoint, 'other')
    assert.ok(!states().includes('none'), 'its sessions stay')
  })

  for (const way of ['another DCS', 'another way to read the same']) {
    test(`does not go back to the leader before, with ${way} that learns of a switchover a little later`, async () => {
      await open()
      const other = new ToldDcs('other').shows(shown())
      const dcs = way === 'another DCS' ? await watcher.tryDcs(other) : watcher.buildDcs(other)
      present.shows(shown({ leader: { name: 'pg1', session: '2' } }))
      await until('pg1 is the leader', () => watcher.view.leader === 'pg1')
      views = []
      watcher.reconfigure({ config, dcs })
      await until('it is observed', () => other.isObserved)
      assert.equal(watcher.view.dcs.endpoint, 'present')
      other.shows(shown({ leader: { name: 'pg1', session: '2' } }))
      await until('it has taken over', () => watcher.view.dcs.endpoint === 'other')
      assert.ok(views.every(({ leader }) => leader === 'pg1'))
    })
  }

  test('takes any while nothing has been read yet: there is nothing to lose', async () => {
    present.isAway()
    const other = new ToldDcs('other')
    watcher.reconfigure({ config, dcs: await watcher.tryDcs(other, 200) })
    other.shows(shown())
    await until('the primary is open', isOpen)
    assert.equal(present.isObserved, false)
  })

  test('follows the present one for as long as another way to read the same has not read it', async () => {
    await open()
    const other = new ToldDcs('other').isAway()
    watcher.reconfigure({ config, dcs: watcher.buildDcs(other) })
    await until('it is observed', () => other.isObserved)
    present.shows(shown({ paused: true }))
    await until('a change is taken', () => watcher.view.paused)
    assert.deepEqual([watcher.view.dcs.endpoint, watcher.view.dcs.state], ['present', 'up'])
    other.shows(shown())
    await until('it has taken over', () => watcher.view.dcs.endpoint === 'other')
    assert.equal(isOpen(), true)
  })

  test('of two that follow one another only the last counts', async () => {
    await open()
    const [first, second] = [new ToldDcs('first'), new ToldDcs('second')]
    watcher.reconfigure({ config, dcs: watcher.buildDcs(first) })
    watcher.reconfigure({ config, dcs: watcher.buildDcs(second) })
    await until('the second one is observed', () => second.isObserved && !first.isObserved)
    second.shows(shown())
    await until('it has taken over', () => watcher.view.dcs.endpoint === 'second')
  })
})
