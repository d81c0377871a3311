import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { lastCheckOf, NO_WATCHER_COUNTS, WatcherCounting } from '../../../src/watcher/counts.ts'

const ANSWERED = { status: 200, refused: false }

describe('the last check', () => {
  test('has passed with a proof, and of a replica that is fit', () => {
    const passed = { at: 7, tookMs: 3, outcome: 'passed', httpStatus: 200, reason: '' }
    assert.deepEqual(lastCheckOf({ kind: 'proof', timeline: 1 }, ANSWERED, 7, 3), passed)
    assert.deepEqual(lastCheckOf({ kind: 'fit' }, ANSWERED, 7, 3), passed)
  })

  test('has failed with a no, without an answer and without a connection, each in its own way', () => {
    const no = lastCheckOf({ kind: 'no', reason: 'it is a replica' }, { status: 503, refused: false }, 7, 3)
    assert.deepEqual(no, { at: 7, tookMs: 3, outcome: 'no', httpStatus: 503, reason: 'it is a replica' })
    const silent = { kind: 'silent', reason: 'no\nanswer' } as const
    const none = lastCheckOf(silent, { status: null, refused: false }, 7, 3)
    assert.deepEqual([none.outcome, none.httpStatus, none.reason], ['none', null, 'no\ufffdanswer'])
    assert.equal(lastCheckOf(silent, { status: null, refused: true }, 7, 3).outcome, 'refused')
    assert.equal(lastCheckOf({ kind: 'stopping' }, ANSWERED, 7, 3).outcome, 'no')
  })
})

describe('a watcher', () => {
  const [passed, failed] = [
    lastCheckOf({ kind: 'fit' }, ANSWERED, 1, 3),
    lastCheckOf({ kind: 'silent', reason: 'away' }, { status: null, refused: true }, 2, 20_000),
  ]

  test('has counted nothing at first', () => {
    const { checkDurations, ...counts } = new WatcherCounting().counts()
    const { checkDurations: none, ...nothing } = NO_WATCHER_COUNTS
    assert.deepEqual(counts, nothing)
    assert.deepEqual([checkDurations.sum, none.sum], [0, 0])
  })

  test('counts the checks of each member by result, and how long they took', () => {
    const counting = new WatcherCounting()
    for (const member of ['pg2', 'pg1']) counting.checked(member, passed)
    counting.checked('pg2', failed)
    const { members, checkDurations } = counting.counts()
    assert.deepEqual(members, [
      { member: 'pg1', passed: 1, failed: 0, last: passed },
      { member: 'pg2', passed: 1, failed: 1, last: failed },
    ])
    assert.equal(checkDurations.sum, 20_006)
    assert.deepEqual(
      checkDurations.counts.filter((count) => count > 0),
      [2, 1],
    )
    assert.equal(checkDurations.counts.at(-1), 1)
    counting.keepOnly(new Set(['pg1']))
    assert.deepEqual(
      counting.counts().members.map(({ member }) => member),
      ['pg1'],
    )
  })

  test('counts another primary that is opened, but neither the first one nor one that comes back', () => {
    const counting = new WatcherCounting()
    const changes = (state: 'open' | 'unlocked' | 'switching' | 'none', member: string | null): number => {
      counting.viewed({ state, member })
      return counting.counts().primaryChanges
    }
    assert.equal(changes('none', null), 0)
    assert.equal(changes('open', 'pg1'), 0)
    assert.equal(changes('switching', 'pg1'), 0)
    assert.equal(changes('switching', 'pg2'), 0)
    assert.equal(changes('none', null), 0)
    assert.equal(changes('unlocked', 'pg1'), 0)
    assert.equal(changes('open', 'pg2'), 1)
    assert.equal(changes('open', 'pg1'), 2)
  })

  test('counts the failures of the DCS', () => {
    const counting = new WatcherCounting()
    counting.dcsFailed()
    counting.dcsFailed()
    assert.equal(counting.counts().dcsErrors, 2)
  })
})
