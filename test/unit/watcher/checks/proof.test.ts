/** What an answer of a member's REST API proves. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  judgePrimary,
  judgeReplica,
  livePosition,
  replayedPosition,
  type RestReply,
} from '../../../../src/watcher/checks/proof.ts'

const ID = '7268616322854375442'
const EXPECTED = { member: 'pg1', scope: 'demo', systemId: ID }
const PATRONI = { version: '4.1.4', scope: 'demo', name: 'pg1' }
const PRIMARY = {
  state: 'running',
  role: 'primary',
  timeline: 3,
  xlog: { location: 67395656 },
  database_system_identifier: ID,
  patroni: PATRONI,
}
const REPLICA = { ...PRIMARY, role: 'replica', xlog: { replayed_location: 5 } }
const reply = (status: number, body: unknown): RestReply => ({ kind: 'reply', status, body })

/** Bodies of whoever else may answer there: cut off, empty, of a proxy, of another service. */
const NOT_PATRONI: readonly unknown[] = [
  undefined,
  null,
  'ok',
  true,
  [PRIMARY],
  {},
  { status: 'ok' },
  { ...PRIMARY, patroni: undefined },
  { ...PRIMARY, patroni: null },
  { ...PRIMARY, patroni: 'demo' },
  { ...PRIMARY, patroni: [PATRONI] },
]

/** `kind` and reason in one line. */
const seen = (answer: { readonly kind: string }): string =>
  [answer.kind, ...('reason' in answer ? [String(answer.reason)] : [])].join(': ')

