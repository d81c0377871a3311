import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasPrimary, statusJson } from '../../../../src/admin/status/json.ts'
import type { StatusJson } from '../../../../src/admin/status/schema.ts'
import { renderStatus, statusLine } from '../../../../src/admin/status/text.ts'
import { widthOf } from '../../../../src/text/terminal.ts'
import type { ClusterStatus, ConfigurationStatus, RouterStatus } from '../../../../src/admin/status.ts'
import { ENDINGS, REFUSALS } from '../../../../src/proxy/counters.ts'
import { NO_WATCHER_COUNTS } from '../../../../src/watcher/counts.ts'
import type { ClusterView, DcsView, PrimaryView } from '../../../../src/watcher/view.ts'
import { noted, NOW, sampleListener, sampleMember, sampleProxy, rendered, sampleStatus, sampleView } from '../sample.ts'
import type { PrimaryState } from '../../../../src/config/config.ts'

const none = {
  state: 'none',
  member: null,
  address: null,
  reason: 'the leader key is gone and no member reports that it is the primary',
  since: NOW - 12_000,
  epoch: 8,
  silences: 0,
  place: null,
  basis: '',
} as const

test('shows a healthy cluster as patronictl does, with what the router makes of it', () => {
  assert.equal(
    rendered(sampleStatus()),
    `primary: pg1 OPEN for 2m10s - it holds the leader lock and /primary confirms it
+ Cluster: demo (7268616322854375442) ---------+----+-----------+----------+------------+
| Member | Host          | Role    | State     | TL | Lag in MB | Used for | Sessions   |
+--------+---------------+---------+-----------+----+-----------+----------+------------+
| pg1    | 10.0.0.1:5432 | Leader  | running   |  3 |           | primary  | 12 primary |
| pg2    | 10.0.0.2:5432 | Replica | streaming |  3 |         5 | replica  | 4 replicas |
| pg3    | 10.0.0.3:5432 | Replica | running   |  3 |   unknown | nothing  |            |
+--------+---------------+---------+-----------+----+-----------+----------+------------+
 Primary     pg1 at 10.0.0.1:5432, open since 2026-11-20 03:12:44Z, epoch 7
 DCS         etcd3 up for 1d01h at 10.0.0.1:2379, last read 0.4s ago
 Held        no clients
 Listener    primary: 12 sessions, 0 held; route primary on [::]:5000
 Listener    replicas: 4 sessions, 0 held; route replica on [::]:5001
 Connections 1234 accepted, 0 refused, 3 closed by failover, 1 failed connect to members
 Not used    pg3: its REST API does not answer
 Router      patroni-router 0.1.0 on lb1, pid 4711, up 1d03h
`,
  )
})

test('shows for which reasons clients were refused and sessions ended', () => {
  const refusals = noted(REFUSALS, { 'hold-timeout': 12, shutdown: 1 })
  const endings = noted(ENDINGS, { 'client-timeout': 3 })
  const lines = rendered(sampleStatus({ view: sampleView(), proxy: sampleProxy({ refusals, endings }) })).split('\n')
  assert.ok(lines.includes(' Refused     12 hold-timeout, 1 shutdown'))
  assert.ok(lines.includes(' Closed      3 client-timeout'))
})

test('shows that lines of the log were dropped, and nothing where none was', () => {
  const line = (dropped: number): string | undefined =>
    /^ Log .*$/m.exec(rendered({ ...sampleStatus(), log: { dropped } }))?.[0]
  assert.equal(line(0), undefined)
  assert.equal(line(1), ' Log         1 line dropped since the start: its reader did not keep up')
})

test('says in the first line that there is no primary, why, and who waits', () => {
  const proxy = sampleProxy({ held: { connections: 37, oldestMs: 11_234 } })
  const [first = ''] = rendered(sampleStatus({ view: sampleView({ primary: none }), proxy }), 200).split('\n')
  assert.equal(
    first,
    'primary: NONE for 12s - the leader key is gone and no member reports that it is the primary; ' +
      '37 clients held, the oldest for 11s',
  )
})

