/** New connections wait and sessions stay: a switchover, a Patroni that stops, a proof that is asked for anew. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  ANSWER_WAIT_MS,
  ASK_AGAIN_MS,
  LOOP_WAIT_MS,
  SWITCHOVER_HOLD_MS,
} from '../../../../src/watcher/primary/decide.ts'
import { initialPrimary, nextTickAt } from '../../../../src/watcher/primary/machine.ts'
import { nextPrimary } from '../../../../src/watcher/primary/next-primary.ts'
import {
  again,
  asked,
  because,
  deleted,
  fact,
  failover,
  failoverCleared,
  FALL,
  initialize,
  is,
  isAt,
  isDown,
  leader,
  lockless,
  lost,
  member,
  openA,
  passes,
  proves,
  refuses,
  restored,
  silent,
  standby,
  START,
  stoodStill,
  stops,
  writes,
} from '../support/story.ts'

describe('switching', () => {
  const isChecked = is('open a, held, live, same epoch')
  fact('holds new connections after a standstill of the router, until the member was checked', openA, [
    stoodStill,
    isChecked,
    because(/the router stood still/),
    again,
    isChecked,
    proves('a'),
    is('open a, dialled, live, same epoch'),
  ])
  fact('takes no answer to a question from before the standstill', openA, [
    again,
    asked('a'),
    stoodStill,
    again,
    proves('a'),
    isChecked,
    proves('a'),
    is('open a, dialled, live, same epoch'),
  ])
  fact('closes the sessions of the leader before the standstill when the DCS names another one', openA, [
    stoodStill,
    leader('b'),
    is('unconfirmed b, held, closed, new epoch'),
  ])
  fact('closes them when the member says that it is no longer the primary', openA, [
    stoodStill,
    refuses('a'),
    is('unconfirmed a, held, closed, new epoch'),
  ])
  fact('waits no longer than 2 s after a standstill: neither silence nor a lost DCS is a no', openA, [
    stoodStill,
    lost,
    silent('a'),
    passes(ASK_AGAIN_MS - 10),
    is('unlocked a, held, live, same epoch'),
    passes(10),
    is('unlocked a, dialled, live, same epoch'),
  ])
  fact('holds new connections while the failover key asks for a switchover now', openA, [
    failover({ leader: 'a', member: 'b' }),
    is('switching a (failover-key), held, live, same epoch'),
    because(/switchover from a to b requested/),
  ])
  fact('takes a failover key without a leader for the present one', openA, failover({ member: 'b' }), [
    is('switching a (failover-key), held, live, same epoch'),
  ])
  fact(
    'takes a failover key without a candidate for a switchover to another member',
    openA,
    failover({ leader: 'a' }),
    [is('switching a (failover-key), held, live, same epoch'), because(/switchover from a to another member/)],
  )
  fact('goes back to open when the failover key is cleared', openA, failover({ leader: 'a', member: 'b' }), [
    failoverCleared,
    is('open a, dialled, live, same epoch'),
  ])
  fact('waits for a failover key no longer than 2 s', openA, failover({ leader: 'a', member: 'b' }), [
    passes(SWITCHOVER_HOLD_MS - 1),
    is('switching a (failover-key), held, live, same epoch'),
    passes(1),
    is('open a, dialled, live, same epoch'),
    again,
    is('open a, dialled, live, same epoch'),
  ])
  fact('does not wait anew when the same failover key is seen again', openA, failover({ leader: 'a', member: 'b' }), [
    passes(1500),
    again,
    proves('a'),
    is('switching a (failover-key), held, live, same epoch'),
    passes(500),
    is('open a, dialled, live, same epoch'),
  ])
  fact('waits once for a failover key that is rewritten over and over', openA, failover({ leader: 'a', member: 'b' }), [
    passes(1500),
    failover({ leader: 'a', member: 'c' }),
    is('switching a (failover-key), held, live, same epoch'),
    passes(600),
    is('open a, dialled, live, same epoch'),
    failover({ member: 'b' }),
    is('open a, dialled, live, same epoch'),
    failover({ member: 'c', in: 0 }),
    is('open a, dialled, live, same epoch'),
  ])
  fact('waits anew for a request that comes after the failover key was cleared', openA, [
    failover({ leader: 'a', member: 'b' }),
    passes(3000),
    failoverCleared,
    failover({ leader: 'a', member: 'c' }),
    is('switching a (failover-key), held, live, same epoch'),
  ])
  fact('waits for the way back although the failover key was never seen cleared', openA, [
    failover({ leader: 'a', member: 'b' }),
    passes(1000),
    leader('b'),
    proves('b'),
    is('open b, dialled, live, new epoch'),
    passes(60_000),
    failover({ leader: 'b', member: 'a' }),
    is('switching b (failover-key), held, live, same epoch'),
  ])
  fact('waits for the next leader when a leaderless failover key outlives the first', openA, [
    failover({ member: 'c' }),
    passes(3000),
    leader('b'),
    proves('b'),
    is('switching b (failover-key), held, live, new epoch'),
    passes(SWITCHOVER_HOLD_MS),
    is('open b, dialled, live, same epoch'),
  ])
  const written = [writes(1), isAt('a', 2)]
  const isServing = is('switching a (failover-key), dialled, live, same epoch')
  const isHeld = is('switching a (failover-key), held, live, same epoch')
  fact('serves until Patroni begins the loop that acts on the failover key', openA, written, [
    failover({ leader: 'a', member: 'b' }),
    again,
    passes(500),
    isServing,
    because(/^switchover from a to b requested$/),
    writes(2),
    isHeld,
    because(/holding new connections/),
    isAt('a', 4),
    isHeld,
    writes(4),
    passes(SWITCHOVER_HOLD_MS - 505),
    isHeld,
    passes(2),
    is('open a, dialled, live, same epoch'),
  ])
  fact('waits for that loop no longer than 1 s, however often the failover key is rewritten', openA, written, [
    failover({ leader: 'a', member: 'b' }),
    passes(LOOP_WAIT_MS / 2),
    failover({ leader: 'a', member: 'c' }),
    passes(LOOP_WAIT_MS / 2 - 2),
    isServing,
    passes(1),
    isHeld,
  ])
  fact('holds at once where that loop has begun already', openA, written, [
    writes(2, { leader: 'a', member: 'b', scheduledAt: null }),
    isHeld,
  ])
  fact('holds with the answer of a primary that has written nothing since the last loop of Patroni', openA, writes(2), [
    isAt('a', 2),
    failover({ leader: 'a', member: 'b' }),
    isServing,
    isAt('a', 2),
    isHeld,
  ])
  fact('serves on where that answer shows that it has', openA, writes(2), isAt('a', 2), [
    failover({ leader: 'a', member: 'b' }),
    passes(ANSWER_WAIT_MS - 2),
    isAt('a', 3),
    passes(LOOP_WAIT_MS - ANSWER_WAIT_MS),
    isServing,
    passes(1),
    isHeld,
  ])
  fact('waits no longer than 75 ms for that answer, and for no member that does not tell', openA, writes(2), [
    failover({ leader: 'a', member: 'b' }),
    isAt('b', 9),
    passes(ANSWER_WAIT_MS - 2),
    isServing,
    passes(1),
    isHeld,
    failoverCleared,
    failover({ leader: 'a', member: 'c' }),
    proves('a'),
    isHeld,
  ])
  fact('does not go by a position from before the lock changed', openA, writes(2), isAt('a', 9), asked('a'), [
    leader('a/2'),
    failover({ leader: 'a', member: 'b' }),
    isAt('a', 9),
    asked('a'),
    proves('a'),
    isHeld,
  ])
  fact('holds at once where no position is in the DCS', openA, isAt('a', 3), [
    failover({ leader: 'a', member: 'b' }),
    isHeld,
  ])
  fact('holds from the time of a scheduled switchover on', openA, written, [
    failover({ leader: 'a', member: 'b', in: 500 }),
    passes(499),
    is('open a, dialled, live, same epoch'),
    passes(1),
    isHeld,
  ])
  fact('ends the wait for that loop when the failover key is cleared', openA, written, [
    failover({ leader: 'a', member: 'b' }),
    failoverCleared,
    writes(3),
    passes(LOOP_WAIT_MS),
    is('open a, dialled, live, same epoch'),
  ])
  fact('serves no member that stops, that is down or that another one has replaced', openA, written, [
    failover({ leader: 'a', member: 'b' }),
    isServing,
    stops('a'),
    is('switching a (stopping), held, live, same epoch'),
    isDown('a'),
    is('unreachable a, held, live, same epoch'),
    leader('b'),
    is('unconfirmed b, held, closed, new epoch'),
  ])
  fact('ignores a failover key with a time that is no time', openA, failover({ member: 'b', scheduledAt: NaN }), [
    is('open a, dialled, live, same epoch'),
  ])
  fact('holds new connections and keeps sessions while Patroni stops its Postgres', openA, stops('a'), [
    is('switching a (stopping), held, live, same epoch'),
    because(/stopping/),
    passes(60_000),
    is('switching a (stopping), held, live, same epoch'),
  ])
  fact('goes back to open when Patroni does not stop after all', openA, stops('a'), proves('a'), [
    is('open a, dialled, live, same epoch'),
  ])
  fact('does not take a member for live because it says that it stops', leader('a'), stops('a'), [
    is('unconfirmed a, held, closed, same epoch'),
  ])
  fact('ends a member that stops and then says no', openA, stops('a'), refuses('a'), [
    is('unconfirmed a, held, closed, new epoch'),
    proves('a'),
    is('open a, dialled, live, new epoch'),
  ])
  fact('goes on from stopping to unreachable when Postgres is down', openA, stops('a'), isDown('a'), [
    is('unreachable a, held, live, same epoch'),
  ])
})

describe('a bare DELETE', () => {
  const asking = [
    deleted,
    is('switching a (asked-again), held, live, same epoch'),
    because(/lock or its cluster has changed, and it is checked again/),
  ]
  fact('asks the member again, with its sessions live and new connections held', openA, asking)
  fact('serves the member unlocked when it proves itself again', openA, asking, proves('a'), [
    is('unlocked a, dialled, live, same epoch'),
  ])
  fact('closes its sessions when it says no', openA, asking, refuses('a'), is('none, held, closed, new epoch'))
  fact('closes its sessions when it is silent once', openA, asking, silent('a'), is('none, held, closed, new epoch'))
  fact('closes its sessions after 2 s in which nothing was heard', openA, asking, passes(ASK_AGAIN_MS - 1), [
    is('switching a (asked-again), held, live, same epoch'),
    passes(1),
    is('none, held, closed, new epoch'),
  ])
  fact('waits 2 s in all, also when the lock changes again meanwhile', openA, asking, passes(1000), leader('a/2'), [
    is('switching a (asked-again), held, live, same epoch'),
    passes(1000),
    is('unconfirmed a, held, closed, new epoch'),
  ])
  fact('does not open another member of the same timeline before the live one has answered', openA, asking, [
    proves('b'),
    is('switching a (asked-again), held, live, same epoch'),
    proves('a'),
    is('none, held, closed, new epoch'),
    because(/a and b both report.*timeline 1/),
  ])
  fact('opens another member of the same timeline once the live one has said no', openA, asking, proves('b'), [
    refuses('a'),
    is('unlocked b, dialled, live, new epoch'),
  ])
  fact('does not wait for the live member when another proves a higher timeline', openA, asking, proves('b', 2), [
    is('unlocked b, dialled, live, new epoch'),
  ])
  fact('lets a live primary take the lock again before its sessions are closed', openA, asking, lockless('a'), [
    is('switching a (asked-again), held, live, same epoch'),
    leader('a/2'),
    lockless('a'),
    is('switching a (asked-again), held, live, same epoch'),
    proves('a'),
    is('open a, dialled, live, same epoch'),
  ])
  fact('closes the sessions of a live primary that does not take the lock again within 2 s', openA, asking, [
    lockless('a'),
    passes(ASK_AGAIN_MS - 2),
    is('switching a (asked-again), held, live, same epoch'),
    passes(1),
    is('none, held, closed, new epoch'),
    lockless('a'),
    is('none, held, closed, same epoch'),
  ])
  fact('holds new connections of a member that loses the lock while it is unlocked', openA, asking, proves('a'), [
    is('unlocked a, dialled, live, same epoch'),
    lockless('a'),
    is('switching a (asked-again), held, live, same epoch'),
    proves('a'),
    is('unlocked a, dialled, live, same epoch'),
  ])
  fact('waits for no lock of a primary on another timeline', openA, asking, lockless('a', 2), [
    is('none, held, closed, new epoch'),
  ])
  fact('waits for no lock once another name has it', openA, asking, lockless('a'), leader('b'), [
    is('unconfirmed b, held, closed, new epoch'),
  ])
  fact('is not the case while the DCS names the member: then a primary without the lock says no', openA, [
    lockless('a'),
    is('unconfirmed a, held, closed, new epoch'),
  ])
  fact('also without a DCS: a primary that takes the lock again when etcd is back keeps its sessions', openA, lost, [
    lockless('a'),
    is('switching a (asked-again), held, live, same epoch'),
    proves('a'),
    is('unlocked a, dialled, live, same epoch'),
    leader('a/2'),
    proves('a'),
    is('open a, dialled, live, same epoch'),
  ])
  fact('but not against a newer primary: another that proves a higher timeline is opened at once', openA, lost, [
    lockless('a'),
    proves('b', 2),
    is('unlocked b, dialled, live, new epoch'),
  ])
  fact('asks nobody where nobody was live', leader('a'), deleted, is('none, held, closed, same epoch'))
})

describe('confirm again', () => {
  const askedAgain = is('switching a (asked-again), held, live, same epoch')
  fact('when the create revision of the leader key changes', openA, leader('a/2'), askedAgain, proves('a'), [
    is('open a, dialled, live, same epoch'),
  ])
  fact('when `initialize` changes', openA, initialize('Y'), askedAgain, refuses('a'), [
    is('unconfirmed a, held, closed, new epoch'),
  ])
  fact('when a key shows a higher timeline than the proof', openA, member('a', { timeline: 2 }), askedAgain, [
    proves('a', 2),
    is('open a, dialled, live, same epoch'),
  ])
  fact('when `standby_cluster` is removed', standby(true), leader('a'), refuses('a'), standby(false), [
    is('unconfirmed a, held, closed, same epoch'),
    proves('a'),
    is('open a, dialled, live, new epoch'),
  ])
  fact('when `standby_cluster` was there for a moment', openA, standby(true), is('none, held, closed, new epoch'), [
    standby(false),
    is('unconfirmed a, held, closed, same epoch'),
    proves('a'),
    is('open a, dialled, live, new epoch'),
  ])
  fact('when `initialize` was gone for a moment', openA, initialize(null), initialize('X'), askedAgain, silent('a'), [
    is('unconfirmed a, held, closed, new epoch'),
  ])
  fact('when the leader key comes back under a session that was seen before', openA, deleted, leader('a'), askedAgain)
  fact('but not for the timeline that the proof has shown', openA, proves('a', 2), member('a', { timeline: 2 }), [
    is('open a, dialled, live, same epoch'),
  ])
  fact('but once only for a key that shows a timeline of 1e9', openA, member('a', { timeline: 1e9 }), askedAgain, [
    proves('a', 1),
    is('open a, dialled, live, same epoch'),
    again,
    is('open a, dialled, live, same epoch'),
    lost,
    proves('a', 1),
    is('unlocked a, dialled, live, same epoch'),
  ])
  fact(
    'another system identifier starts the timelines anew',
    openA,
    proves('a', 9),
    initialize('Y'),
    deleted,
    [silent('a'), proves('b', 1), is('unlocked b, dialled, live, new epoch')].flat(),
  )
  fact(
    'the first `initialize` does not',
    initialize(null),
    leader('a'),
    proves('a', 9),
    initialize('X'),
    deleted,
    [silent('a'), is('none, held, closed, new epoch'), proves('b', 1), is('none, held, closed, same epoch')].flat(),
  )
})

describe('revisions', () => {
  fact(
    'a restored DCS drops all proof',
    openA,
    restored,
    [
      is('switching a (asked-again), held, live, same epoch'),
      silent('a'),
      is('unconfirmed a, held, closed, new epoch'),
    ].flat(),
  )
  fact('a restored DCS drops the proofs of those it does not name', deleted, proves('b'), restored, refuses('a'), [
    is('switching b (asked-again), held, live, new epoch'),
    refuses('b'),
    is('none, held, closed, new epoch'),
  ])
  fact('a restored DCS may lead to a lower timeline', openA, proves('a', 9), restored, deleted, refuses('a'), [
    proves('b', 2),
    is('unlocked b, dialled, live, new epoch'),
  ])
  fact('an answer to a question from before the restore proves nothing', openA, asked('a'), restored, proves('a'), [
    is('switching a (asked-again), held, live, same epoch'),
  ])
})

describe('ticks', () => {
  test('none is requested in a quiet state', () => {
    assert.equal(nextTickAt(initialPrimary(FALL, START), START), null)
  })
  fact('one is asked for when a wait ends, and when a scheduled switchover begins', openA, [
    failover({ member: 'b', in: 5000 }),
    ({ machine, now }) => assert.equal(nextTickAt(machine, now), now + 5000),
    passes(5000),
    ({ machine, now }) => assert.equal(nextTickAt(machine, now), now + SWITCHOVER_HOLD_MS),
    passes(SWITCHOVER_HOLD_MS),
    ({ machine, now }) => assert.equal(nextTickAt(machine, now), null),
    deleted,
    ({ machine, now }) => assert.equal(nextTickAt(machine, now), now + ASK_AGAIN_MS),
  ])
  test('a needless tick changes nothing', () => {
    const machine = initialPrimary(FALL, START)
    assert.deepEqual(nextPrimary(machine, { type: 'tick' }, START + 1), machine)
  })
})