describe('GET /primary', () => {
  const primary = (status: number, body: unknown, expected: Parameters<typeof judgePrimary>[1] = EXPECTED): string =>
    seen(judgePrimary(reply(status, body), expected))

  test('confirms a primary on its timeline, whatever the version calls it', () => {
    for (const role of ['primary', 'master']) {
      assert.deepEqual(judgePrimary(reply(200, { ...PRIMARY, role }), EXPECTED), { kind: 'proof', timeline: 3 })
    }
    const before33 = { ...PRIMARY, patroni: { version: '3.0.2', scope: 'demo' } }
    assert.equal(primary(200, before33), 'proof')
    assert.equal(primary(200, { ...PRIMARY, timeline: '3', xlog: { location: '1' } }), 'proof')
  })

  test('confirms a primary of a cluster that has no identifier yet', () => {
    assert.equal(primary(200, PRIMARY, { ...EXPECTED, systemId: null }), 'proof')
  })

  test('tells of a restart, whatever the status', () => {
    for (const status of [200, 503]) {
      const restarting = (state: string) => {
        const answer = judgePrimary(reply(status, { ...PRIMARY, xlog: undefined, state }), EXPECTED)
        return answer.kind === 'no' && answer.restarting
      }
      assert.deepEqual([restarting('restarting'), restarting('starting')], [true, undefined])
    }
  })

  const negatives: readonly [string, number, unknown, RegExp][] = [
    ['503', 503, REPLICA, /^no: .*503 \(role replica, state running\)/],
    [
      'a lock holder that is still a replica',
      200,
      REPLICA,
      /^no: it holds the lock and is being promoted \(role replica/,
    ],
    ['a role that is only remembered', 200, { ...PRIMARY, xlog: undefined }, /^no: .*not running as a primary/],
    ['a position that is none', 200, { ...PRIMARY, xlog: { location: null } }, /^no: .*not running as a primary/],
    ['a replayed position', 200, { ...PRIMARY, xlog: REPLICA.xlog }, /^no: .*not running as a primary/],
    ['no timeline', 200, { ...PRIMARY, timeline: undefined }, /^no: .*not running as a primary/],
    ['a role nobody knows', 200, { ...PRIMARY, role: 'promoted' }, /^no: .*role promoted/],
    ['another scope', 200, { ...PRIMARY, patroni: { ...PATRONI, scope: 'demo2' } }, /^no: .*scope demo2/],
    [
      'another member',
      200,
      { ...PRIMARY, patroni: { ...PATRONI, name: 'pg2' } },
      /^no: another member answers there: pg2/,
    ],
    [
      'another database',
      200,
      { ...PRIMARY, database_system_identifier: '1' },
      /^no: it belongs to a different database cluster \(system identifier 1\)/,
    ],
    [
      'no identifier',
      200,
      { ...PRIMARY, database_system_identifier: undefined },
      /^no: .*no system identifier \(state running/,
    ],
    [
      'a database that is being made',
      200,
      { state: 'creating replica', role: 'replica', patroni: PATRONI },
      /^no: it has no database yet \(creating replica\)$/,
    ],
    ['another scope that stops', 200, { ...PRIMARY, state: 'stopping', patroni: {} }, /^no: .*scope unknown/],
  ]
  for (const [title, status, body, expected] of negatives) {
    test(`is an explicit no with ${title}`, () => assert.match(primary(status, body), expected))
  }

  test('tells that Postgres is about to be stopped', () => {
    assert.equal(primary(200, { ...PRIMARY, state: 'stopping' }), 'stopping')
  })

  test("says nothing with an answer that is not Patroni's, a 503 of a proxy in front of it too", () => {
    for (const [status, body] of [
      [500, PRIMARY],
      [403, undefined],
      [302, {}],
      [404, REPLICA],
      [503, undefined],
      [503, { error: 'no upstream' }],
      ...NOT_PATRONI.map((body) => [200, body] as const),
    ] as const) {
      assert.match(primary(status, body), new RegExp(`^silent: /primary answers ${status}`))
    }
    assert.match(primary(200, {}), /answers 200, and the body is not Patroni's$/)
    assert.match(primary(500, PRIMARY), /answers 500$/)
    assert.equal(seen(judgePrimary({ kind: 'none', reason: 'hung' }, EXPECTED)), 'silent: hung')
  })

  test('quotes strangers without what deceives a log', () => {
    const role = `x\u001b[2J\u202e${'y'.repeat(1000)}`
    const text = primary(200, { ...PRIMARY, role })
    assert.ok(text.length < 200)
    assert.doesNotMatch(text, /[\p{Cc}\p{Cf}]/u)
  })
})

test('a question that could not be put is no answer to any path', () => {
  const unasked: RestReply = { kind: 'unasked', reason: 'connect EMFILE' }
  assert.equal(seen(judgePrimary(unasked, EXPECTED)), 'unasked: connect EMFILE')
  assert.equal(seen(judgeReplica(unasked, EXPECTED)), 'unasked: connect EMFILE')
  assert.equal(seen(judgeReplica(unasked, EXPECTED, '/standby-leader')), 'unasked: connect EMFILE')
  assert.equal(livePosition(unasked), null)
})

describe('GET /replica', () => {
  const replica = (status: number, body: unknown) => judgeReplica(reply(status, body), EXPECTED)

  test('finds a replica fit', () => assert.deepEqual(replica(200, REPLICA), { kind: 'fit' }))

  test('finds fit a running replica that its tag alone keeps from load: routes go by tags themselves', () => {
    const tags = { noloadbalance: true }
    assert.deepEqual(replica(503, { ...REPLICA, tags }), { kind: 'fit' })
    assert.equal(replica(503, { ...REPLICA, tags: { noloadbalance: false } }).kind, 'unfit')
    assert.equal(replica(503, { ...REPLICA, tags, state: 'starting' }).kind, 'unfit')
    assert.equal(replica(503, { ...PRIMARY, tags }).kind, 'unfit')
  })

  test('finds a primary that has no lock, which is no replica of a certain state', () => {
    for (const role of ['primary', 'master']) {
      const answer = replica(503, { ...PRIMARY, role })
      assert.equal(seen(answer), 'unfit: it runs as a primary (timeline 3)')
    }
    assert.match(seen(replica(503, { ...PRIMARY, state: 'stopping' })), /role primary, state stopping/)
    assert.match(seen(replica(503, { ...PRIMARY, xlog: undefined })), /role primary, state running/)
  })

  test('tells what more depends on than words: a restart, and a second primary', () => {
    const causeOf = (answer: ReturnType<typeof replica>) => answer.kind === 'unfit' && answer.cause
    assert.equal(causeOf(replica(503, { ...REPLICA, state: 'restarting' })), 'restarting')
    assert.equal(causeOf(replica(503, { ...REPLICA, state: 'starting' })), undefined)
    assert.equal(causeOf(replica(503, PRIMARY)), 'runs-as-primary')
  })

  test('finds a member unfit that answers for another', () => {
    for (const patroni of [
      { ...PATRONI, scope: 'demo2' },
      { ...PATRONI, name: 'pg2' },
    ]) {
      for (const status of [200, 503]) {
        const answer = replica(status, { ...REPLICA, state: 'stopped', patroni })
        assert.ok(answer.kind === 'unfit' && answer.stranger && !answer.down)
      }
    }
  })

  for (const [state, down] of [
    ['running', false],
    ['starting', false],
    ['stopping', false],
    ['stopped', true],
    ['crashed', true],
    ['start failed', true],
    ['creating replica', true],
  ] as const) {
    test(`finds one that is ${state} unfit${down ? ' and down' : ''} by 503`, () => {
      const answer = replica(503, { ...REPLICA, state })
      assert.deepEqual(answer, { ...answer, kind: 'unfit', down, stranger: false })
    })
  }

  test('says nothing with any other status, or a 503 of a proxy', () => {
    for (const [status, body] of [
      [500, REPLICA],
      [404, REPLICA],
      [301, undefined],
      [503, undefined],
      ...NOT_PATRONI.flatMap((body) => [[200, body] as const, [503, body] as const]),
    ] as const) {
      assert.match(seen(replica(status, body)), new RegExp(`^silent: /replica answers ${status}`))
    }
    assert.equal(seen(judgeReplica({ kind: 'none', reason: 'hung' }, EXPECTED)), 'silent: hung')
  })
})

describe('GET /standby-leader', () => {
  const leader = (status: number, body: unknown) => judgeReplica(reply(status, body), EXPECTED, '/standby-leader')

  test('finds the leader of a standby cluster fit for readers', () => {
    assert.deepEqual(leader(200, { ...REPLICA, role: 'standby_leader' }), { kind: 'fit' })
  })

  test('finds it unfit once its Postgres is being stopped, though it has the lock', () => {
    const answer = leader(200, { ...REPLICA, role: 'standby_leader', state: 'stopping' })
    assert.equal(seen(answer), 'unfit: /standby-leader answers 200 (role standby_leader, state stopping)')
  })

  test('finds a member unfit that does not lead one, whatever its tags', () => {
    const answer = leader(503, { ...REPLICA, tags: { noloadbalance: true } })
    assert.match(seen(answer), /^unfit: \/standby-leader answers 503 \(role replica/)
  })

  test("says nothing with an answer that is not Patroni's", () => {
    for (const body of NOT_PATRONI) assert.equal(leader(200, body).kind, 'silent')
  })
})

test('the position is the one written on a primary, the one replayed in recovery, and none where there is no answer', () => {
  assert.equal(livePosition(reply(200, PRIMARY)), 67395656)
  assert.equal(livePosition(reply(503, { ...REPLICA, xlog: { received_location: 9, replayed_location: 5 } })), 5)
  const nowhere = [{ xlog: [] }, { xlog: { location: 'far' } }].map((body) => ({ ...body, patroni: PATRONI }))
  for (const body of [...NOT_PATRONI, ...nowhere]) {
    assert.equal(livePosition(reply(200, body)), null)
  }
  assert.equal(livePosition({ kind: 'none', reason: 'hung' }), null)
  assert.equal(replayedPosition(reply(200, REPLICA)), 5)
  assert.equal(replayedPosition(reply(503, PRIMARY)), null)
})