test("shows the source of the leader's name, and nothing of a DCS that was not read", () => {
  const primaryLine = (changes: Partial<ClusterView>, dcs: Partial<DcsView>): string | undefined => {
    const view = sampleView({ ...changes, dcs: { ...sampleView().dcs, ...dcs } })
    return /^ Primary .*$/m
      .exec(rendered(sampleStatus({ view, proxy: null })))?.[0]
      .replace(/^.*\d+Z(, epoch \d+)?/, '')
  }
  const nobody = { ...sampleView().primary, member: null, state: 'none' } as const
  const rest = { kind: 'rest', leaderFrom: 'members' } as const
  assert.equal(primaryLine({ leader: 'pg2' }, {}), '; the DCS names pg2')
  assert.equal(primaryLine({ leader: null }, { state: 'lost' }), '; the DCS last named no leader')
  assert.equal(primaryLine({ leader: null }, { state: 'never' }), '')
  assert.equal(primaryLine({ leader: 'pg2' }, rest), '; the members name pg2')
  assert.equal(primaryLine({ leader: 'pg2', primary: nobody }, rest), '; the members name pg2')
  assert.equal(primaryLine({ leader: null, primary: nobody }, {}), '')
})

test('does not call a primary without a lock a replica', () => {
  const primary = { ...sampleView().primary, state: 'unlocked' } as const
  const text = rendered(sampleStatus({ view: sampleView({ leader: null, primary }), proxy: null }))
  assert.match(text, /\| pg1 .*\| Primary +\|/)
  assert.match(text, /\| pg2 .*\| Replica +\|/)
})

test('shows the state of a primary that is held, and the leader that the DCS names instead', () => {
  const primary = { ...sampleView().primary, state: 'unreachable', reason: 'connection refused' } as const
  const text = rendered(sampleStatus({ view: sampleView({ primary, leader: null }), proxy: sampleProxy() }))
  assert.match(text, /^primary: pg1 UNREACHABLE for 2m10s - connection refused\n/)
  assert.match(text, /\| pg1 .*\| unreachable \| 12 primary/)
  assert.match(text, /; the DCS names no leader\n/)
})

test('shows a lost DCS, its age and why', () => {
  const dcs = {
    ...sampleView().dcs,
    state: 'lost',
    since: NOW - 88_000,
    readAt: NOW - 90_000,
    error: 'refused',
  } as const
  const text = rendered(sampleStatus({ view: sampleView({ dcs }), proxy: null }))
  assert.match(text, /DCS +etcd3 LOST for 1m28s at 10\.0\.0\.1:2379, last read 1m30s ago - refused\n/)
  assert.match(text, /Proxy +off\n/)
})

test('shows the routes that use a member, why another is not used, its lag, and the fallback', () => {
  const members = [
    sampleMember('pg1', {
      isLeader: true,
      replica: { fit: false, checked: true, down: false, reason: 'the leader', cause: 'leads' },
    }),
    sampleMember('pg2', { isSync: true, lagBytes: 0 }),
    sampleMember('pg3', { lagBytes: 20 * 1024 ** 2 }),
  ]
  const lag = 'lag 20 MB above 16 MB'
  const listeners = [
    sampleListener('rw', 'primary', { pg1: '', pg2: 'is a replica', pg3: 'is a replica' }),
    sampleListener('ro', 'replica', { pg1: 'is the leader', pg2: '', pg3: lag }),
    sampleListener('sync', 'sync', { pg1: 'is the leader', pg2: '', pg3: 'is not synchronous' }),
    sampleListener('near', 'replica', { pg1: 'is the leader', pg2: 'has no tag dc', pg3: lag }, { fallback: true }),
  ]
  const text = rendered(
    sampleStatus({ view: sampleView({ members }), proxy: sampleProxy({ listeners, sessions: [] }) }),
    120,
  )
  assert.match(text, /\| pg2 .*\| Sync Standby \|.*\| +0 \| replica, sync +\|/)
  assert.match(text, /\| pg3 .*\| Replica +\|.*\| +20 \| nothing +\|/)
  assert.match(
    text,
    /^ Listener +near: 0 sessions, 0 held; FALLBACK: new connections go to the primary; route replica on .*$/m,
  )
  assert.match(text, /^ Not used +pg3 by ro: lag 20 MB above 16 MB$/m)
  assert.match(text, /^ Not used +pg2 by near: has no tag dc$/m)
  assert.doesNotMatch(text, /Not used +pg[123] by rw|pg1 by ro/)
})

