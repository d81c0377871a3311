/** A fault of ours beside the decision is not taken for one of the DCS, and what stays as it is is told to nobody. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import pino from 'pino'
import type { ClusterConfig } from '../../../src/config/config.ts'
import { Lookups } from '../../../src/names/lookups.ts'
import { RestClient } from '../../../src/watcher/checks/rest-client.ts'
import { type Cluster } from '../../../src/watcher/cluster.ts'
import type { Dcs, DcsObservation } from '../../../src/watcher/dcs/dcs.ts'
import { Queue } from '../../../src/watcher/dcs/queue.ts'
import { LocalHost } from '../../../src/watcher/members/local-host.ts'
import { Epochs } from '../../../src/watcher/primary/running-machine.ts'
import { StateFile } from '../../../src/watcher/state/state-file.ts'
import type { ClusterView } from '../../../src/watcher/view.ts'
import { Watcher } from '../../../src/watcher/watcher.ts'
import { until } from '../../support/until.ts'
import { cluster, member } from '../../unit/watcher/sample.ts'
import { FakeMember, SYSTEM_ID } from './fake-member.ts'
import { clusterConfig } from './watched.ts'

interface Line {
  readonly level: number
  readonly event: string
  readonly part?: string
}

describe('a watcher', () => {
  let pg0: FakeMember
  let pg1: FakeMember
  let queue: Queue<DcsObservation>
  let watcher: Watcher
  let lines: Line[]
  let views: ClusterView[]

  beforeEach(async () => {
    pg0 = await FakeMember.start('pg0', 'primary')
    pg1 = await FakeMember.start('pg1', 'replica')
    lines = []
    views = []
    queue = new Queue()
  })
  afterEach(async () => {
    await watcher.close()
    await pg0[Symbol.asyncDispose]()
    await pg1[Symbol.asyncDispose]()
  })

  const dcs: Dcs = {
    ...{ kind: 'demo', leaderFrom: 'lock', absence: null },
    async *observe(signal) {
      const end = (): void => queue.fail(new Error('it is closed'))
      signal.addEventListener('abort', end, { once: true })
      try {
        while (!signal.aborted) yield await queue.next()
      } catch (error) {
        if (!signal.aborted) throw error
      } finally {
        signal.removeEventListener('abort', end)
      }
    },
  }
  const keyOf = (one: FakeMember) => member(one.name, { host: '127.0.0.1', port: one.port, restUrl: one.url })
  const led = (changes: Partial<Cluster> = {}): Cluster =>
    cluster({ members: [keyOf(pg0), keyOf(pg1)], systemId: SYSTEM_ID, ...changes })
  const seen = (read: Cluster): void =>
    queue.push({ type: 'snapshot', cluster: read, restored: false, endpoint: 'demo' })
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line) as Line) })
  const build = (
    parts: { readonly local?: LocalHost; readonly state?: StateFile; readonly config?: ClusterConfig } = {},
  ): Watcher => {
    const { config = clusterConfig([]), state = null, ...local } = parts
    const rest = new RestClient(config.restApi, config.proxy.check.timeoutMs, new Lookups())
    return new Watcher({ config, dcs, rest, state, epochs: new Epochs(), log, ...local })
  }
  const isServed = (): boolean => {
    const { primary, members } = watcher.view
    return primary.state === 'open' && members.some(({ replica }) => replica.fit)
  }
  /** Each member has answered so often since. */
  const answered = async (times: number): Promise<void> => {
    const before = [pg0, pg1].map(({ asked }) => asked.length)
    await until('each has been asked', () =>
      [pg0, pg1].every(({ asked }, i) => asked.length > (before[i] ?? 0) + times),
    )
  }
  const faults = (): (string | undefined)[] => lines.filter(({ event }) => event === 'fault').map(({ part }) => part)

  test('with a sink that throws opens the primary, loses no DCS, and names the sink', async () => {
    watcher = build()
    let calls = 0
    watcher.subscribe('a sink', () => {
      calls++
      throw new Error('no')
    })
    watcher.subscribe('another', (view) => views.push(view))
    watcher.start()
    seen(led())
    await until('all is served', isServed)
    seen(led({ paused: true }))
    await until('a change is taken', () => views.at(-1)?.paused === true)
    assert.equal(watcher.view.dcs.state, 'up')
    assert.ok(views.every(({ dcs: { state } }) => state !== 'lost'))
    assert.deepEqual(faults(), ['a sink'])
    assert.equal(watcher.faults.length, 1)
    const before = calls
    await until('it is called again though nothing changes', () => calls > before)
  })

  test('with a look at this host, or a save, that throws loses no DCS, and says so', async () => {
    const local = new LocalHost({ names: ['pg0'], resolve: () => Promise.resolve([]) })
    const state = new StateFile({ dir: '/nowhere', name: 'demo', scope: 'demo', namespace: 's', citusGroup: null, log })
    local.look = () => {
      throw new Error('no')
    }
    state.load = () => Promise.resolve(null)
    state.save = () => {
      throw new Error('no')
    }
    watcher = build({ local, state })
    watcher.subscribe('a sink', (view) => views.push(view))
    watcher.start()
    seen(led())
    await until('all is served', isServed)
    assert.deepEqual(faults().toSorted(), ['local members', 'state file'])
    assert.ok(views.every(({ dcs: { state: link } }) => link === 'up'))
  })

  test('calls no sink while answers and confirmations say the same, and shows when it has read the DCS', async () => {
    watcher = build()
    watcher.subscribe('a sink', (view) => views.push(view))
    watcher.start()
    const read = led()
    seen(read)
    await until('all is served', isServed)
    await answered(2)
    const [{ length }, { readAt }] = [views, watcher.view.dcs]
    seen(read)
    seen(led())
    await answered(3)
    assert.equal(views.length, length)
    assert.ok((watcher.view.dcs.readAt ?? 0) > (readAt ?? Infinity))
    pg1.position = 50
    await until('a lag is told', () => views.at(-1)?.members.some(({ lagBytes }) => lagBytes === 50) === true)
  })

  test('counts silences, one that is still published', async () => {
    watcher = build()
    watcher.subscribe('a sink', (view) => views.push(view))
    watcher.start()
    seen(led())
    await until('all is served', isServed)
    pg0.mode = 'hung'
    await until('it is told twice', () => views.at(-1)?.primary.silences === 2)
    assert.equal(watcher.view.primary.state, 'open')
  })

  test('takes another way to dial a member: its sessions are fenced, and it is confirmed again', async () => {
    const config = clusterConfig([])
    watcher = build({ config })
    watcher.subscribe('a sink', (view) => views.push(view))
    watcher.start()
    const pooled = { ...keyOf(pg0), proxy: { host: '127.0.0.1', port: pg1.port } }
    const pooledToo = { ...keyOf(pg1), proxy: { host: '127.0.0.1', port: pg0.port } }
    seen(led({ members: [pooled, pooledToo] }))
    await until('all is served', isServed)
    const { epoch } = watcher.view.primary
    views = []
    watcher.reconfigure({ config: { ...config, proxy: { ...config.proxy, address: 'proxy_url' } } })
    assert.ok(watcher.view.primary.epoch > epoch)
    assert.notEqual(watcher.view.primary.state, 'open')
    await until('it is open there', () => watcher.view.primary.state === 'open')
    assert.equal(watcher.view.primary.place?.port, pg1.port)
    // What the REST API has said of a reader is still so.
    assert.ok(views.every(({ members }) => members.some(({ replica }) => replica.fit)))
  })

  test('takes other checks with nothing closed', async () => {
    const config = clusterConfig([])
    const { proxy } = config
    watcher = build({ config })
    watcher.subscribe('a sink', (view) => views.push(view))
    watcher.start()
    seen(led())
    await until('all is served', isServed)
    await answered(1)
    const { epoch } = watcher.view.primary
    const check = { ...proxy.check, fall: 1, timeoutMs: 150 }
    watcher.reconfigure({ config: { ...config, proxy: { ...proxy, check } } })
    assert.deepEqual([watcher.view.primary.state, watcher.view.primary.epoch], ['open', epoch])
    pg1.mode = 'hung'
    const silent = pg1.asked.length
    await until('one silence is enough', () => watcher.view.members.every(({ replica }) => !replica.fit))
    assert.match(watcher.view.members.find(({ name }) => name === 'pg1')?.replica.reason ?? '', /within 150 ms/)
    assert.ok(pg1.asked.length <= silent + 3, String(pg1.asked.length - silent))
  })
})
