/** No leader key, or no DCS: the proof of exactly one member. */
import { describe } from 'node:test'
import {
  accepts,
  again,
  because,
  deleted,
  fact,
  failover,
  FALL,
  is,
  isDown,
  leader,
  lost,
  openA,
  proves,
  refuses,
  silent,
  stops,
  unseen,
} from '../support/story.ts'

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
