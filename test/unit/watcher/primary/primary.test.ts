/** The table of the primary: a row for each line of the design's "The primary, exactly" and each edge of Patroni. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ASK_AGAIN_MS, SWITCHOVER_HOLD_MS } from '../../../../src/watcher/primary/decide.ts'
import { initialPrimary, nextTickAt } from '../../../../src/watcher/primary/machine.ts'
import { nextPrimary } from '../../../../src/watcher/primary/next-primary.ts'
import {
  accepts,
  again,
  asked,
  askedNow,
  because,
  deleted,
  fact,
  failover,
  failoverCleared,
  FALL,
  forgotten,
  initialize,
  is,
  isDown,
  lastServed,
  leader,
  lockless,
  lost,
  meanwhile,
  member,
  openA,
  passes,
  paused,
  probeFailsHere,
  promotes,
  proves,
  refuses,
  restarted,
  restored,
  silent,
  since,
  standby,
  START,
  stops,
  unseen,
} from '../support/story.ts'

describe('open', () => {
  fact(
    'opens the member that the DCS names and that has proved itself',
    openA,
    because(/holds the leader lock and \/primary confirms it/),
  )
  fact('does not open a member that is named but has not proved itself', leader('a'), [
    is('unconfirmed a, held, closed, same epoch'),
    because(/is being checked/),
  ])
  fact('does not open a member that has proved itself but is not the one named', leader('a'), proves('b'), [
    is('unconfirmed a, held, closed, same epoch'),
  ])
  fact('keeps open what is proved again and again, and the state its age', openA, passes(2000), proves('a'), [
    is('open a, dialled, live, same epoch'),
    since(2001),
  ])
  fact('opens at a timeline that the proof shows, whatever it was before', openA, proves('a', 7), [
    is('open a, dialled, live, same epoch'),
  ])
})

describe('switching', () => {
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

describe('promoting', () => {
  fact(
    'is not said of a member that takes the lock anew, nor that it does not answer: it is being checked',
    openA,
    deleted,
    silent('a', 9),
    leader('a/2'),
    [is('unconfirmed a, held, closed, new epoch'), because(/^it holds the leader lock and is being checked$/)],
  )
  fact(
    'is what a leader says that is being promoted, and nobody else',
    leader('a'),
    promotes('a'),
    [
      is('promoting a, held, closed, same epoch'),
      because(/is being promoted/),
      silent('a'),
      is('unconfirmed a, held, closed, same epoch'),
      promotes('a'),
      is('promoting a, held, closed, same epoch'),
      refuses('a'),
      is('unconfirmed a, held, closed, same epoch'),
    ].flat(),
  )
  fact('ends with the proof', leader('a'), promotes('a'), proves('a'), is('open a, dialled, live, new epoch'))
  fact('closes the sessions of a primary that is promoted anew', openA, promotes('a'), [
    is('promoting a, held, closed, new epoch'),
  ])
  fact('is no word about another lock', leader('a'), promotes('a'), leader('b'), [
    is('unconfirmed b, held, closed, same epoch'),
    leader('a/2'),
    is('unconfirmed a, held, closed, same epoch'),
    because(/is being checked/),
  ])
})

describe('unconfirmed', () => {
  fact('closes the sessions of a demoted primary', openA, refuses('a'), [
    is('unconfirmed a, held, closed, new epoch'),
    because(/503/),
  ])
  fact('opens a member that was refused once it proves itself', leader('a'), refuses('a'), proves('a'), [
    is('open a, dialled, live, new epoch'),
  ])
  fact(
    'stays unconfirmed through the silence of a REST API that has answered before',
    leader('a'),
    refuses('a'),
    [silent('a', 9), is('unconfirmed a, held, closed, same epoch')].flat(),
  )
  fact('tells since when the present leader is waited for', leader('a'), passes(5000), leader('b'), since(0), [
    passes(700),
    refuses('b'),
    since(701),
  ])
  fact('waits for the address of a leader that the DCS does not know', leader('nobody'), [
    is('unconfirmed nobody, held, closed, same epoch'),
    because(/no address/),
  ])
  fact('waits for the address of a leader that is still being created', member('a', { address: null }), leader('a'), [
    is('unconfirmed a, held, closed, same epoch'),
    because(/no address/),
    proves('a'),
    is('unconfirmed a, held, closed, same epoch'),
  ])
})

describe('unreachable', () => {
  fact('holds new connections and leaves sessions alone when dials are refused', openA, isDown('a'), [
    is('unreachable a, held, live, same epoch'),
    because(/connection refused/),
  ])
  fact('opens again after a startup answer and a proof, both asked after the failure', openA, isDown('a'), [
    accepts('a'),
    is('unreachable a, held, live, same epoch'),
    proves('a'),
    is('open a, dialled, live, same epoch'),
  ])
  fact('opens again whichever of the two comes first', openA, isDown('a'), proves('a'), [
    is('unreachable a, held, live, same epoch'),
    accepts('a'),
    is('open a, dialled, live, same epoch'),
  ])
  fact('does not open again for a proof that was asked before the failure', openA, asked('a'), [
    meanwhile('a', isDown('a'), accepts('a')),
    proves('a'),
    is('unreachable a, held, live, same epoch'),
    proves('a'),
    is('open a, dialled, live, same epoch'),
  ])
  fact('does not open again for a startup answer that was asked before the failure', openA, asked('a'), [
    meanwhile('a', isDown('a'), proves('a')),
    accepts('a'),
    is('unreachable a, held, live, same epoch'),
    accepts('a'),
    is('open a, dialled, live, same epoch'),
  ])
  fact('does not open again for answers that were asked in the millisecond of the failure', openA, isDown('a'), [
    askedNow('a'),
    proves('a'),
    accepts('a'),
    is('unreachable a, held, live, same epoch'),
  ])
  fact('starts over when another dial fails in between', openA, isDown('a'), proves('a'), isDown('a'), accepts('a'), [
    is('unreachable a, held, live, same epoch'),
    proves('a'),
    is('open a, dialled, live, same epoch'),
  ])
  fact('ends the sessions of an unreachable member that says no', openA, isDown('a'), refuses('a'), [
    is('unconfirmed a, held, closed, new epoch'),
  ])
  fact('makes a member that is proved but down unreachable, not open', leader('a'), isDown('a'), proves('a'), [
    is('unreachable a, held, live, new epoch'),
    accepts('a'),
    is('open a, dialled, live, same epoch'),
  ])
  fact('learns nothing from a probe that failed on this machine', openA, probeFailsHere('a'), [
    is('open a, dialled, live, same epoch'),
  ])
  fact('learns nothing about one member from dials to another', openA, isDown('b'), [
    is('open a, dialled, live, same epoch'),
  ])
  fact('learns nothing from a dial that began under another lock', openA, asked('a'), leader('a/2'), isDown('a'), [
    proves('a'),
    is('open a, dialled, live, same epoch'),
  ])
})

describe('unverified', () => {
  fact('shows a leader whose REST API has never answered as unverified, with the reason', leader('a'), silent('a'), [
    is('unverified a, held, closed, same epoch'),
    because(/never answered.*no answer within 1 s/),
  ])
  fact('opens an unverified leader once its REST API answers', leader('a'), silent('a', 5), proves('a'), [
    is('open a, dialled, live, new epoch'),
  ])
  fact(
    'knows a REST API as usable by an answer to an outdated question',
    leader('a'),
    asked('a'),
    leader('a/2'),
    [refuses('a'), silent('a'), is('unconfirmed a, held, closed, same epoch')].flat(),
  )
})

describe('unlocked', () => {
  fact('serves the one member with full proof while nobody has the lock', deleted, proves('a'), [
    is('unlocked a, dialled, live, new epoch'),
    because(/leader key is gone/),
  ])
  fact('serves the one member with full proof while the DCS is out of reach', openA, lost, [
    is('unlocked a, dialled, live, same epoch'),
    because(/cannot be reached/),
    proves('a'),
    is('unlocked a, dialled, live, same epoch'),
  ])
  fact('holds for an unlocked member that stops, and that is down', openA, lost, stops('a'), [
    is('switching a (stopping), held, live, same epoch'),
    isDown('a'),
    is('unreachable a, held, live, same epoch'),
    accepts('a'),
    proves('a'),
    is('unlocked a, dialled, live, same epoch'),
  ])
  fact('ignores the failover key while nobody is named', openA, lost, unseen('a'), [
    failover({ leader: 'a', member: 'b' }),
    is('switching a (failover-key), held, live, same epoch'),
    lost,
    is('unlocked a, dialled, live, same epoch'),
  ])
})

describe('none', () => {
  fact('starts with nobody, whatever anybody says', is('none, held, closed, same epoch'), proves('a'), isDown('a'), [
    is('none, held, closed, same epoch'),
    because(/has not been read/),
  ])
  fact('serves nobody when nobody has proof', deleted, refuses('a'), silent('b'), [
    is('none, held, closed, same epoch'),
    because(/leader key is gone and no member reports/),
  ])
  fact('serves nobody who has no address, whatever is said in its name', member('a', { address: null }), proves('a'), [
    is('none, held, closed, same epoch'),
  ])
  fact('serves nobody of a standby cluster, and closes sessions when one becomes it', openA, standby(true), [
    is('none, held, closed, new epoch'),
    because(/standby cluster/),
    proves('a'),
    lost,
    proves('a'),
    is('none, held, closed, same epoch'),
  ])
})

describe('a newer name always wins', () => {
  fact('closes the sessions of the old leader in the step that names another', openA, proves('a'), leader('b'), [
    is('unconfirmed b, held, closed, new epoch'),
    proves('a'),
    is('unconfirmed b, held, closed, same epoch'),
    proves('b', 2),
    is('open b, dialled, live, new epoch'),
  ])
  fact('disowns the old sessions also when the new leader is proved already', leader('a'), proves('a'), lost, [
    proves('b', 2),
    is('unlocked b, dialled, live, new epoch'),
    leader('a/2'),
    is('unconfirmed a, held, closed, new epoch'),
  ])
  fact('names another while the old one is unreachable, switching or unlocked', openA, isDown('a'), leader('b'), [
    is('unconfirmed b, held, closed, new epoch'),
    proves('b', 2),
    stops('b'),
    leader('c'),
    is('unconfirmed c, held, closed, new epoch'),
    proves('c', 3),
    lost,
    leader('a/2'),
    is('unconfirmed a, held, closed, new epoch'),
  ])
  fact('believes no proof of the new leader that was asked for before it was named', openA, asked('b'), leader('b'), [
    proves('b', 2),
    is('unconfirmed b, held, closed, new epoch'),
  ])
})

describe('no is no, silence is not', () => {
  fact('an explicit no ends the proof at once', openA, refuses('a'), is('unconfirmed a, held, closed, new epoch'))
  fact('a REST API that hangs does not cut off the leader', openA, silent('a', 50), [
    is('open a, dialled, live, same epoch'),
  ])
  fact(
    'the startup probe sees what a hanging REST API hides',
    openA,
    silent('a', 3),
    isDown('a'),
    [
      is('unreachable a, held, live, same epoch'),
      silent('a', 50),
      accepts('a'),
      is('unreachable a, held, live, same epoch'),
    ].flat(),
  )
  fact('a no to an outdated question ends nothing', openA, asked('a'), leader('a/2'), refuses('a'), [
    is('switching a (asked-again), held, live, same epoch'),
    proves('a'),
    is('open a, dialled, live, same epoch'),
  ])
})

describe('a bare DELETE', () => {
  const asking = [
    deleted,
    is('switching a (asked-again), held, live, same epoch'),
    because(/lock or its cluster has changed/),
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

describe('no DCS', () => {
  fact('one explicit no ends the member', openA, lost, refuses('a'), is('none, held, closed, new epoch'))
  fact(
    'silence ends the member after `fall` times in a row',
    openA,
    lost,
    silent('a', FALL - 1),
    proves('a'),
    [
      silent('a', FALL - 1),
      is('unlocked a, dialled, live, same epoch'),
      silent('a'),
      is('none, held, closed, new epoch'),
    ].flat(),
  )
  fact('an answer of any kind ends a row of silences', openA, lost, silent('a', FALL - 1), stops('a'), silent('a'), [
    is('switching a (stopping), held, live, same epoch'),
  ])
  fact('a member with a higher timeline is a newer leader', openA, lost, proves('b', 2), [
    is('unlocked b, dialled, live, new epoch'),
    proves('a', 1),
    is('unlocked b, dialled, live, same epoch'),
  ])
  fact('a member with a lower timeline is none', openA, proves('a', 2), lost, proves('b', 1), [
    is('unlocked a, dialled, live, same epoch'),
    refuses('a'),
    is('none, held, closed, new epoch'),
  ])
  fact('a timeline that was left is not believed again', openA, lost, proves('b', 2), refuses('b'), proves('a', 1), [
    is('none, held, closed, new epoch'),
    proves('c', 3),
    is('unlocked c, dialled, live, new epoch'),
  ])
  fact('a live member that falls back to a lower timeline is not believed', openA, proves('a', 2), lost, [
    proves('a', 1),
    is('none, held, closed, new epoch'),
  ])
  fact('two proofs on the same timeline: nobody', openA, lost, proves('b', 1), [
    is('none, held, closed, new epoch'),
    because(/a and b both report/),
    refuses('b'),
    is('unlocked a, dialled, live, new epoch'),
  ])
  fact('two proofs below a third do no harm', openA, lost, proves('c', 3), proves('b', 1), [
    is('unlocked c, dialled, live, new epoch'),
  ])
  fact('the return of the DCS with the same lock changes nothing', openA, lost, proves('a'), again, [
    is('open a, dialled, live, same epoch'),
  ])
  fact('the return of the DCS with another name ends what was served without it', openA, lost, unseen('b'), again, [
    is('unconfirmed b, held, closed, new epoch'),
  ])
  fact('the return of the DCS with a no from the leader does not open it', openA, lost, refuses('a'), again, [
    is('unconfirmed a, held, closed, new epoch'),
  ])
  fact('with a DCS that names the leader again a lower timeline is right', openA, proves('a', 5), leader('b'), [
    proves('b', 2),
    is('open b, dialled, live, new epoch'),
    lost,
    is('unlocked b, dialled, live, same epoch'),
  ])
  fact('the floor follows the proof of the leader also while it is unreachable', openA, proves('a', 2), isDown('a'), [
    proves('a', 1),
    is('unreachable a, held, live, same epoch'),
    lost,
    is('unreachable a, held, live, same epoch'),
  ])
  fact('the floor is the timeline of whom the DCS named last', openA, lost, proves('b', 2), [
    is('unlocked b, dialled, live, new epoch'),
    leader('a/2'),
    proves('a', 1),
    lost,
    refuses('b'),
    is('unlocked a, dialled, live, new epoch'),
  ])
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

describe('prove again', () => {
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

describe('start', () => {
  fact('a DCS that was never read is waited for, also when it is known to be lost', lost, proves('a'), [
    is('none, held, closed, same epoch'),
    because(/has not been read/),
    leader('a'),
    proves('a'),
    is('open a, dialled, live, new epoch'),
  ])
  fact('members that are known from elsewhere are believed by proof without a DCS', deleted, lost, proves('a'), [
    is('unlocked a, dialled, live, new epoch'),
  ])
})

describe('dials', () => {
  fact('a member that moves is fenced like another one', openA, member('a', { address: 'elsewhere:5432' }), [
    is('switching a (asked-again), held, live, new epoch'),
    proves('a'),
    is('open a, dialled, live, same epoch'),
  ])
  fact('a member that moves and comes back is fenced twice and asked', openA, [
    member('a', { address: 'elsewhere:5432' }),
    member('a', { address: 'a:5432' }),
    is('switching a (asked-again), held, live, new epoch'),
    proves('a'),
    is('open a, dialled, live, same epoch'),
  ])
  fact('a move of another member changes nothing', openA, member('b', { address: 'elsewhere:5432' }), [
    is('open a, dialled, live, same epoch'),
  ])
  fact('a failed dial is an observation', openA, isDown('a'), is('unreachable a, held, live, same epoch'))
  fact('the epoch tells sessions before an interruption from those after it', openA, refuses('a'), [
    is('unconfirmed a, held, closed, new epoch'),
    proves('a'),
    is('open a, dialled, live, new epoch'),
  ])
})

describe('the edges of Patroni', () => {
  fact('1: the lock comes before the promotion, and clients after the proof', leader('b'), refuses('b'), refuses('b'), [
    is('unconfirmed b, held, closed, same epoch'),
    proves('b', 2),
    is('open b, dialled, live, new epoch'),
  ])
  fact(
    '1: a leader that gives up its promotion was never open',
    leader('b'),
    refuses('b'),
    leader('c'),
    proves('c', 2),
    [is('open c, dialled, live, new epoch')],
  )
  // Whether a body is a proof is judged by proof.ts; without a live position it comes here as a no.
  fact('2: a remembered role is no proof', openA, refuses('a'), is('unconfirmed a, held, closed, new epoch'))
  fact('3: what the member key says of its timeline or role opens nobody', leader('a'), member('a', { timeline: 9 }), [
    is('unconfirmed a, held, closed, same epoch'),
    deleted,
    is('none, held, closed, same epoch'),
  ])
  fact('4: a switchover that is scheduled for tomorrow holds nobody until then', openA, [
    failover({ leader: 'a', member: 'b', in: 86_400_000 }),
    is('open a, dialled, live, same epoch'),
    passes(86_399_999),
    is('open a, dialled, live, same epoch'),
    passes(1),
    is('switching a (failover-key), held, live, same epoch'),
    passes(SWITCHOVER_HOLD_MS),
    is('open a, dialled, live, same epoch'),
  ])
  fact('4: a scheduled switchover that is taken back holds nobody', openA, failover({ member: 'b', in: 5000 }), [
    failoverCleared,
    passes(10_000),
    is('open a, dialled, live, same epoch'),
  ])
  fact('4: a scheduled switchover may be moved, and may give way to one that is to be now', openA, [
    failover({ member: 'b', in: 5000 }),
    failover({ member: 'b', in: 60_000 }),
    passes(10_000),
    is('open a, dialled, live, same epoch'),
    failover({ member: 'b' }),
    is('switching a (failover-key), held, live, same epoch'),
  ])
  fact('4: a request for now may give way to one that is scheduled', openA, failover({ member: 'b' }), [
    passes(1000),
    failover({ member: 'b', in: 5000 }),
    is('open a, dialled, live, same epoch'),
    passes(5000),
    is('switching a (failover-key), held, live, same epoch'),
  ])
  fact('4: a failover key that names another leader holds nobody', openA, failover({ leader: 'c', member: 'b' }), [
    is('open a, dialled, live, same epoch'),
  ])
  fact('4: a failover key that names the leader itself as candidate holds nobody', openA, failover({ member: 'a' }), [
    is('open a, dialled, live, same epoch'),
  ])
  fact('4: an empty failover key holds nobody', openA, failover({}), is('open a, dialled, live, same epoch'))
  fact(
    '4: in pause only a request with a candidate and without a time holds',
    openA,
    paused,
    failover({ leader: 'a' }),
    [
      is('open a, dialled, live, same epoch'),
      failover({ leader: 'a', member: 'b', in: 0 }),
      passes(1),
      is('open a, dialled, live, same epoch'),
      failover({ leader: 'a', member: 'b' }),
      is('switching a (failover-key), held, live, same epoch'),
    ],
  )
  fact('4: a primary that stays writable through a long CHECKPOINT is served again after 2 s', openA, [
    failover({ leader: 'a', member: 'b' }),
    passes(SWITCHOVER_HOLD_MS),
    proves('a'),
    is('open a, dialled, live, same epoch'),
    stops('a'),
    is('switching a (stopping), held, live, same epoch'),
  ])
  fact(
    '5: stopping Patroni hangs its REST API, and the startup probe sees Postgres end',
    openA,
    silent('a'),
    [
      is('open a, dialled, live, same epoch'),
      isDown('a'),
      is('unreachable a, held, live, same epoch'),
      deleted,
      is('switching a (asked-again), held, live, same epoch'),
      silent('a'),
      is('none, held, closed, new epoch'),
      leader('b'),
      proves('b', 2),
      is('open b, dialled, live, new epoch'),
    ].flat(),
  )
  fact('6: a bare DELETE holds new clients and guesses nobody', openA, deleted, [
    is('switching a (asked-again), held, live, same epoch'),
    refuses('a'),
    is('none, held, closed, new epoch'),
  ])
  // That the last address of a member is kept while sessions are open is the watcher's; it goes on naming it here.
  fact(
    '7: dials are refused long before the keys of a crashed leader go',
    openA,
    isDown('a'),
    silent('a', 8),
    deleted,
    is('none, held, closed, new epoch'),
  )
  fact('7: a leader whose member is not known any more is waited for', openA, forgotten('a'), [
    is('unconfirmed a, held, closed, new epoch'),
    member('a', { address: 'a:5432' }),
    is('unconfirmed a, held, closed, same epoch'),
    proves('a'),
    is('open a, dialled, live, new epoch'),
  ])
  fact('7: sessions end with an unlocked member that is not known any more', deleted, proves('a'), forgotten('a'), [
    is('none, held, closed, new epoch'),
  ])
  fact('8: a leader that is cut off says no while its key lives on', openA, isDown('a'), accepts('a'), refuses('a'), [
    is('unconfirmed a, held, closed, new epoch'),
    accepts('a'),
    is('unconfirmed a, held, closed, same epoch'),
    leader('b'),
    proves('b', 2),
    is('open b, dialled, live, new epoch'),
  ])
  fact(
    '8: a Postgres that comes back with a silent REST API may be read-only',
    openA,
    isDown('a'),
    accepts('a'),
    [silent('a', 20), is('unreachable a, held, live, same epoch')].flat(),
  )
  fact('9: the sessions of a frozen leader end when another name takes the key', openA, silent('a', 9), leader('b'), [
    is('unconfirmed b, held, closed, new epoch'),
  ])
  fact('9: and already with its own key, when it has been silent for long', openA, silent('a', FALL), deleted, [
    is('none, held, closed, new epoch'),
  ])
  fact('9: one question that was not answered is not long', openA, silent('a', FALL - 1), deleted, [
    is('switching a (asked-again), held, live, same epoch'),
    leader('b'),
    is('unconfirmed b, held, closed, new epoch'),
  ])
  fact('9: silence says nothing while the DCS is lost for less than `fall` questions', openA, silent('a', 1), lost, [
    is('unlocked a, dialled, live, same epoch'),
  ])
  fact('10: a lease change, which puts the same name again, is nothing', openA, again, again, [
    is('open a, dialled, live, same epoch'),
  ])
  fact(
    '10: a delete and a put of the same name keeps the sessions of a healthy leader',
    openA,
    deleted,
    leader('a/2'),
    [is('switching a (asked-again), held, live, same epoch'), proves('a'), is('open a, dialled, live, same epoch')],
  )
  fact('10: the same name is another thing after `standby_cluster` was added', openA, standby(true), proves('a'), [
    is('none, held, closed, new epoch'),
  ])
  fact('11: in pause a leader that keeps running without the key is served', openA, paused, deleted, proves('a'), [
    is('unlocked a, dialled, live, same epoch'),
  ])
  fact('11: of parallel primaries none is guessed', paused, deleted, proves('a'), proves('b'), [
    is('none, held, closed, new epoch'),
  ])
  fact('12: the leader of a standby cluster is not served', standby(true), leader('a'), refuses('a'), proves('a'), [
    is('none, held, closed, same epoch'),
  ])
  fact('13: without failsafe mode the primary ends with its explicit no', openA, lost, passes(5000), refuses('a'), [
    is('none, held, closed, new epoch'),
  ])
  // Members are known from the `failsafe` key then: the watcher's.
  fact('13: in failsafe mode the one member with proof is served without a leader key', deleted, proves('a'), [
    is('unlocked a, dialled, live, new epoch'),
    lost,
    is('unlocked a, dialled, live, same epoch'),
  ])
  fact(
    '14: a newer name wins over a /primary that says 200 for too long',
    openA,
    leader('b'),
    proves('a'),
    proves('a'),
    [is('unconfirmed b, held, closed, new epoch')],
  )
  // Older revisions of a stale etcd node are ignored by the DCS part; here it is lost, or restored.
  fact('15: behind a stale etcd node the members are asked', openA, lost, refuses('a'), proves('b', 2), [
    is('unlocked b, dialled, live, new epoch'),
  ])
  fact('15: a restored etcd that names the old leader does not open it', openA, leader('b'), proves('b', 2), restored, [
    leader('a'),
    refuses('a'),
    is('unconfirmed a, held, closed, new epoch'),
  ])
  // Replicas have checks of their own (fitness.ts): whatever is known of them, the primary does not change.
  fact(
    '16: dead replicas change nothing for the primary',
    openA,
    silent('b', 9),
    isDown('b'),
    refuses('c'),
    [forgotten('c'), is('open a, dialled, live, same epoch')].flat(),
  )
  fact('17: a REST API out of reach is unverified, whatever Postgres does', leader('a'), silent('a'), accepts('a'), [
    is('unverified a, held, closed, same epoch'),
  ])
  // Nothing here reads /cluster: the observations of members and of the DCS are all there is, and order within the
  // members' map does not matter.
  fact('18: the order in which members are listed decides nothing', openA, forgotten('a'), leader('b'), [
    member('a', { address: 'a:5432' }),
    deleted,
    proves('a', 2),
    proves('b', 1),
    is('unlocked a, dialled, live, new epoch'),
  ])
})

describe('ticks', () => {
  test('none is asked for in a quiet state', () => {
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
  test('one that comes for nothing changes nothing', () => {
    const machine = initialPrimary(FALL, START)
    assert.deepEqual(nextPrimary(machine, { type: 'tick' }, START + 1), machine)
  })
})

describe('the timeline that was served', () => {
  fact('is lower than one before it when acknowledged writes are gone, until it is reached again', openA, [
    proves('a', 5),
    lastServed(5, 5),
    leader('b'),
    proves('b', 4),
    is('open b, dialled, live, new epoch'),
    lastServed(4, 5),
    deleted,
    lastServed(4, 5),
    leader('b'),
    proves('b', 5),
    lastServed(5, 5),
  ])
  fact('is not that of a member that was never open', openA, proves('b', 7), lastServed(1, 1))
  fact('is known of a restored DCS, and not of another database', openA, proves('a', 5), restored, proves('a', 4), [
    lastServed(4, 5),
    initialize('Y'),
    proves('a', 1),
    lastServed(1, 1),
  ])
  fact('is that of the run before', restarted(5), leader('a'), proves('a', 4), lastServed(4, 5))
  fact(
    'is that of the run before, in which it was set back',
    restarted(4, { highest: 5, last: 4 }),
    lastServed(4, 5),
    leader('a'),
    proves('a', 4),
    lastServed(4, 5),
    proves('a', 5),
    lastServed(5, 5),
  )
})
