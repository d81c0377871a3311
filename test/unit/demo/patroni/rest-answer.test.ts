import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeySpace } from '../../../../src/demo/key-space.ts'
import { answerTo, type RestState } from '../../../../src/demo/patroni/rest-answer.ts'
import { judgePrimary, judgeReplica } from '../../../../src/watcher/checks/proof.ts'

function state(over: Partial<RestState> = {}, leader: string | null = 'pg1'): RestState {
  const keys = new KeySpace()
  if (leader !== null) keys.put('leader', leader)
  keys.put('status', '{"optime": 1000}')
  for (const name of ['pg1', 'pg2'])
    keys.put(
      `members/${name}`,
      JSON.stringify({
        conn_url: 'postgres://127.0.0.1:15432/postgres',
        api_url: 'http://127.0.0.1:18008/patroni',
        state: 'running',
        role: name === leader ? 'primary' : 'replica',
        replication_state: name === leader ? undefined : 'streaming',
        timeline: 3,
        xlog_location: 900,
      }),
    )
  return {
    name: 'pg1',
    scope: 'demo',
    state: 'running',
    role: 'primary',
    timeline: 3,
    position: 1000,
    serverVersion: 180006,
    systemId: '77',
    startedAt: 0,
    dcsLastSeen: 5000,
    keys: keys.keys,
    ...over,
  }
}

const statuses = (paths: readonly string[], of: RestState) =>
  Object.fromEntries(paths.map((path) => [path, answerTo(path, new URLSearchParams(), of).status]))
const reply = (path: string, of: RestState) => {
  return { kind: 'reply' as const, ...answerTo(path, new URLSearchParams(), of) }
}
const LEADING = ['/', '/primary', '/master', '/read-write', '/leader']
const FOLLOWING = ['/replica', '/async']
const EXPECTED = { member: 'pg1', scope: 'demo', systemId: '77' }
const REPLICA = { name: 'pg2', role: 'replica' } as const
const all = (paths: readonly string[], status: number) => Object.fromEntries(paths.map((path) => [path, status]))

test('answers health checks of a leader', () => {
  assert.deepEqual(statuses(LEADING, state()), all(LEADING, 200))
  assert.deepEqual(statuses(FOLLOWING, state()), all(FOLLOWING, 503))
  const others = {
    '/read-only': 200,
    '/health': 200,
    '/readiness': 200,
    '/liveness': 200,
    '/patroni': 200,
    '/cluster': 200,
  }
  assert.deepEqual(statuses(Object.keys(others), state()), others)
  assert.deepEqual(statuses(['/sync', '/standby-leader'], state()), { '/sync': 503, '/standby-leader': 503 })
  assert.deepEqual(statuses(['/failsafe', '/metrics'], state()), { '/failsafe': 502, '/metrics': 404 })
})

test('answers health checks of a replica', () => {
  assert.deepEqual(statuses(LEADING, state(REPLICA)), all(LEADING, 503))
  assert.deepEqual(statuses([...FOLLOWING, '/read-only'], state(REPLICA)), all([...FOLLOWING, '/read-only'], 200))
  assert.deepEqual(judgeReplica(reply('/replica', state(REPLICA)), { ...EXPECTED, member: 'pg2' }), { kind: 'fit' })
})

test('is full proof of a primary, with its timeline', () => {
  assert.deepEqual(judgePrimary(reply('/primary', state()), EXPECTED), { kind: 'proof', timeline: 3 })
})

test('says 200 to /primary and to /replica between the lock and the promotion, and is no proof', () => {
  const promoting = state({ role: 'replica' })
  assert.deepEqual(statuses(['/primary', '/replica'], promoting), { '/primary': 200, '/replica': 200 })
  assert.equal(judgePrimary(reply('/primary', promoting), EXPECTED).kind, 'no')
})

test('says that it is stopping while it still holds the lock', () => {
  assert.deepEqual(judgePrimary(reply('/primary', state({ state: 'stopping' })), EXPECTED), { kind: 'stopping' })
})

test('says 503 with a live position when it has lost the lock', () => {
  for (const leader of [null, 'pg2'])
    assert.equal(judgePrimary(reply('/primary', state({}, leader)), EXPECTED).kind, 'lockless')
})

test('looks at the lag in the request', () => {
  const behind = state({ ...REPLICA, position: 400 })
  const status = (lag: string) => answerTo('/replica', new URLSearchParams({ lag }), behind).status
  assert.deepEqual([status('599'), status('600'), status('1kB'), status('nonsense')], [503, 200, 200, 200])
})

test('lists all members', () => {
  const { body } = answerTo('/cluster', new URLSearchParams(), state())
  const common = { api_url: 'http://127.0.0.1:18008/patroni', host: '127.0.0.1', port: 15432, timeline: 3 }
  assert.deepEqual(body, {
    members: [
      { name: 'pg1', role: 'leader', state: 'running', ...common },
      { name: 'pg2', role: 'replica', state: 'streaming', ...common, lag: 100 },
    ],
    scope: 'demo',
  })
})