test('shows listeners without a usable member', () => {
  const listeners = [
    sampleListener('rw', 'primary', { pg1: 'promoting: why', pg2: 'is a replica' }),
    sampleListener('ro', 'replica', { pg1: 'is the leader', pg2: '' }),
    sampleListener('sync', 'sync', { pg1: 'is the leader', pg2: 'is not synchronous' }, { held: 2 }),
    sampleListener('near', 'replica', { pg1: 'is the leader', pg2: 'has no tag dc' }, { fallback: true }),
  ]
  const text = rendered(sampleStatus({ view: sampleView(), proxy: sampleProxy({ listeners }) }), 120)
  assert.deepEqual(text.match(/^.*NO USABLE.*$/gm), [
    ' Listener    sync: 0 sessions, 2 held; NO USABLE MEMBER: new connections are held; route sync on [::]:5000',
  ])
})

test('shows why a route that may use the primary does not', () => {
  const leads = {
    isLeader: true,
    replica: { fit: false, checked: true, down: false, reason: 'the leader', cause: 'leads' },
  } as const
  const members = [sampleMember('pg1', leads), sampleMember('pg2')]
  const listeners = [
    sampleListener('near', 'read-only', { pg1: 'has no tag dc', pg2: '' }),
    sampleListener('ro', 'replica', { pg1: 'is the leader', pg2: '' }),
  ]
  const shown = (state: PrimaryState): string => {
    const view = sampleView({ members, primary: { ...sampleView().primary, state } })
    return rendered(sampleStatus({ view, proxy: sampleProxy({ listeners }) }))
  }
  assert.deepEqual(shown('open').match(/Not used.*$/gm), ['Not used    pg1 by near: has no tag dc'])
  // That it is not open is said in the first line.
  assert.equal(shown('promoting').includes('Not used'), false)
})

for (const [width, standbyCluster, columns] of [
  [80, false, ['Member', 'Host', 'Role', 'State', 'Lag in MB', 'Used for']],
  [80, true, ['Member', 'Host', 'Role', 'State', 'Lag in MB', 'Used for']],
  [100, false, ['Member', 'Host', 'Role', 'State', 'TL', 'Lag in MB', 'Used for', 'Sessions']],
  [120, false, ['Member', 'Host', 'Role', 'State', 'TL', 'Lag in MB', 'Used for', 'Sessions']],
] as const) {
  test(`fits ${width} columns with many routes${standbyCluster ? ', a standby leader' : ''} and long names`, () => {
    const [first, second] = ['postgres-demo-0', 'postgres-demo-1']
    const unfit = { fit: false, checked: true, down: false, reason: 'the leader', cause: 'leads' } as const
    const members = [
      sampleMember(first, { isLeader: true, host: 'postgres-demo-0.example.org', replica: unfit }),
      sampleMember(second, {
        host: 'postgres-demo-1.example.org',
        isSync: true,
        replicationState: 'in archive recovery',
      }),
    ]
    const address = '127.0.0.1:5001, [::1]:5001, /run/patroni-router/.s.PGSQL.5001'
    const listeners = (['primary', 'replica', 'sync', 'read-only'] as const).map((route) =>
      sampleListener(route, route, { [first]: '', [second]: '' }, { sessions: 100, address }),
    )
    const sessions = [first, second].flatMap((member) =>
      listeners.map(({ name }) => ({ member, listener: name, sessions: 100 })),
    )
    const primary = { ...sampleView().primary, member: first }
    const view = sampleView({ leader: first, members, primary, standbyCluster })
    const lines = rendered(sampleStatus({ view, proxy: sampleProxy({ listeners, sessions }) }), width).split('\n')
    assert.ok(Math.max(...lines.map(widthOf)) <= width, lines.join('\n'))
    const [heading, row] = lines
      .filter((line) => line.startsWith('| '))
      .map((line) =>
        line
          .slice(2, -1)
          .trim()
          .split(/ +\| +/),
      )
    assert.deepEqual(heading, columns)
    assert.match(row?.join('|') ?? '', /^post[^|]*-0\|postg[^|]*\|.*\| *pri/)
  })
}

