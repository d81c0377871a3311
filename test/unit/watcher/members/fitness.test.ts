/** Whether the replica route may use a member. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Cluster } from '../../../../src/watcher/cluster.ts'
import {
  afterReplicaAnswer,
  afterReplicaPostgres,
  afterSnapshot,
  type Fitness,
  replicaView,
  UNKNOWN_FITNESS,
  withLag,
} from '../../../../src/watcher/members/fitness.ts'
import { type KnownMembers, remember } from '../../../../src/watcher/members/known-members.ts'
import type { ReplicaAnswer } from '../../../../src/watcher/checks/proof.ts'
import { cluster, FIT, member } from '../sample.ts'

const ANSWERS: Readonly<Record<string, ReplicaAnswer>> = {
  fit: { kind: 'fit' },
  unfit: { kind: 'unfit', reason: 'lags', down: false, stranger: false },
  stopped: { kind: 'unfit', reason: 'stopped', down: true, stranger: false },
  silent: { kind: 'silent', reason: 'hung' },
  unasked: { kind: 'unasked', reason: 'connect EMFILE' },
}
const MEMBER = { gone: false, isLeader: false }

/** The verdicts after each answer, with rise 2 and fall 3; `up` and `down` are Postgres' own. */
function verdicts(answers: string, start: Fitness = UNKNOWN_FITNESS): string {
  let fitness = start
  const told = answers.split(' ').map((word) => {
    const answer = ANSWERS[word]
    if (answer !== undefined) fitness = afterReplicaAnswer(fitness, answer, 2, 3)
    else if (word === 'up' || word === 'unknown') fitness = afterReplicaPostgres(fitness, { kind: word })
    else fitness = afterReplicaPostgres(fitness, { kind: 'down', reason: 'refused' })
    const { fit, down, reason } = replicaView(fitness, MEMBER)
    assert.equal(fit, reason === '', 'a reason where it is not fit, and only there')
    return fit ? 'fit' : down ? 'down' : 'no'
  })
  return told.join(' ')
}

describe('the fitness of a replica', () => {
  const rows: readonly [string, string, string][] = [
    ['rises after two passes', 'fit fit fit', 'no fit fit'],
    ['counts passes in a row only', 'fit silent fit fit', 'no no no fit'],
    ['ends with an explicit negative at once', 'fit fit unfit fit fit', 'no fit no no fit'],
    ['ends with the third silence in a row', 'fit fit silent silent silent fit', 'no fit fit fit no no'],
    [
      'survives silences that are interrupted',
      'fit fit silent silent fit silent silent fit',
      'no fit fit fit fit fit fit fit',
    ],
    [
      'is neither ended nor begun by questions that could not be put',
      'unasked unasked fit unasked fit unasked unasked unasked silent silent unasked silent',
      'no no no no fit fit fit fit fit fit fit no',
    ],
    [
      'ends with a dial that failed, until Postgres answers again',
      'fit fit refused fit unknown up',
      'no fit no no no fit',
    ],
    ['is down when the API says so and Postgres too', 'fit fit stopped refused', 'no fit no down'],
    [
      'is down when the API is silent and Postgres refuses',
      'fit fit silent silent silent refused up',
      'no fit fit fit no down no',
    ],
    ['is not down while only one of both says so', 'fit fit refused unfit', 'no fit no no'],
    ['is not down any more once the API answers', 'stopped refused fit', 'no down no'],
    ['is unknown before the first answer', 'silent', 'no'],
  ]
  for (const [title, answers, expected] of rows) test(title, () => assert.equal(verdicts(answers), expected))

  test('is none of the leader, nor of a member whose key has gone', () => {
    assert.deepEqual(replicaView(FIT, { gone: false, isLeader: true }), {
      fit: false,
      checked: true,
      down: false,
      reason: 'the leader',
      cause: 'leads',
    })
    assert.equal(replicaView(FIT, { gone: true, isLeader: false }).fit, false)
    const refused = afterReplicaPostgres(FIT, { kind: 'down', reason: 'refused' })
    assert.equal(replicaView(refused, { gone: true, isLeader: false }).down, true)
    assert.equal(replicaView(refused, { gone: false, isLeader: true }).down, false)
  })
})

