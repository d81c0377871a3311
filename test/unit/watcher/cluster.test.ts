/** Keys of a cluster as Patroni writes them in all its versions, and as nobody should. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Cluster, parseCluster } from '../../../src/watcher/cluster.ts'
import { parseMember } from '../../../src/watcher/members/member.ts'

const keys = (entries: Readonly<Record<string, string>>) =>
  new Map(Object.entries(entries).map(([key, value]) => [key, { value, session: '7' }]))
const cluster = (entries: Readonly<Record<string, string>>): Cluster => parseCluster(keys(entries))
const EMPTY = cluster({})

describe('a member', () => {
  const conn = (url: string): string => JSON.stringify({ conn_url: url })
  const at = (value: string): string => {
    const member = parseMember('pg1', value)
    return typeof member === 'string' ? member : `${String(member.host)} ${member.port}`
  }

  const written: readonly [string, string, object][] = [
    [
      'Patroni 2.1',
      '{"conn_url":"postgres://10.0.0.1:5432/postgres","api_url":"http://10.0.0.1:8008/patroni","state":"running","role":"master","version":"2.1.7","xlog_location":67395656,"timeline":1}',
      {
        role: 'master',
        version: '2.1.7',
        position: 67395656,
        timeline: 1,
        replicationState: null,
        pendingRestart: false,
      },
    ],
    [
      'Patroni 3.3',
      '{"conn_url":"postgres://10.0.0.1:5432/postgres","api_url":"http://10.0.0.1:8008/patroni","state":"running","role":"replica","version":"3.3.2","tags":{"noloadbalance":true},"pending_restart":true,"pending_restart_reason":{"max_connections":{"old_value":"100","new_value":"101"}},"xlog_location":5,"replication_state":"streaming","timeline":1}',
      {
        role: 'replica',
        tags: { noloadbalance: true },
        pendingRestart: true,
        replicationState: 'streaming',
        position: 5,
      },
    ],
    [
      'Patroni 4.1',
      '{"conn_url":"postgres://10.0.0.1:5432/postgres","api_url":"http://10.0.0.1:8008/patroni","state":"running","role":"replica","version":"4.1.4","xlog_location":1,"replay_lsn":1,"receive_lsn":1,"replication_state":"streaming","timeline":2,"pause":true}',
      { role: 'replica', version: '4.1.4', position: 1, timeline: 2 },
    ],
    [
      'a fresh primary of Patroni 4',
      '{"conn_url":"postgres://10.0.0.1:5432/postgres","api_url":"http://10.0.0.1:8008/patroni","state":"running","role":"primary","version":"4.0.1","checkpoint_after_promote":false,"xlog_location":9,"timeline":3}',
      { role: 'primary', position: 9 },
    ],
  ]
  for (const [title, value, expected] of written) {
    test(`of ${title} is understood`, () => {
      const member = parseMember('pg1', value)
      const common = { name: 'pg1', host: '10.0.0.1', port: 5432, restUrl: 'http://10.0.0.1:8008' }
      assert.ok(typeof member === 'object')
      assert.deepEqual({ ...member, ...common, ...expected }, member)
    })
  }

  test('that is still being created has no address yet', () => {
    const value = '{"state":"creating replica","role":"uninitialized","version":"4.0.1"}'
    const member = parseMember('pg1', value)
    assert.ok(typeof member === 'object')
    assert.deepEqual([member.host, member.restUrl, member.state], [null, null, 'creating replica'])
  })

  const addresses: readonly [string, string][] = [
    ['postgres://10.0.0.1:5433/postgres', '10.0.0.1 5433'],
    ['postgresql://10.0.0.1:5433/postgres', '10.0.0.1 5433'],
    ['postgres://10.0.0.1/postgres', '10.0.0.1 5432'],
    ['postgres://db-1.example.com', 'db-1.example.com 5432'],
    ['postgres://10.0.0.1:/postgres', '10.0.0.1 5432'],
    ['postgres://user:pa%40ss@10.0.0.1:5433/postgres', '10.0.0.1 5433'],
    ['postgres://user:p@ss@10.0.0.1:5433/postgres', '10.0.0.1 5433'],
    ['postgres://a:5433,b:5434/postgres', 'a 5433'],
    ['postgres://a,b:5434/postgres', 'a 5432'],
    ['postgres://[2001:db8::1]:5433/postgres', '2001:db8::1 5433'],
    ['postgres://user@[fe80::1%eth0]/postgres', 'fe80::1%eth0 5432'],
    ['postgres://10.0.0.1:5432?sslmode=require', '10.0.0.1 5432'],
    ['postgres://[fe80::1%25eth0]:5433/postgres', 'fe80::1%eth0 5433'],
    ['postgres://[::ffff:10.0.0.1]/postgres', '::ffff:10.0.0.1 5432'],
    ['postgres://user:12%2FPASS@h/postgres', 'h 5432'],
    ['postgres://u%40x:p%23%3F@h:5433/postgres', 'h 5433'],
    ['postgres://db%2d1.example.com/postgres', 'db-1.example.com 5432'],
    ['postgres://db_1.example.com.:5433/postgres', 'db_1.example.com. 5433'],
    ['postgres:///postgres?host=a&port=5433', 'a 5433'],
    ['postgres://?host=a,b', 'a 5432'],
    ['postgres:///postgres?hostaddr=10.0.0.1', '10.0.0.1 5432'],
    ['postgres://a:5433/postgres?host=a&port=5433', 'a 5433'],
  ]
  for (const [url, expected] of addresses)
    test(`at ${url} is at ${expected}`, () => assert.equal(at(conn(url)), expected))

  test('with a REST API at a link-local address is asked there', () => {
    const value = { conn_url: 'postgres://[fe80::1%25eth0]/', api_url: 'https://[fe80::1%25eth0]:8008/patroni' }
    const member = parseMember('pg1', JSON.stringify(value))
    assert.ok(typeof member === 'object')
    assert.deepEqual([member.host, member.restUrl], ['fe80::1%eth0', 'https://[fe80::1%25eth0]:8008'])
  })

  const strange: readonly [string, RegExp][] = [
    ['', /not a JSON object/],
    ['{"conn_url":', /not a JSON object/],
    ['[]', /not a JSON object/],
    ['null', /not a JSON object/],
    ['"text"', /not a JSON object/],
    ['NaN', /not a JSON object/],
    [conn('mysql://10.0.0.1'), /not a postgres URL/],
    [conn('postgres://'), /no usable host/],
    [conn('postgres://%2Ftmp/postgres'), /no usable host/],
    [conn('postgres://2001:db8::1:5432/'), /no usable host/],
    [conn('postgres://10.0.0.1:0/'), /out of range/],
    [conn('postgres://10.0.0.1:65536/'), /out of range/],
    [conn(`postgres://10.0.0.1:${'9'.repeat(400)}/`), /out of range/],
    [conn('postgres://10.0.0.1:5432x/'), /no usable host/],
    [conn('postgres://a b:5432/'), /no usable host/],
    ...[
      'user:12/PASS@h',
      'user:12#PASS@h',
      'user:12?PASS@h/db',
      'user:p@ss/w@h:5432/db',
      'user/PASS@h',
      'u:1?x=y@h',
    ].map((rest): [string, RegExp] => [
      conn(`postgres://${rest}`),
      /^conn_url has an @ after its host: a \/, \? or # in a/,
    ]),
    [conn('postgres://h%3A1/'), /no usable host/],
    [conn('postgres://pg1..example.org:5432/'), /no usable host/],
    [conn('postgres://.pg1:5432/'), /no usable host/],
    [conn('postgres://*:5432/'), /no usable host/],
    [conn('postgres://h%40x/'), /no usable host/],
    [conn('postgres://h%zz/'), /no usable host/],
    [conn('postgres://h%0ax/'), /no usable host/],
    [conn('postgres://[h]/'), /no usable host/],
    [conn('postgres://[::1/'), /no usable host/],
    [conn('postgres:///postgres'), /no usable host/],
    [conn('postgres:///postgres?host=/tmp'), /no usable host/],
    [conn('postgres://a/postgres?host=b'), /names two hosts/],
    [conn('postgres://a:1/postgres?port=2'), /names two ports/],
    [conn('postgres:///x?host=a&host=b'), /names two hosts/],
    [conn('postgres://a/x?port=70000'), /out of range/],
    [conn('postgres://a/x?port=no'), /no usable port/],
    [JSON.stringify({ conn_url: 'postgres://a', proxy_url: 'postgres://user:12/PASS@h' }), /^proxy_url has an @ after/],
    [JSON.stringify({ conn_url: 'postgres://a', api_url: 'http://user:12/PASS@h:8008/patroni' }), /api_url/],
    [JSON.stringify({ conn_url: 'postgres://a', api_url: 'http://user:12#PASS@h:8008/patroni' }), /api_url/],
    [conn('postgres://a\nb:5432/'), /no usable host/],
    [conn('postgres://a\u202eb:5432/'), /no usable host/],
    [JSON.stringify({ conn_url: 'postgres://a', api_url: 'ftp://a/' }), /api_url/],
    [JSON.stringify({ conn_url: 'postgres://a', api_url: 'http://a\n:8008/' }), /api_url/],
    [JSON.stringify({ conn_url: 'postgres://a', api_url: 'http://' }), /api_url/],
  ]
  for (const [value, reason] of strange) {
    test(`is ignored when it is ${JSON.stringify(value).slice(0, 80)}`, () => assert.match(at(value), reason))
  }

  test('keeps no password and no user name of its URLs, understood or not', () => {
    const secret = 'user:s3cret@'
    const values = [
      JSON.stringify({ conn_url: `postgres://${secret}a:1/`, api_url: `https://${secret}a:8008/patroni` }),
      JSON.stringify({ conn_url: `postgres://${secret}a:99999/` }),
      JSON.stringify({ conn_url: `postgres://${secret}` }),
      JSON.stringify({ conn_url: 'postgres://a', api_url: `ftp://${secret}a/` }),
      `postgres://${secret}a:5432/postgres?application_name=http://${secret}a:8008/patroni`,
      `{"conn_url":"postgres://${secret}a`,
    ]
    for (const value of values) assert.doesNotMatch(JSON.stringify(cluster({ 'members/pg1': value })), /s3cret|user/)
  })

  test("has a REST API that is read at the router's own paths only", () => {
    for (const path of ['', '/', '/patroni', '/evil?x=1', '/a/../b#c', '/%0d%0aX:y']) {
      const member = parseMember('pg1', JSON.stringify({ conn_url: 'postgres://a', api_url: `http://a:8008${path}` }))
      assert.ok(typeof member === 'object', path)
      assert.equal(member.restUrl, 'http://a:8008')
    }
  })

  test('of the first Patronis is a mere URL, with the REST API in it', () => {
    const value = 'postgres://replicator:rep@10.0.0.1:5433/postgres?application_name=http://10.0.0.1:8008/patroni'
    const member = parseMember('pg1', value)
    assert.ok(typeof member === 'object')
    assert.deepEqual([member.host, member.port, member.restUrl], ['10.0.0.1', 5433, 'http://10.0.0.1:8008'])
  })

  test('may have a pooler of its own, and is ignored when its address makes no sense', () => {
    const conn_url = 'postgres://10.0.0.1:5432/postgres'
    const parsed = parseMember('pg1', JSON.stringify({ conn_url, proxy_url: 'postgres://user:pw@[::1]:6432/postgres' }))
    assert.ok(typeof parsed === 'object')
    assert.deepEqual([parsed.host, parsed.proxy], ['10.0.0.1', { host: '::1', port: 6432 }])
    assert.equal(parseMember('pg1', JSON.stringify({ conn_url, proxy_url: 'x' })), 'proxy_url is not a postgres URL')
  })

  test('has tags that are plain values only', () => {
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
    const member = parseMember('pg1', `{"tags":{"a":"x","b":1,"c":true,"d":null,"e":{},"__proto__":2,"deep":${deep}}}`)
    assert.ok(typeof member === 'object')
    assert.deepEqual(Object.entries(member.tags), [
      ['a', 'x'],
      ['b', 1],
      ['c', true],
      ['__proto__', 2],
    ])
    JSON.stringify(structuredClone(member))
  })

  test('has numbers that are finite, or none', () => {
    const member = parseMember(
      'pg1',
      '{"timeline":1e999,"xlog_location":"12","replay_lsn":1,"version":{"a":1},"role":7}',
    )
    assert.ok(typeof member === 'object')
    assert.deepEqual([member.timeline, member.position, member.version, member.role], [null, 12, null, 'unknown'])
  })

  test('says nothing that deceives a terminal', () => {
    const member = parseMember('pg1', JSON.stringify({ role: 'a\u001b[2J', state: `b\u202e${'x'.repeat(1000)}` }))
    assert.ok(typeof member === 'object')
    assert.equal(member.role, 'a\ufffd[2J')
    assert.equal(member.state.length, 64)
  })
})

describe('a cluster', () => {
  test('sets aside the members it does not understand, and only these, with a key fit to be shown', () => {
    const value = '{"conn_url":"postgres://a"}'
    const names = ['pg 2', '__proto__', 'constructor', 'pg:1', 'pgß', 'a'.repeat(255)]
    const hostile = [
      '',
      'a/b',
      'a\nb',
      'a\u001b[31m',
      'a\u202eb',
      'a\ufffdb',
      '\ud800',
      'x'.repeat(256),
      'y'.repeat(1_000_000),
    ]
    const all = [...names, ...hostile].map((name) => [`members/${name}`, { value, session: '1' }] as const)
    const { members, ignoredKeys } = parseCluster(new Map([...all, ['members/pg9', { value: '{', session: '1' }]]))
    assert.deepEqual(members.map(({ name }) => name).toSorted(), names.toSorted())
    assert.equal(ignoredKeys.length, hostile.length + 1)
    for (const { key, reason } of ignoredKeys) {
      assert.ok(key.length <= 80)
      assert.doesNotMatch(key + reason, /[\p{Cc}\p{Cf}\p{Cs}]/u)
    }
    const last = ignoredKeys.find(({ key }) => key === 'members/pg9')
    assert.equal(last?.reason, 'the value is not a JSON object')
    const keys = ignoredKeys.map(({ key }) => key)
    assert.deepEqual(keys, keys.toSorted())
  })

  test('sets aside a value of more than a megabyte', () => {
    const { ignoredKeys } = cluster({
      'members/pg1': JSON.stringify({ conn_url: 'postgres://a', x: 'x'.repeat(1_100_000) }),
    })
    assert.deepEqual(ignoredKeys, [{ key: 'members/pg1', reason: 'the value is too large' }])
  })

  test('has the leader that its key names, verbatim', () => {
    assert.deepEqual(cluster({ leader: 'pg1' }).leader, { name: 'pg1', session: '7' })
    assert.deepEqual(cluster({ leader: ' pg1' }).leader?.name, ' pg1')
    assert.equal(cluster({ leader: '' }).leader, null)
    assert.equal(EMPTY.leader, null)
  })

  test('has a leader that is no member when the name cannot be one', () => {
    for (const name of ['a\u001b[2Jb', 'x'.repeat(1000), 'a\ufffdb']) {
      const { leader, members } = cluster({ leader: name, [`members/${name}`]: '{"conn_url":"postgres://a"}' })
      assert.ok(leader !== null && leader.name.length <= 255 && leader.name.includes('\ufffd'))
      assert.deepEqual(members, [])
    }
  })

  const pauses: readonly [string, boolean][] = [
    ['true', true],
    ['false', false],
    ['null', false],
    ['1', true],
    ['0', false],
    ['"on"', true],
    ['"off"', false],
    ['"TRUE"', true],
    ['"yes"', true],
    ['"no"', false],
    ['"2"', false],
    ['[]', false],
    ['{}', false],
  ]
  for (const [value, expected] of pauses) {
    test(`is ${expected ? '' : 'not '}paused by ${value}`, () => {
      assert.equal(cluster({ config: `{"pause":${value}}` }).paused, expected)
    })
  }

  const standbys: readonly [string, boolean][] = [
    ['{"host":"10.0.0.9"}', true],
    ['{"port":5432}', true],
    ['{"restore_command":"cp"}', true],
    ['{}', false],
    ['{"host":""}', false],
    ['{"host":null,"port":0}', false],
    ['{"create_replica_methods":["x"]}', false],
    ['null', false],
    ['"x"', false],
    ['[1]', false],
  ]
  for (const [value, expected] of standbys) {
    test(`is ${expected ? 'a' : 'no'} standby cluster by ${value}`, () => {
      assert.equal(cluster({ config: `{"standby_cluster":${value}}` }).standbyCluster, expected)
    })
  }

  test('has no configuration where that makes no sense', () => {
    for (const config of ['', '{', '[]', 'null', '7', '"x"']) assert.deepEqual(cluster({ config }), EMPTY)
  })

  const failovers: readonly [string, object | null][] = [
    ['{"leader":"pg1","member":"pg2"}', { leader: 'pg1', member: 'pg2', scheduledAt: null }],
    ['{"leader":"pg1","member":null,"scheduled_at":null}', { leader: 'pg1', member: null, scheduledAt: null }],
    ['{"member":"pg2"}', { leader: null, member: 'pg2', scheduledAt: null }],
    ['pg1:pg2', { leader: 'pg1', member: 'pg2', scheduledAt: null }],
    ['pg1: pg2:x', { leader: 'pg1', member: 'pg2', scheduledAt: null }],
    ['pg1', { leader: 'pg1', member: null, scheduledAt: null }],
    [':pg2', { leader: null, member: 'pg2', scheduledAt: null }],
    ['{}', null],
    ['[]', null],
    ['null', null],
    ['"pg1"', null],
    ['7', null],
    ['', null],
    [':', null],
    ['{"leader":7,"member":["pg2"]}', null],
  ]
  for (const [value, expected] of failovers) {
    test(`has the failover ${JSON.stringify(expected)} by ${value}`, () => {
      assert.deepEqual(cluster({ failover: value }).failover, expected)
    })
  }

  const times: readonly [string, number][] = [
    ['2026-05-01T10:00:00+00:00', Date.UTC(2026, 4, 1, 10)],
    ['2026-05-01T10:00:00.123456+00:00', Date.UTC(2026, 4, 1, 10, 0, 0, 123)],
    ['2026-05-01T10:00:00+02:00', Date.UTC(2026, 4, 1, 8)],
    ['2026-05-01T10:00:00-03:30', Date.UTC(2026, 4, 1, 13, 30)],
    ['2026-05-01T10:00+00:00', Date.UTC(2026, 4, 1, 10)],
    ['2026-05-01T10:00:00Z', Date.UTC(2026, 4, 1, 10)],
    ['2026-05-01 10:00:00+00:00', Date.UTC(2026, 4, 1, 10)],
    ['whenever', Number.MAX_SAFE_INTEGER],
    ['tomorrow 5', Number.MAX_SAFE_INTEGER],
    ['5', Number.MAX_SAFE_INTEGER],
  ]
  for (const [value, expected] of times) {
    test(`has a switchover scheduled at ${value} at ${expected}`, () => {
      const failover = JSON.stringify({ leader: 'pg1', member: 'pg2', scheduled_at: value })
      assert.equal(cluster({ failover }).failover?.scheduledAt, expected)
    })
  }

  const optimes: readonly [Readonly<Record<string, string>>, number | null][] = [
    [{ status: '{"optime":67395656,"slots":{"a":1},"retain_slots":["a"]}' }, 67395656],
    [{ status: '{"optime":"67395656"}' }, 67395656],
    [{ status: '67395656' }, 67395656],
    [{ 'optime/leader': '67395656' }, 67395656],
    [{ status: '{"optime":5}', 'optime/leader': '4' }, 5],
    [{ status: '{', 'optime/leader': 'x' }, null],
    [{ status: '{"optime":null}' }, null],
  ]
  for (const [entries, expected] of optimes) {
    test(`is at ${String(expected)} by ${JSON.stringify(entries)}`, () =>
      assert.equal(cluster(entries).optime, expected))
  }

  for (const [value, expected] of [
    ['{"leader":"pg0","sync_standby":"pg1"}', ['pg1']],
    ['{"leader":"pg0","sync_standby":"PG1, pg2","quorum":1}', ['pg1', 'pg2']],
    ['{"leader":"pg0","sync_standby":""}', []],
    ['{"leader":"pg0","sync_standby":null}', []],
    ['{"leader":null,"sync_standby":"pg1"}', []],
    ['{}', []],
    ['[]', []],
    ['pg1', []],
  ] as const) {
    test(`has the synchronous replicas ${JSON.stringify(expected)} by ${value}`, () => {
      assert.deepEqual(parseCluster(keys({ sync: value })).syncStandbys, expected)
    })
  }

  test('ignores keys of others: groups of Citus, history, what a human left', () => {
    const others = {
      '0/leader': 'pg1',
      '0/members/pg1': '{',
      history: '[[1,2,"x"]]',
      failsafe: '{}',
      memberss: 'x',
      '': 'y',
    }
    assert.deepEqual(cluster(others), EMPTY)
  })

  test('is understood somehow whatever its keys hold', () => {
    const random = seeded(20_260_501)
    const names = [
      'leader',
      'config',
      'status',
      'failover',
      'initialize',
      'sync',
      'optime/leader',
      'members/a',
      'members/b',
    ]
    for (let round = 0; round < 3000; round++) {
      const entries = names.filter(() => random() < 0.7).map((name) => [name, mangled(random)] as const)
      const parsed = cluster(Object.fromEntries(entries))
      assert.deepEqual(structuredClone(parsed), parsed)
      JSON.stringify(parsed)
    }
  })

  test('is understood in no time, however deep and large its values are', () => {
    const since = performance.now()
    const deep = `${'{"a":'.repeat(150_000)}1${'}'.repeat(150_000)}`
    const hostile = [
      deep,
      '['.repeat(1_000_000),
      `"${'\\u0000'.repeat(150_000)}"`,
      `postgres://${'@'.repeat(900_000)}`,
      `{"conn_url":"postgres://${'['.repeat(500_000)}"}`,
    ]
    for (const value of hostile) {
      for (const key of ['leader', 'config', 'status', 'failover', 'members/a'])
        JSON.stringify(cluster({ [key]: value }))
    }
    assert.ok(performance.now() - since < 5000, `${performance.now() - since} ms`)
  })
})

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** A JSON value of Patroni's words, sometimes broken. */
function mangled(random: () => number): string {
  const words = [
    'conn_url',
    'api_url',
    'leader',
    'member',
    'optime',
    'pause',
    'standby_cluster',
    'host',
    'tags',
    'scheduled_at',
    '__proto__',
    'timeline',
    'state',
  ]
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const value = (depth: number): unknown => {
    const kind = Math.floor(random() * (depth > 3 ? 7 : 9))
    if (kind === 7) return Array.from({ length: 3 }, () => value(depth + 1))
    if (kind === 8) return Object.fromEntries(Array.from({ length: 5 }, () => [pick(words), value(depth + 1)]))
    return [
      null,
      true,
      '',
      random() * 1e20,
      -1,
      `postgres://${pick(words)}:${random() * 1e5}`,
      `http://${pick(words)}`,
    ][kind]
  }
  const text = JSON.stringify(random() < 0.8 ? Object.fromEntries(words.map((word) => [word, value(0)])) : value(0))
  return random() < 0.2 ? text.slice(0, random() * text.length) : text
}

test('has a quorum of synchronous standbys where Patroni is configured so', () => {
  for (const [mode, quorum] of [
    ['"quorum"', true],
    ['"Quorum"', true],
    ['true', false],
    ['"on"', false],
  ] as const)
    // prettier-ignore
    assert.equal(parseCluster(keys({ config: `{"synchronous_mode":${mode}}` })).quorum, quorum, mode)
})