test('tells apart the names of a long kind in the first line, and hosts, however narrow the terminal is', () => {
  const [first, second] = ['a', 'b'].map((end) => `${'postgresql-production-'.repeat(3)}${end}`)
  assert.ok(first !== undefined && second !== undefined)
  const members = [first, second].map((name) => sampleMember(name, { host: `${name}.example.com`, port: 6432 }))
  for (const width of [40, 60]) {
    const heads = [first, second].map((member) => {
      const view = sampleView({ members, leader: member, primary: { ...sampleView().primary, member } })
      const lines = rendered(sampleStatus({ view, proxy: null }), width).split('\n')
      assert.ok(Math.max(...lines.map(widthOf)) <= width, lines.join('\n'))
      assert.match(lines.join('\n'), /Host +postg.*m:6432/)
      return lines.slice(0, 2).join(' ')
    })
    assert.notEqual(heads[0], heads[1])
  }
})

test('shows pause, a standby cluster and a Citus group', () => {
  const view = sampleView({ paused: true, standbyCluster: true, citusGroup: 0, primary: none })
  const text = rendered(sampleStatus({ view, proxy: sampleProxy() }))
  assert.match(text, /^\+ Cluster: demo \(group: 0, 7268616322854375442\) /m)
  assert.match(text, /^ Maintenance mode: on/m)
  assert.match(text, /^ Standby cluster: /m)
  assert.match(text, /\| Standby Leader \|/)
})

test('shows a cluster as uninitialized where a DCS says so, and not where it cannot be known', () => {
  const { dcs } = sampleView()
  const cases: readonly [Partial<DcsView>, RegExp][] = [
    [{}, /^\+ Cluster: demo \(uninitialized\) -/m],
    [{ state: 'never', readAt: null }, /^\+ Cluster: demo -/m],
    [{ kind: 'file', leaderFrom: 'description' }, /^\+ Cluster: demo -/m],
    [{ kind: 'patroni', leaderFrom: 'members' }, /^\+ Cluster: demo -/m],
  ]
  for (const [changes, title] of cases)
    assert.match(
      rendered(sampleStatus({ view: sampleView({ systemId: null, dcs: { ...dcs, ...changes } }), proxy: null })),
      title,
    )
})

test('shows what a person should know of the DCS while it is up', () => {
  const notice = { event: 'foreign-etcd' as const, subject: 'http://b', message: 'http://b leads elsewhere', over: '' }
  const view = sampleView({ dcs: { ...sampleView().dcs, notices: [notice] } })
  assert.match(rendered(sampleStatus({ view, proxy: null })), /^ DCS +http:\/\/b leads elsewhere$/m)
})

test('shows ignored keys, members that are gone, and sessions on members that no source names any more', () => {
  const gone = sampleMember('pg9', {
    gone: true,
    host: null,
    replica: { fit: false, checked: true, down: true, reason: 'gone' },
  })
  const view = sampleView({
    members: [gone],
    ignoredKeys: [{ key: 'members/pg8', reason: 'the value is not a JSON object' }],
  })
  const text = rendered(sampleStatus({ view, proxy: sampleProxy() }))
  assert.match(text, /\| pg9 +\| +\| Replica \| gone +\| .*nothing: down/)
  assert.match(text, /^ Ignored +members\/pg8: the value is not a JSON object$/m)
  assert.match(text, /^ Sessions +4 sessions of listener replicas on pg2, which is no longer a member$/m)
})

