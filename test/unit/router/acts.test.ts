import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { OverrideStore } from '../../../src/overrides/override-store.ts'
import type { ActingCluster } from '../../../src/router/act-targets.ts'
import { RouterActs } from '../../../src/router/acts.ts'
import type { LogLine } from '../../../src/text/log-line.ts'
import { sampleProxy, sampleView } from '../admin/sample.ts'

describe('the acts of a router', () => {
  let lines: string[]
  let changed: string[]
  let store: OverrideStore
  let asked: unknown[]
  const write =
    (level: LogLine['level']) =>
    (fields: LogLine['fields'], message: string): void =>
      void lines.push(`${level} ${String(fields['event'])} ${message}`)
  const log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }

  function cluster(name: string): ActingCluster {
    const session = { listener: 'replicas', route: 'replica', member: 'pg2', server: '', client: '' } as const
    const since = name === 'demo' ? 2 : 1
    return {
      config: {
        name,
        proxy: {
          listeners: [{ name: 'primary' }, { name: 'replicas' }],
          hold: { timeoutMs: name === 'no-hold' ? 0 : 1000 },
        },
      },
      view: sampleView(),
      proxy: {
        status: () => {
          const { sessions, ...status } = sampleProxy()
          return { ...status, sessions: [...sessions, { member: 'pg2', listener: 'removed', sessions: 1 }] }
        },
        sessions: (filter, max) => {
          asked.push([name, filter, max])
          return Promise.resolve({ sessions: [{ ...session, id: '0x1', since, bytesIn: 0, bytesOut: 0 }], total: 5 })
        },
        closeSessions: (filter, by) => {
          asked.push([name, filter, by])
          return Promise.resolve(3)
        },
        limit: (listener, max) => {
          asked.push([name, listener, max])
          return Promise.resolve(true)
        },
      },
    }
  }

  function actsOf(...names: readonly string[]): RouterActs {
    const clusters = names.map(cluster)
    return new RouterActs({ clusters: () => clusters, overrides: store, logOf: () => log })
  }

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] })
    ;[lines, changed, asked] = [[], [], []]
    store = new OverrideStore(null, { log, logOf: () => log, changed: (name) => void changed.push(name) })
  })
  afterEach(async () => {
    await store.close()
    mock.timers.reset()
  })

  test('drain and ready of a member take effect at once, are logged with the user, and say what holds now', async () => {
    const acts = actsOf('demo')
    const where = { cluster: null, member: 'pg2' }
    const drained = acts.setMember(where, 'drain', 60_000, 'alice')
    assert.equal(store.of('demo').members.get('pg2')?.state, 'drain')
    assert.deepEqual(changed, ['demo'])
    const until = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ`
    const forgotten = '; a restart would forget it, as there is no state_dir'
    assert.match(
      await drained,
      new RegExp(`^member pg2: DRAIN until ${until}, no new sessions; 5 sessions on it stay${forgotten}$`),
    )
    assert.equal(await acts.setMember(where, 'ready', null, 'bob'), 'member pg2: ready, it is no longer DRAIN')
    assert.match(lines.join('\n'), new RegExp(`^info override-set pg2: drained by alice until ${until}\n`))
    assert.equal(lines[1], 'info override-ended pg2: no longer drained (by bob)')
    assert.match(await acts.setMember(where, 'ready', null, 'bob'), /^member pg2: ready, it had no override$/)
    assert.equal(lines.length, 2)
  })

  test('the answer says that a restart would forget an override that could not be kept, or may bring one back', async () => {
    const acts = actsOf('demo')
    const [member, all] = [
      { cluster: null, member: 'pg2' },
      { cluster: null, listener: 'primary' },
    ]
    const failed = { kind: 'failed', reason: 'disk full' } as const
    for (const name of ['setMember', 'endMember', 'hold', 'release'] as const)
      mock.method(store, name, () => Promise.resolve(failed))
    mock.method(store, 'of', () => ({ members: new Map(), holds: new Map([['primary', {}]]) }))
    assert.match(await acts.setMember(member, 'drain', null, 'a'), /; a restart would forget it: disk full$/)
    assert.match(await acts.hold(all, null, 'a'), /; a restart would forget it: disk full$/)
    assert.match(await acts.setMember(member, 'ready', null, 'a'), /; a restart may bring it back: disk full$/)
    assert.match(await acts.release(all, 'a'), /; a restart may bring it back: disk full$/)
  })

  test('the clients of a drained primary are said to be refused where none are held', async () => {
    const answer = await actsOf('no-hold').setMember({ cluster: null, member: 'pg1' }, 'drain', null, 'alice')
    assert.match(answer, /^member pg1: DRAIN, new clients of the primary are refused; 12 sessions on it stay/)
  })

  test('the clients of a drained primary are said to be held', async () => {
    const answer = await actsOf('demo').setMember({ cluster: null, member: 'pg1' }, 'maint', null, 'alice')
    assert.match(answer, /^member pg1: MAINT, new clients of the primary are held; 12 sessions on it stay/)
  })

  test('a drain that is renewed keeps its beginning, and one that becomes a maintenance begins', async () => {
    const acts = actsOf('demo')
    const at = mock.method(performance, 'now', () => 1000)
    const set = async (state: 'drain' | 'maint', ms: number): Promise<number | undefined> => {
      at.mock.mockImplementation(() => ms)
      await acts.setMember({ cluster: null, member: 'pg2' }, state, 60_000, 'alice')
      return store.of('demo').members.get('pg2')?.since
    }
    const begun = await set('drain', 1000)
    assert.equal(await set('drain', 5000), begun)
    assert.equal(await set('maint', 9000), (begun ?? 0) + 8000)
    at.mock.restore()
  })

  test('a hold is of one listener or of all, and released as a whole or one by one', async () => {
    const acts = actsOf('demo')
    const all = { cluster: null, listener: null }
    assert.match(await acts.hold(all, 60_000, 'alice'), /^listeners primary, replicas: new clients are held until /)
    assert.match(await acts.release({ ...all, listener: 'replicas' }, 'bob'), /^listener replicas: released$/)
    assert.deepEqual([...store.of('demo').holds.keys()], ['primary'])
    assert.match(await acts.release(all, 'bob'), /^listener primary: released/)
    assert.equal(await acts.release(all, 'bob'), 'listeners primary, replicas: not held by request')
  })

  const demo = { cluster: null, member: 'pg9' }
  const rows: readonly (readonly [string, readonly string[], (acts: RouterActs) => Promise<unknown>])[] = [
    ['there is no member pg9: there is pg1, pg2, pg3', ['demo'], (acts) => acts.setMember(demo, 'drain', null, 'a')],
    [
      'there is no member pg9 in two: there is pg1, pg2, pg3',
      ['one', 'two'],
      (acts) => acts.setMember({ ...demo, cluster: 'two' }, 'ready', null, 'a'),
    ],
    [
      'there are several clusters: name one of one, two',
      ['one', 'two'],
      (acts) => acts.setMember(demo, 'drain', null, 'a'),
    ],
    [
      'there is no cluster x: there is demo',
      ['demo'],
      (acts) => acts.hold({ cluster: 'x', listener: null }, null, 'a'),
    ],
    [
      'there is no listener x: there is primary, replicas',
      ['demo'],
      (acts) => acts.release({ cluster: null, listener: 'x' }, 'a'),
    ],
    ['a hold lasts 1h at most', ['demo'], (acts) => acts.hold({ cluster: null, listener: null }, 3_600_001, 'a')],
    ['a duration is longer than 0', ['demo'], (acts) => acts.hold({ cluster: null, listener: null }, 0, 'a')],
    [
      'a duration is longer than 0',
      ['demo'],
      (acts) => acts.setMember({ cluster: null, member: 'pg2' }, 'maint', 0, 'a'),
    ],
    ['there is no member pg9: there is pg1, pg2, pg3', ['demo'], (acts) => acts.sessions({ member: 'pg9' }, 1)],
    [
      'several clusters have member pg2: name one of one, two',
      ['one', 'two'],
      (acts) => acts.closeSessions({ member: 'pg2' }, 'a'),
    ],
    [
      'several clusters have listener primary: name one of one, two',
      ['one', 'two'],
      (acts) => acts.closeSessions({ listener: 'primary' }, 'a'),
    ],
    [
      'there is no listener x: there is primary, replicas, removed',
      ['one', 'two'],
      (acts) => acts.closeSessions({ listener: 'x' }, 'a'),
    ],
    [
      'a client is an IP address without port, or the path of a Unix socket',
      ['demo'],
      (acts) => acts.closeSessions({ client: '10.0.0.9:5000' }, 'a'),
    ],
    [
      'a limit is a whole number; 0: none',
      ['demo'],
      (acts) => acts.limitListener({ cluster: null, listener: 'primary' }, -1, 'a'),
    ],
  ]
  for (const [message, names, act] of rows)
    test(`is refused, and nothing changes: ${message} (${names.join(', ')})`, async () => {
      await assert.rejects(() => act(actsOf(...names)), { code: 'ACT_REFUSED', message })
      assert.deepEqual([lines, changed, asked], [[], [], []])
    })

  test('an override whose member has left the cluster can be ended', async () => {
    const acts = actsOf('demo')
    await store.setMember('demo', 'pg9', { state: 'drain', forMs: null, by: 'alice' })
    assert.match(await acts.setMember({ cluster: null, member: 'pg9' }, 'ready', null, 'bob'), /^member pg9: ready/)
    assert.equal(store.of('demo').members.size, 0)
  })

  test('sessions are those of all clusters, the oldest first, or of one', async () => {
    const acts = actsOf('demo', 'old')
    const { sessions, total } = await acts.sessions({ member: 'pg2' }, 1)
    assert.deepEqual([sessions.map((each) => each.cluster), total], [['old'], 10])
    assert.equal(await acts.closeSessions({ cluster: 'old', client: '10.0.0.9' }, 'bob'), 3)
    // A listener that is removed, as long as it has sessions.
    assert.equal(await acts.closeSessions({ cluster: 'old', listener: 'removed' }, 'bob'), 3)
    assert.deepEqual(asked, [
      ['demo', { member: 'pg2' }, 1],
      ['old', { member: 'pg2' }, 1],
      ['old', { client: '10.0.0.9' }, 'bob'],
      ['old', { listener: 'removed' }, 'bob'],
    ])
  })

  test('a limit of a listener is handed to its proxy, and logged', async () => {
    const acts = actsOf('demo')
    const where = { cluster: null, listener: 'primary' }
    assert.match(await acts.limitListener(where, 5, 'alice'), /^listener primary: at most 5 connections, until /)
    assert.deepEqual(
      [asked, lines],
      [[['demo', 'primary', 5]], ['info limit-set primary: at most 5 connections, by alice']],
    )
  })

  test('another configuration ends what it has no place for, and keeps what only its cluster is called otherwise', async () => {
    await store.setMember('demo', 'pg2', { state: 'drain', forMs: null, by: 'alice' })
    await store.hold('demo', ['primary', 'replicas'], 60_000, 'alice')
    store.reconfigure(new Map([['main', ['primary']]]), null, ['demo', 'main'])
    assert.equal(store.of('demo').members.size, 0)
    const { members, holds } = store.of('main')
    assert.deepEqual([[...members.keys()], [...holds.keys()]], [['pg2'], ['primary']])
    assert.match(lines.at(-1) ?? '', /^info hold-ended replicas: .* \(it is no longer configured\)$/)
    store.reconfigure(new Map([['other', ['primary']]]), null, null)
    assert.equal(store.of('main').members.size + store.of('main').holds.size, 0)
  })
})
