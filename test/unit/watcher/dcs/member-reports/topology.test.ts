/** What members tell in `/cluster` and `/patroni`, of several versions of Patroni and of strangers. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RestReply } from '../../../../../src/watcher/checks/proof.ts'
import {
  MAX_MEMBERS,
  type Told,
  type Topology,
  understand,
} from '../../../../../src/watcher/dcs/member-reports/topology.ts'

const ID = '7268616322854375442'
const PATRONI = { state: 'running', database_system_identifier: ID, patroni: { version: '3.0.2', scope: 'demo' } }

const reply = (body: unknown, status = 200): RestReply => ({ kind: 'reply', status, body })
const SILENT: RestReply = { kind: 'none', reason: 'its REST API cannot be reached: ECONNREFUSED' }
const UNASKED: RestReply = { kind: 'unasked', reason: 'connect EMFILE' }

function entry(name: string, changes: object = {}): object {
  const api_url = `http://${name}.example.com:8008/patroni`
  return { name, role: 'replica', state: 'running', api_url, host: `${name}.example.com`, port: 5432, ...changes }
}

function told(cluster: object, patroni: object = PATRONI): Topology {
  const result = understand(reply(cluster), reply(patroni), 'demo')
  assert.ok(result.kind === 'told', JSON.stringify(result))
  return result.topology
}

describe('the answers of a member', () => {
  test('is understood as Patroni 3.0 writes it', () => {
    const members = [
      { ...entry('pg0', { role: 'leader', timeline: 5 }), lag: 'unknown' },
      entry('pg1', {
        role: 'sync_standby',
        timeline: 5,
        lag: 0,
        pending_restart: true,
        tags: { dc: 'a', nofailover: true },
      }),
    ]
    const { members: understood, ...rest } = told({ members, pause: true })
    assert.deepEqual(rest, {
      ignoredKeys: [],
      leader: 'pg0',
      standbyCluster: false,
      syncStandbys: ['pg1'],
      quorum: false,
      paused: true,
    })
    assert.deepEqual(understood[1], {
      name: 'pg1',
      host: 'pg1.example.com',
      port: 5432,
      proxy: null,
      restUrl: 'http://pg1.example.com:8008',
      role: 'replica',
      state: 'running',
      timeline: 5,
      position: null,
      replicationState: null,
      version: null,
      tags: { dc: 'a', nofailover: true },
      pendingRestart: true,
    })
    assert.equal(understood[0]?.role, 'primary')
  })

  test('is understood as Patroni 4.1 writes it', () => {
    const members = [
      entry('pg0', { role: 'leader', timeline: 2 }),
      entry('PG1', { role: 'quorum_standby', state: 'streaming', lsn: '0/3000148', lag: 0, receive_lag: 0 }),
      entry('pg2', { state: 'in archive recovery', receive_lsn: 'unknown', receive_lag: 'unknown' }),
    ]
    const at = '2030-01-01T00:00:00+00:00'
    const topology = told({ members, scope: 'demo', scheduled_switchover: { at, from: 'pg0', to: 'PG1' } })
    assert.deepEqual([topology.leader, topology.syncStandbys, topology.paused], ['pg0', ['pg1'], false])
    assert.equal(topology.quorum, true)
    assert.deepEqual(topology.switchover, { leader: 'pg0', member: 'PG1', scheduledAt: Date.UTC(2030, 0, 1) })
    for (const scheduled of [{}, null, 'soon', [], { at: '' }, { from: 'pg0' }])
      assert.equal(told({ members, scheduled_switchover: scheduled }).switchover, undefined)
    const strange = told({ members, scheduled_switchover: { at: 'soon', from: { a: 1 }, to: '\u001b[2J' } }).switchover
    assert.deepEqual([strange?.leader, strange?.scheduledAt], [null, Number.MAX_SAFE_INTEGER])
    assert.doesNotMatch(strange?.member ?? '', /\p{Cc}/u)
    assert.deepEqual(
      topology.members.map(({ state, replicationState }) => [state, replicationState]),
      [
        ['running', null],
        ['running', 'streaming'],
        ['running', 'in archive recovery'],
      ],
    )
  })

  test('is a standby cluster where it is led as one, and says nothing of that without a leader', () => {
    const lead = (role: string): unknown[] => {
      const { leader, standbyCluster } = told({ members: [entry('pg0', { role })] })
      return [leader, standbyCluster]
    }
    assert.deepEqual(lead('standby_leader'), ['pg0', true])
    assert.deepEqual(lead('leader'), ['pg0', false])
    assert.deepEqual(lead('replica'), [null, null])
    const both = told({ members: [entry('pg0', { role: 'leader' }), entry('pg1', { role: 'standby_leader' })] })
    assert.deepEqual([both.leader, both.standbyCluster], [null, null])
  })

  test('may lack addresses, or have those of IPv6', () => {
    const bare = { name: 'pg0', role: 'replica', state: 'creating replica', api_url: 'http://[::1]:8008/patroni' }
    const linkLocal = { host: 'fe80::1%25eth0', api_url: 'https://[fe80::1%25eth0]:8008/patroni' }
    const entries = [bare, entry('pg1', { host: '2001:db8::1', port: 6000 }), entry('pg2', linkLocal)]
    const { members } = told({ members: entries })
    assert.deepEqual(
      members.map(({ host, port, restUrl }) => [host, port, restUrl]),
      [
        [null, 5432, 'http://[::1]:8008'],
        ['2001:db8::1', 6000, 'http://pg1.example.com:8008'],
        ['fe80::1%eth0', 5432, 'https://[fe80::1%25eth0]:8008'],
      ],
    )
  })

  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ['a name with a slash', entry('x', { name: 'pg/0' }), /not a member name/],
    ['a name with control characters', entry('x', { name: 'pg\u001b[31m' }), /not a member name/],
    ['no name', { role: 'leader' }, /not a member name/],
    ['no object', ['pg0'], /not a member name/],
    ['a name that is there already', entry('good', { host: 'evil.example.com' }), /named twice/],
    ['a host that is more than one', entry('pg0', { host: 'good@evil.example.com' }), /host is invalid/],
    ['a host with a path', entry('pg0', { host: 'evil.example.com/x?y' }), /host is invalid/],
    ['a port out of range', entry('pg0', { port: 70_000 }), /port out of range/],
    ['a broken port', entry('pg0', { port: -1 }), /no usable host/],
    ['an api_url of another kind', entry('pg0', { api_url: 'file:///etc/passwd' }), /api_url is not/],
    ['an api_url that is none', entry('pg0', { api_url: 'http://' }), /api_url is not/],
  ]
  for (const [what, strange, reason] of bad) {
    test(`is ignored where a member has ${what}, and no other with it`, () => {
      const { members, ignoredKeys, leader } = told({ members: [entry('good', { role: 'leader' }), strange] })
      assert.deepEqual([members.map(({ name }) => name), leader], [['good'], 'good'])
      assert.equal(members[0]?.host, 'good.example.com')
      assert.equal(ignoredKeys.length, 1)
      assert.match(ignoredKeys[0]?.reason ?? '', reason)
      assert.doesNotMatch(JSON.stringify(ignoredKeys), /\\u001b|evil/)
    })
  }

  test('may be nested as deep as it likes', () => {
    const deep: unknown = JSON.parse('['.repeat(5000) + ']'.repeat(5000))
    const strange = entry('pg0', {
      tags: { deep, dc: 'a' },
      timeline: deep,
      state: deep,
      port: deep,
      role: deep,
      lag: deep,
    })
    const [member] = told({ members: [strange], pause: deep }).members
    assert.deepEqual(
      [member?.tags, member?.timeline, member?.state, member?.role],
      [{ dc: 'a' }, null, 'unknown', 'unknown'],
    )
  })

  test(`counts for the first ${MAX_MEMBERS} members`, () => {
    const members = Array.from({ length: 100_000 }, (_, index) => ({ name: `m${index}` }))
    const topology = told({ members })
    assert.equal(topology.members.length, MAX_MEMBERS)
    assert.deepEqual(topology.ignoredKeys, [{ key: 'members', reason: `there are more than ${MAX_MEMBERS}` }])
  })
})

describe('whether a member is one of this cluster', () => {
  const cluster = reply({ members: [entry('pg0')] })
  const rows: readonly (readonly [string, RestReply, RestReply, Told['kind'], RegExp])[] = [
    ['it says so', cluster, reply(PATRONI), 'told', /./],
    ['it has no database yet', cluster, reply({ patroni: { scope: 'demo' } }), 'told', /./],
    [
      '/patroni names another scope',
      cluster,
      reply({ patroni: { scope: 'other' } }),
      'stranger',
      /scope "other", not "demo"/,
    ],
    [
      '/patroni names another scope while the DCS is away',
      SILENT,
      reply({ patroni: { scope: 'other' } }),
      'stranger',
      /scope/,
    ],
    [
      '/cluster names another scope',
      reply({ members: [], scope: 'other' }),
      reply(PATRONI),
      'stranger',
      /scope "other"/,
    ],
    ['it has no scope', cluster, reply({ patroni: {} }), 'stranger', /scope unknown/],
    ['it is not Patroni', cluster, reply({ hello: 1 }), 'silent', /GET \/patroni answers 200, .* not Patroni's/],
    ['it is no JSON', cluster, reply(undefined), 'silent', /not Patroni's/],
    ['a proxy answers for it', cluster, reply(undefined, 502), 'silent', /\/patroni answers 502/],
    [
      'the scope hides control characters',
      cluster,
      reply({ patroni: { scope: 'a\u001bb' } }),
      'stranger',
      /scope "a\\u001bb"/,
    ],
    ['/patroni is silent', cluster, SILENT, 'silent', /ECONNREFUSED/],
    ['/patroni could not be asked', cluster, UNASKED, 'silent', /EMFILE/],
    ['/cluster could not be asked', UNASKED, reply(PATRONI), 'silent', /EMFILE/],
    ['/cluster is silent', SILENT, reply(PATRONI), 'silent', /not to GET \/cluster/],
    ['/cluster fails', reply({ members: [] }, 503), reply(PATRONI), 'silent', /\/cluster answers 503/],
    ['/cluster redirects', reply(undefined, 302), reply(PATRONI), 'silent', /\/cluster answers 302/],
    ['/cluster lists nobody', reply({ members: [] }), reply(PATRONI), 'silent', /without a list/],
    ['/cluster has no list', reply({ members: {} }), reply(PATRONI), 'silent', /without a list/],
  ]
  for (const [what, ofCluster, ofPatroni, kind, reason] of rows) {
    test(`where ${what}: ${kind}`, () => {
      const result = understand(ofCluster, ofPatroni, 'demo')
      assert.equal(result.kind, kind)
      assert.match(result.kind === 'told' ? 'told' : result.reason, reason)
    })
  }
})
