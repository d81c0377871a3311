/** What level `debug` adds. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Logger, pino } from 'pino'
import { type Cluster, parseCluster } from '../../../../src/watcher/cluster.ts'
import { answerText, clusterChanges, DebugLog } from '../../../../src/watcher/log/debug-log.ts'

const cluster = (keys: Readonly<Record<string, string>>): Cluster =>
  parseCluster(new Map(Object.entries(keys).map(([key, value]) => [key, { value, session: '7' }])))
const member = (changes: object): string =>
  JSON.stringify({ conn_url: 'postgres://h:5432/', state: 'running', role: 'replica', timeline: 1, ...changes })

describe('a change in the DCS', () => {
  const before = cluster({ leader: 'pg0', 'members/pg0': member({}) })
  const rows: readonly [string, Readonly<Record<string, string>>, readonly RegExp[]][] = [
    ['is none where nothing has changed', { leader: 'pg0', 'members/pg0': member({}) }, []],
    [
      'is none where a position has',
      { leader: 'pg0', status: '{"optime":9}', 'members/pg0': member({ xlog_location: 9 }) },
      [],
    ],
    ['is a leader key that is gone', { 'members/pg0': member({}) }, [/^leader: none \(was pg0 \(session 7\)\)$/]],
    [
      'is a state of a member',
      { leader: 'pg0', 'members/pg0': member({ state: 'stopped' }) },
      [/^member pg0: .*state stopped.* \(was .*state running/],
    ],
    ['is a member that is gone', { leader: 'pg0' }, [/^member pg0: none \(was h:5432/]],
    [
      'is a request to switch over',
      { leader: 'pg0', 'members/pg0': member({}), failover: '{"leader":"pg0","member":"pg1"}' },
      [/^failover: from pg0 to pg1 \(was none\)$/],
    ],
  ]
  for (const [title, keys, expected] of rows)
    test(title, () => {
      const changes = clusterChanges(before, cluster(keys))
      assert.equal(changes.length, expected.length, changes.join('\n'))
      expected.forEach((each, at) => assert.match(changes[at] ?? '', each))
    })
})

test('an answer is in words, with its reason', () => {
  assert.equal(answerText({ kind: 'proof', timeline: 3 }), 'it is the primary, on timeline 3')
  assert.equal(answerText({ kind: 'no', reason: 'why' }), 'no: why')
  assert.equal(answerText({ kind: 'silent', reason: 'refused' }), 'no answer: refused')
  assert.equal(answerText({ kind: 'down', reason: 'refused' }), 'it is down: refused')
})

test('an answer is logged when it differs from the last one to that question, and at level debug only', () => {
  const said: string[] = []
  const log = (level: string): Pick<Logger, 'debug' | 'isLevelEnabled'> =>
    pino({ level }, { write: (line) => void said.push((JSON.parse(line) as { msg: string }).msg) })
  const trace = new DebugLog(log('debug'))
  for (const reason of ['a', 'a', 'b']) trace.answered('pg1 GET /replica', { kind: 'silent', reason })
  trace.answered('pg2 GET /replica', { kind: 'fit' })
  trace.read(cluster({}), cluster({ leader: 'pg0' }))
  new DebugLog(log('info')).answered('pg1 GET /replica', { kind: 'fit' })
  assert.deepEqual(said, [
    'pg1 GET /replica: no answer: a',
    'pg1 GET /replica: no answer: b',
    'pg2 GET /replica: yes',
    'DCS: leader: pg0 (session 7) (was none)',
  ])
})
