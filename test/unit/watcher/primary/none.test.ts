/** Nobody is open, and nobody is waited for. */
import { describe } from 'node:test'
import {
  because,
  cause,
  deleted,
  fact,
  is,
  isDown,
  leader,
  lost,
  member,
  openA,
  proves,
  refuses,
  silent,
  standby,
} from '../support/story.ts'

describe('none', () => {
  fact(
    'says why: nothing was read, members are still asked, nobody or two report it, or somebody wants it so',
    cause('not-read'),
    deleted,
    cause('being-asked'),
    refuses('a'),
    cause('being-asked'),
    [refuses('b'), refuses('c'), cause(null)],
    [proves('a'), cause(null), proves('b'), is('none, held, closed, new epoch'), cause('two-primaries')],
    [standby(true), cause('standby-cluster')],
  )
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