test('says which cluster each part is about when there are several', () => {
  const second = { view: sampleView({ name: 'other', primary: none }), proxy: null }
  const text = rendered(sampleStatus({ view: sampleView(), proxy: sampleProxy() }, second))
  assert.match(text, /^primary of demo: pg1 OPEN/m)
  assert.match(text, /^primary of other: NONE/m)
})

test('lets nothing out of the DCS act on the terminal, keeps the columns, and fits 100 columns', () => {
  const evil = '\x1b]0;owned\x07\u202e\u009b2J\nroot'
  const members = [
    sampleMember(evil, {
      host: evil,
      state: evil,
      role: evil,
      replica: { fit: false, checked: true, down: false, reason: evil },
    }),
    sampleMember('日本'.repeat(30), { host: '2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff' }),
    sampleMember('x'.repeat(200_000)),
    sampleMember('e\u0301\u0336'),
  ]
  const view = sampleView({
    members,
    scope: evil,
    systemId: evil,
    leader: evil,
    primary: { ...sampleView().primary, member: evil, reason: evil },
    dcs: { ...sampleView().dcs, endpoint: evil, error: evil },
    ignoredKeys: Array.from({ length: 500 }, () => ({ key: evil, reason: evil })),
  })
  const proxy = sampleProxy({ sessions: [{ member: evil, listener: 'primary', sessions: 1 }] })
  const text = rendered(sampleStatus({ view, proxy }), 100)
  assert.doesNotMatch(text, /[^\n\P{C}]|\u202e/u)
  const lines = text.split('\n')
  assert.ok(Math.max(...lines.map(widthOf)) <= 100, text)
  const table = lines.filter((line) => /^[|+]/.test(line)).map(widthOf)
  assert.equal(new Set(table).size, 1, text)
  assert.ok(lines.length < 80, `${lines.length} lines`)
})

test('has a primary only where every cluster accepts new connections', () => {
  const states: readonly (readonly [state: PrimaryState, primary: boolean])[] = [
    ['open', true],
    ['unlocked', true],
    ['switching', false],
    ['promoting', false],
    ['unconfirmed', false],
    ['unreachable', false],
    ['unverified', false],
    ['none', false],
  ]
  const cluster = (state: PrimaryState) => ({
    view: sampleView({ primary: { ...sampleView().primary, state } }),
    proxy: null,
  })
  for (const [state, primary] of states)
    assert.equal(hasPrimary(statusJson(sampleStatus(cluster(state)))), primary, state)
  assert.equal(hasPrimary(statusJson(sampleStatus(cluster('open'), cluster('none')))), false)
  assert.equal(hasPrimary(statusJson({ ...sampleStatus(cluster('open')), stopping: true })), false)
})

test('says first of all that a router shuts down, and that it uses no member for new sessions', () => {
  const text = rendered({ ...sampleStatus(), stopping: true })
  assert.match(text, /^primary: pg1, but this router is SHUTTING DOWN: no new connections are accepted\n/)
  assert.doesNotMatch(text, /OPEN/)
  assert.match(text, /\| pg1 .*\| nothing +\| 12 primary \|/)
})

test('reports no promotion where the leader is only being checked, or is not confirmed', () => {
  const shown = (state: PrimaryState, reason: string, changes: Partial<PrimaryView> = {}): string => {
    const primary = { ...sampleView().primary, state, reason, ...changes }
    return rendered(sampleStatus({ view: sampleView({ primary }), proxy: sampleProxy() }))
  }
  assert.match(
    shown('unconfirmed', 'it holds the leader lock and is being checked', { cause: 'being-checked' }),
    /^primary: pg1 BEING CHECKED for 2m10s - it holds the leader lock and is/,
  )
  assert.match(shown('unconfirmed', 'it says no'), /^primary: pg1 NOT CONFIRMED for 2m10s - it says no\n/)
  assert.match(shown('promoting', 'it holds the lock'), /^primary: pg1 PROMOTING for 2m10s - it holds the lock\n/)
})

