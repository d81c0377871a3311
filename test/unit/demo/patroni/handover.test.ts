import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import {
  decideHandover,
  type HandoverRequest,
  outcomeOf,
  parseHandover,
} from '../../../../src/demo/patroni/handover.ts'
import { KeySpace } from '../../../../src/demo/key-space.ts'
import { parseCluster } from '../../../../src/watcher/cluster.ts'

let keys: KeySpace

describe('a handover of the demo', () => {
  beforeEach(() => {
    keys = new KeySpace()
    keys.put('leader', 'pg1')
    for (const name of ['pg1', 'pg2', 'pg3'])
      keys.put(`members/${name}`, '{"conn_url":"postgres://127.0.0.1:1/postgres","state":"running"}')
  })

  /** Of a cluster of pg1, which leads, pg2, and pg3, which cannot lead. */
  function decided(path: HandoverRequest['action'], body: object) {
    const request = parseHandover(path, JSON.stringify(body))
    assert.ok(request)
    const decision = decideHandover(request, parseCluster(keys.keys), (name) => name !== 'pg3')
    return 'to' in decision ? decision.to : `${decision.status} ${String(decision.body)}`
  }

  const NO_GOOD = 'is not possible: no good candidates have been found'
  const ROWS: readonly [HandoverRequest['action'], object, string][] = [
    ['switchover', { leader: 'pg1', candidate: 'pg2' }, 'pg2'],
    ['switchover', { leader: 'pg1', member: 'pg2' }, 'pg2'],
    ['switchover', { leader: 'pg1' }, 'pg2'],
    ['failover', { candidate: 'pg2' }, 'pg2'],
    ['switchover', { candidate: 'pg2' }, '400 Switchover could be performed only from a specific leader'],
    ['failover', { leader: 'pg1' }, '400 Failover could be performed only to a specific candidate'],
    ['switchover', { leader: 'pg1', candidate: 'pg1' }, '400 Switchover target and source are the same'],
    ['switchover', { leader: 'pg2', candidate: 'pg1' }, '412 leader name does not match'],
    ['switchover', { leader: 'pg1', candidate: 'pg9' }, '412 candidate does not exists'],
    ['switchover', { leader: 'pg1', candidate: 'pg3' }, `412 switchover ${NO_GOOD}`],
    ['failover', { candidate: 'pg1' }, `412 failover ${NO_GOOD}`],
    ['failover', { candidate: 'pg2', scheduled_at: '2099-01-01' }, `400 Failover can't be scheduled`],
    ['switchover', { leader: 'pg1', scheduled_at: '2099-01-01' }, '501 the demo has no scheduled switchovers'],
  ]
  for (const [action, body, expected] of ROWS)
    test(`answers ${action} ${JSON.stringify(body)} with ${expected}`, () =>
      assert.equal(decided(action, body), expected))

  test('leaves a switchover that is under way as it is', () => {
    keys.put('failover', '{"leader":"pg1","member":"pg2"}')
    assert.equal(
      decided('switchover', { leader: 'pg1', candidate: 'pg2' }),
      '412 switchover is not possible: one to "pg2" is under way',
    )
  })

  test('takes nothing but a JSON object', () => {
    for (const body of ['', 'null', '[]', '"x"', '{']) assert.equal(parseHandover('switchover', body), null, body)
  })

  const TO_PG2: HandoverRequest = { action: 'switchover', leader: 'pg1', candidate: 'pg2', scheduled: false }
  const outcome = (request = TO_PG2) => {
    keys.put('failover', '{"leader":"pg1","member":"pg2"}')
    return outcomeOf(request, 'pg1', keys, new AbortController().signal)
  }

  test('tells of the new leader when there is one', async () => {
    const [first, second] = [outcome(), outcome({ ...TO_PG2, action: 'failover', candidate: 'pg3' })]
    keys.delete('leader')
    keys.put('leader', 'pg2')
    keys.put('failover', '{}')
    assert.deepEqual(await first, { status: 200, body: 'Successfully switched over to "pg2"' })
    assert.deepEqual(await second, { status: 200, body: 'Failed over to "pg2" instead of "pg3"' })
  })

  test('tells of a request that was cleared without a new leader', async () => {
    const waiting = outcome()
    keys.put('failover', '{}')
    assert.deepEqual(await waiting, { status: 503, body: 'Switchover failed' })
  })
})