test('whether it is fit is not known before the first word about it', () => {
  const checked = (fitness: Fitness): boolean => replicaView(fitness, MEMBER).checked
  assert.equal(checked(UNKNOWN_FITNESS), false)
  for (const kind of ['fit', 'unfit', 'silent']) {
    assert.equal(checked(afterReplicaAnswer(UNKNOWN_FITNESS, ANSWERS[kind] ?? { kind: 'fit' }, 1, 3)), true, kind)
  }
  assert.equal(checked(afterReplicaPostgres(UNKNOWN_FITNESS, { kind: 'down', reason: 'refused' })), true)
})

test('lag is what the leader was ahead, never below nothing, and stays where one of both is not known', () => {
  const behind = withLag(FIT, 100, 350)
  assert.equal(behind.lagBytes, 250)
  assert.equal(withLag(behind, 400, 350).lagBytes, 0)
  assert.equal(withLag(behind, null, 350).lagBytes, 250)
  assert.equal(withLag(behind, 400, null).lagBytes, 250)
  assert.equal(withLag(UNKNOWN_FITNESS, 400, null).lagBytes, null)
  const unfit = { kind: 'unfit', reason: 'it runs as a primary', down: false, stranger: false } as const
  assert.equal(withLag(afterReplicaAnswer(behind, unfit, 1, 3), null, 350).lagBytes, null)
})

describe('a new snapshot', () => {
  const before = remember(new Map(), cluster(), null, 0)
  const fitness = new Map([
    ['pg0', FIT],
    ['pg1', FIT],
  ])
  const seen = (known: KnownMembers, facts: Cluster) => ({ known, facts })
  const kept = (changes: Parameters<typeof cluster>[0]) => {
    const next = cluster(changes)
    return afterSnapshot(fitness, seen(before, cluster()), seen(remember(before, next, null, 1), next))
  }

  test('leaves what was found of replicas, and drops what was found of the leader', () => {
    const after = kept({})
    assert.deepEqual([after.get('pg0')?.rest, after.get('pg1')?.rest], ['unknown', 'fit'])
  })

  test('lets a demoted leader be asked before it is a replica', () => {
    const led = kept({})
    const next = cluster({ leader: { name: 'pg1', session: '2' } })
    const after = afterSnapshot(led, seen(before, cluster()), seen(remember(before, next, null, 1), next))
    assert.deepEqual([after.get('pg0')?.rest, after.get('pg1')?.rest], ['unknown', 'unknown'])
  })

  test('lets the leader of a standby cluster serve on, and checks it again once it is promoted', () => {
    const standby = cluster({ standbyCluster: true })
    const memory = remember(before, standby, null, 1)
    const served = afterSnapshot(fitness, seen(before, standby), seen(memory, standby))
    assert.equal(served.get('pg0')?.rest, 'fit')
    const promoted = afterSnapshot(served, seen(memory, standby), seen(memory, cluster()))
    assert.equal(promoted.get('pg0')?.rest, 'unknown')
  })

  test('drops what was found at another address', () => {
    for (const change of [{ host: 'elsewhere' }, { port: 1 }, { restUrl: 'http://elsewhere' }, { host: null }]) {
      assert.equal(kept({ members: [member('pg0'), member('pg1', change)] }).get('pg1'), undefined)
    }
  })

  test('keeps of a member whose key has gone only that its Postgres was down', () => {
    const refused = afterReplicaPostgres(FIT, { kind: 'down', reason: 'refused' })
    const next = cluster({ members: [member('pg0')] })
    const known = new Map([['pg1', refused]])
    const after = afterSnapshot(known, seen(before, cluster()), seen(remember(before, next, null, 1), next))
    assert.deepEqual(after.get('pg1'), { ...UNKNOWN_FITNESS, postgresDown: 'refused' })
  })

  test('drops members that are forgotten', () => {
    const after = afterSnapshot(fitness, seen(before, cluster()), seen(new Map(), cluster()))
    assert.equal(after.size, 0)
  })
})