test('shows that a primary is on a lower timeline than one that served before', () => {
  const view = sampleView({ setBack: { timeline: 3, served: 5 } })
  const text = rendered(sampleStatus({ view, proxy: null }))
  const what =
    'primary: pg1 is on timeline 3, but a primary on timeline 5 served before: writes acknowledged there are gone'
  assert.ok(text.includes(`\n TIMELINE    ${what}\n`), text)
})

test('shows no lag of a member that runs as a primary without the lock', () => {
  const second = sampleMember('b', { role: 'master', position: 1, lagBytes: null })
  const members = [sampleMember('pg1', { role: 'primary' }), second]
  assert.match(rendered(sampleStatus({ view: sampleView({ members }), proxy: null })), /\| b .*\| +unknown \|/)
})

test('shows what Patroni is to do later: a scheduled switchover, and restarts that are pending', () => {
  const switchover = { leader: 'pg1', member: null, scheduledAt: NOW + 3_600_000 }
  const members = ['a', 'b', 'c'].map((name) =>
    sampleMember(name, { pendingRestart: name !== 'b', gone: name === 'c' }),
  )
  const text = rendered(sampleStatus({ view: sampleView({ switchover, members }), proxy: null }))
  const when = new Date(NOW + 3_600_000).toISOString()
  assert.ok(text.includes(`\n Scheduled   switchover from pg1 to another member scheduled for ${when}\n`), text)
  assert.ok(text.includes('\n Restart     pending on a\n'), text)
  assert.doesNotMatch(rendered(sampleStatus()), /Scheduled|Restart/)
})

test('shows no lag of members that are stopped, being created or gone, and the quorum as patronictl does', () => {
  const lag = { lagBytes: 0, isSync: true }
  const down = { fit: false, checked: true, down: true, reason: 'down' }
  const members = [
    sampleMember('a', { ...lag, state: 'stopped' }),
    sampleMember('b', { ...lag, state: 'creating replica' }),
    sampleMember('c', { ...lag, gone: true }),
    sampleMember('d', { ...lag, replica: down }),
    sampleMember('e', lag),
  ]
  const text = rendered(sampleStatus({ view: sampleView({ members, quorum: true }), proxy: null }))
  const rows = (text.match(/^\| [a-e] .*/gm) ?? []).map((row) => row.split('|').map((cell) => cell.trim()))
  const lags = rows.map((row) => row[6])
  assert.deepEqual(lags, ['unknown', 'unknown', 'unknown', 'unknown', '0'])
  assert.deepEqual(new Set(rows.map((row) => row[3])), new Set(['Quorum Standby']))
})

test('shortens nothing where the width is unknown', () => {
  const long = 'x'.repeat(300)
  const view = sampleView({ members: [sampleMember(long, { host: long })], scope: long, name: long })
  const text = rendered(sampleStatus({ view, proxy: sampleProxy() }))
  assert.doesNotMatch(text, /\.\.\./)
  assert.ok(text.includes(`| ${long} | ${long}:5432 |`) && text.includes(`+ Cluster: ${long} (`))
})

for (const [title, names] of [
  ['that end differently', ['db-prod-cluster-node01', 'db-prod-cluster-node02', 'db-prod-cluster-node03']],
  ['that begin differently', ['eu-west-1-db-prod-cluster-primary', 'us-west-1-db-prod-cluster-primary']],
  ['that differ in the middle', [1, 2, 3].map((n) => `${'a'.repeat(40)}${n}${'b'.repeat(40)}`)],
  ['that are wide', ['本', '日', '東'].map((n) => `${'京'.repeat(30)}${n}${'都'.repeat(30)}`)],
  ['one of which looks shortened', ['database...primary', `database${'-'.repeat(30)}primary`]],
] as const) {
  for (const width of [80, 70, 40, 24]) {
    test(`tells members apart ${title}, with their hosts, on ${width} columns`, () => {
      const members = names.map((name) => sampleMember(name, { host: `${name}.example.org` }))
      const text = rendered(sampleStatus({ view: sampleView({ members }), proxy: sampleProxy() }), width)
      const lines = text.split('\n')
      assert.ok(Math.max(...lines.map(widthOf)) <= width, text)
      const shown = lines.flatMap((line) => /^(?: Member |\| (?!Member))([^|\s]+)/.exec(line)?.[1] ?? [])
      assert.equal(new Set(shown).size, names.length, text)
      assert.match(text, /Host/)
    })
  }
}

