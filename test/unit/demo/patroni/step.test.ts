import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeySpace } from '../../../../src/demo/key-space.ts'
import { extendedHistory, latestTimeline, memberValue, nextStep, type Step } from '../../../../src/demo/patroni/step.ts'
import type { RestState } from '../../../../src/demo/patroni/rest-answer.ts'
import { parseCluster } from '../../../../src/watcher/cluster.ts'

const RUNNING = { state: 'running', role: 'replica', position: 7, timeline: 2 } as const
const PORTS = { postgres: 15432, rest: 18008 }

/** Of pg1, in a cluster of pg1 and pg2. */
function step(role: RestState['role'], leader: string | null, failover: object | null = null, other = 'running'): Step {
  const keys = new KeySpace()
  if (leader !== null) keys.put('leader', leader)
  if (failover !== null) keys.put('failover', JSON.stringify(failover))
  keys.put('members/pg1', memberValue(RUNNING, PORTS))
  keys.put('members/pg2', memberValue({ ...RUNNING, state: other as 'running' }, PORTS))
  return nextStep(parseCluster(keys.keys), 'pg1', role)
}

const TO_PG2 = { leader: 'pg1', member: 'pg2' }
const TO_PG1 = { leader: 'pg2', member: 'pg1' }
const ROWS: readonly [what: string, Step, Step][] = [
  ['races for a lock that nobody has', step('replica', null), { kind: 'race' }],
  ['takes its own lock again when it was lost', step('primary', null), { kind: 'race' }],
  ['leaves the lock to the candidate of a switchover', step('replica', null, TO_PG2), { kind: 'follow' }],
  ['takes it when it is the candidate', step('replica', null, TO_PG1), { kind: 'race' }],
  ['races when the candidate is not running', step('replica', null, TO_PG2, 'stopping'), { kind: 'race' }],
  ['follows the leader', step('replica', 'pg2'), { kind: 'follow' }],
  ['demotes itself when another one leads', step('primary', 'pg2'), { kind: 'demote', leader: 'pg2' }],
  ['promotes itself when it has the lock', step('replica', 'pg1'), { kind: 'promote' }],
  ['leads', step('primary', 'pg1'), { kind: 'lead' }],
  ['hands over to the candidate', step('primary', 'pg1', TO_PG2), { kind: 'hand-over', to: 'pg2' }],
  [
    'hands over on a failover that names no leader',
    step('primary', 'pg1', { member: 'pg2' }),
    { kind: 'hand-over', to: 'pg2' },
  ],
  ['refuses a candidate that is not running', step('primary', 'pg1', TO_PG2, 'starting'), { kind: 'refuse' }],
  ['refuses itself as the candidate', step('primary', 'pg1', { leader: 'pg1', member: 'pg1' }), { kind: 'refuse' }],
  ['ignores what another leader is asked for', step('primary', 'pg1', TO_PG1), { kind: 'lead' }],
  ['ignores what is cleared', step('primary', 'pg1', {}), { kind: 'lead' }],
]
for (const [what, actual, expected] of ROWS) test(what, () => assert.deepEqual(actual, expected))

test('writes a member key that the router understands', () => {
  const keys = new KeySpace()
  keys.put('members/pg1', memberValue(RUNNING, PORTS))
  const [member] = parseCluster(keys.keys).members
  assert.equal(member?.host, '127.0.0.1')
  assert.equal(member.port, 15432)
  assert.equal(member.restUrl, 'http://127.0.0.1:18008')
  assert.deepEqual(
    [member.state, member.replicationState, member.position, member.timeline],
    ['running', 'streaming', 7, 2],
  )
})

test('publishes no position of a PostgreSQL that does not run', () => {
  assert.doesNotMatch(memberValue({ ...RUNNING, state: 'stopping' }, PORTS), /xlog_location|timeline|replication_state/)
})

test('begins a timeline with every entry of the history', () => {
  const once = extendedHistory(null, { timeline: 1, position: 100, at: 0, leader: 'pg2' })
  assert.equal(once, '[[1,100,"no recovery target specified","1970-01-01T00:00:00.000Z","pg2"]]')
  assert.deepEqual([latestTimeline(null), latestTimeline(once)], [1, 2])
})
