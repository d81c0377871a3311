/** Members whose keys have gone, and what the primary's state machine gets of all of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  addressOf,
  factsOf,
  type KnownMembers,
  recalled,
  remember,
} from '../../../../src/watcher/members/known-members.ts'
import { cluster, member, present } from '../sample.ts'

const MINUTE = 60_000
const NONE: KnownMembers = new Map()
const one = cluster({ members: [member('pg1')] })
const none = cluster({ members: [] })

test('a lost key is no unknown address for ten minutes', () => {
  let memory = remember(NONE, one, null, 0)
  assert.equal(memory.get('pg1')?.goneSince, null)
  memory = remember(memory, none, null, MINUTE)
  assert.equal(memory.get('pg1')?.goneSince, MINUTE)
  memory = remember(memory, none, null, 11 * MINUTE - 1)
  assert.equal(memory.get('pg1')?.member.host, 'pg1.example.com')
  memory = remember(memory, none, null, 11 * MINUTE)
  assert.equal(memory.has('pg1'), false)
})

test('a member that is needed is never forgotten', () => {
  const gone = remember(remember(NONE, one, 'pg1', 0), none, 'pg1', 1)
  assert.equal(remember(gone, none, 'pg1', 100 * MINUTE).has('pg1'), true)
  assert.equal(remember(gone, none, 'pg2', 100 * MINUTE).has('pg1'), false)
})

test('the ten minutes of a lost key continue after a restart', () => {
  const [kept] = present(member('pg1'))
  assert.ok(kept)
  const memory = recalled([{ ...kept, goneSince: 4 * MINUTE }])
  assert.equal(remember(memory, none, null, 13 * MINUTE).get('pg1')?.goneSince, 4 * MINUTE)
  assert.equal(remember(memory, none, null, 14 * MINUTE).has('pg1'), false)
  assert.equal(remember(memory, one, null, 14 * MINUTE).get('pg1')?.goneSince, null)
})

test('a member that comes back is what its key says now', () => {
  const gone = remember(remember(NONE, one, null, 0), none, null, 1)
  const back = remember(gone, cluster({ members: [member('pg1', { port: 6000 })] }), null, 2)
  assert.deepEqual([back.get('pg1')?.goneSince, back.get('pg1')?.member.port], [null, 6000])
})

test('the facts hold every known member, with Postgres and REST API as one address', () => {
  const seen = cluster({ members: [member('pg1'), member('pg2', { restUrl: null }), member('pg3', { host: null })] })
  const memory = remember(remember(NONE, cluster({ members: [member('pg4')] }), null, 0), seen, null, 1)
  const { members, leader } = factsOf(seen, memory, 'conn_url')
  assert.deepEqual(leader, seen.leader)
  assert.deepEqual(
    [...members].map(([name, { address }]) => [name, address]),
    [
      ['pg1', 'pg1.example.com:5432 http://pg1.example.com:8008'],
      ['pg2', 'pg2.example.com:5432 -'],
      ['pg3', null],
      ['pg4', 'pg4.example.com:5432 http://pg4.example.com:8008'],
    ],
  )
})

test('a member is dialled at its proxy_url only if that is configured, and if it has one', () => {
  const pooled = member('pg1', { proxy: { host: 'pool', port: 6432 } })
  assert.deepEqual(addressOf(pooled, 'proxy_url'), { host: 'pool', port: 6432 })
  assert.deepEqual(addressOf(pooled, 'conn_url'), { host: 'pg1.example.com', port: 5432 })
  assert.deepEqual(addressOf(member('pg2'), 'proxy_url'), { host: 'pg2.example.com', port: 5432 })
  assert.equal(addressOf(member('pg3', { host: null }), 'proxy_url'), null)
  const facts = factsOf(one, remember(NONE, cluster({ members: [pooled] }), null, 0), 'proxy_url')
  assert.equal(facts.members.get('pg1')?.address, 'pool:6432 http://pg1.example.com:8008')
})

test('the addresses behind the names of a member are a part of its address', () => {
  const memory = remember(NONE, one, null, 0)
  const addressWith = (...ips: string[]) =>
    factsOf(one, memory, 'conn_url', new Map([['pg1', new Map(ips.map((ip) => ['pg1.example.com', ip]))]])).members.get(
      'pg1',
    )?.address
  assert.equal(addressWith(), factsOf(one, memory, 'conn_url').members.get('pg1')?.address)
  assert.notEqual(addressWith('10.0.0.1'), addressWith())
  assert.notEqual(addressWith('10.0.0.1'), addressWith('10.0.0.2'))
})