test('shows each member as a record where no table fits', () => {
  const text = rendered(sampleStatus(), 50)
  assert.match(text, /^ Member pg2\n {3}Host +10\.0\.0\.2:5432\n {3}Role +Replica\n {3}State +streaming\n/m)
  assert.doesNotMatch(text, /^[|+]/m)
})

test('shows a part of the router that fails, before why members are not used', () => {
  const faults = [{ part: 'templates', message: 'x is not a function', since: NOW }]
  const text = rendered(sampleStatus({ view: sampleView(), proxy: null, faults }))
  assert.match(text, /^ FAULT +templates: an unexpected error, please report it: x is not a function\n Not used /m)
})

test('has one line that changes only with what it reports, the cluster without a primary first', () => {
  const line = (changes: Partial<RouterStatus> = {}): string =>
    statusLine(statusJson({ ...sampleStatus(), ...changes }))
  const healthy = 'primary: pg1 OPEN since 2026-11-20 03:12:44Z - it holds the leader lock and /primary confirms it'
  assert.equal(line(), healthy)
  assert.equal(line({ now: NOW + 60_000 }), healthy)
  assert.match(line({ stopping: true }), /^primary: pg1, but this router is SHUTTING DOWN/)
  const held = sampleProxy({ held: { connections: 37, oldestMs: 11_234 } })
  const lost: ClusterStatus = {
    view: sampleView({ name: 'a\n', primary: none }),
    proxy: held,
    counts: NO_WATCHER_COUNTS,
    localMember: null,
    faults: [],
  }
  assert.equal(
    line({ clusters: [...sampleStatus().clusters, lost] }),
    `primary of a\\x0a: NONE since 2026-11-20 03:14:42Z - ${none.reason}; 37 clients held; ${healthy.replace('primary', 'primary of demo')}`,
  )
})

test('says that the file of the configuration differs from what runs, and why, or that it is not loaded', () => {
  const file = '/etc/patroni-router/config.yml'
  const shown = (changes: Partial<ConfigurationStatus>): string | undefined => {
    const usual = { file, loadedAt: NOW - 9000, reloads: 0, refusals: 0, differsSince: NOW - 720_000, problems: [] }
    const text = rendered({ ...sampleStatus(), configuration: { ...usual, lastReload: null, ...changes } })
    return /^ Config +(.*)$/m.exec(text)?.[1]
  }
  const problems = ['config.yml:5:3: proxy.hold: is wrong', 'second', 'third']
  assert.equal(shown({ differsSince: null }), undefined)
  assert.equal(shown({}), `${file} was changed 12m00s ago and is not loaded: patroni-router reload`)
  assert.equal(
    shown({ problems }),
    `${file} DIFFERS from the running configuration, for 12m00s now, and cannot be loaded: ${problems[0] ?? ''} (3 problems; patroni-router reload lists them)`,
  )
  assert.match(shown({ problems: ['first'], file: null }) ?? '', /^the configuration DIFFERS .* loaded: first$/)
  assert.match(shown({ problems: ['\x1b[31m'] }) ?? '', /loaded: \\x1b\[31m$/)
})

/** The sample with pg1 or pg2 drained, as the router makes it of its view. */
function overridden(name: 'pg1' | 'pg2', until: number | null): RouterStatus {
  const override = { state: 'drain', by: 'alice', since: NOW - 60_000, until } as const
  const { primary, members } = sampleView()
  const view = sampleView({
    primary: name === 'pg1' ? { ...primary, override } : primary,
    members: members.map((member) => (member.name === name ? { ...member, override } : member)),
  })
  const why = 'drained by alice since 2026-11-20 03:13:54Z'
  const listeners = [
    sampleListener('primary', 'primary', { pg1: name === 'pg1' ? why : '', pg2: 'is a replica' }),
    sampleListener('replicas', 'replica', { pg1: 'is the leader', pg2: name === 'pg2' ? why : '' }),
  ]
  return sampleStatus({ view, proxy: sampleProxy({ listeners }) })
}

test('shows a drained replica in its row, with the user, the time left and what ends it', () => {
  const status = overridden('pg2', NOW + 720_000)
  const text = rendered(status)
  assert.match(text, /^primary: pg1 OPEN for 2m10s - /)
  assert.match(text, /^\| pg2 .* \| DRAIN by alice, 12m00s left \| 4 replicas \|$/m)
  const why = 'drained by alice since 2026-11-20 03:13:54Z, until 2026-11-20 03:26:54Z'
  assert.deepEqual(
    /^ Override .*$/m.exec(text)?.[0],
    ` Override    pg2: ${why}; to end it: patroni-router member ready pg2`,
  )
  assert.doesNotMatch(text, /Not used +pg2/)
  assert.equal(hasPrimary(statusJson(status)), true)
})

test('shows of a drained primary first that new connections are held', () => {
  const status = overridden('pg1', null)
  const why = 'drained by alice since 2026-11-20 03:13:54Z'
  const json = statusJson(status)
  assert.match(rendered(status), new RegExp(`^primary: pg1 DRAIN for 1m00s - ${why}: new connections are held\n`))
  assert.equal(statusLine(json), `primary: pg1 DRAIN since 2026-11-20 03:13:54Z - ${why}: new connections are held`)
  assert.match(rendered(status), /^ Primary {5}pg1 at 10.0.0.1:5432, open since 2026-11-20 03:12:44Z, epoch 7$/m)
  assert.equal(hasPrimary(json), false)
  // Without a proxy no connection depends on it.
  assert.equal(hasPrimary({ ...json, clusters: json.clusters.map((each) => ({ ...each, proxy: null })) }), true)
})

test('shows a listener that holds by request, and first where it is that of the primary', () => {
  const heldByRequest = { by: 'bob', since: NOW - 60_000, until: NOW + 240_000 }
  const shown = (name: string): RouterStatus => {
    const listeners = sampleProxy().listeners.map((each) => (each.name === name ? { ...each, heldByRequest } : each))
    return sampleStatus({
      view: sampleView(),
      proxy: sampleProxy({ listeners, held: { connections: 3, oldestMs: 5000 } }),
    })
  }
  const why = 'held by bob since 2026-11-20 03:13:54Z, until 2026-11-20 03:18:54Z'
  const text = rendered(shown('primary'))
  assert.match(text, new RegExp(`^primary: pg1 HELD - listener primary: ${why}; 3 clients held, the oldest for 5.0s\n`))
  assert.match(text, /^ Listener {4}primary: 12 sessions, 0 held; HELD by bob, 4m00s left; route primary/m)
  assert.ok(text.includes(` Override    listener primary: ${why}; to end it: patroni-router release primary\n`))
  assert.equal(hasPrimary(statusJson(shown('primary'))), false)
  assert.match(rendered(shown('replicas')), /^primary: pg1 OPEN for /)
  assert.equal(hasPrimary(statusJson(shown('replicas'))), true)
})

test('reads the status of a router that has no overrides yet', () => {
  const old = JSON.stringify(statusJson(sampleStatus()), (key, value: unknown) =>
    ['override', 'heldByRequest'].includes(key) ? undefined : value,
  )
  assert.equal(renderStatus(JSON.parse(old) as StatusJson), rendered(sampleStatus()))
  assert.equal(hasPrimary(JSON.parse(old) as StatusJson), true)
})
