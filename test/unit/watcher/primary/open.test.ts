/** The member that takes new sessions: the one that the DCS names and that has proved itself. */
import { describe } from 'node:test'
import {
  accepts,
  asked,
  because,
  deleted,
  fact,
  initialize,
  is,
  isDown,
  lastServed,
  leader,
  lost,
  member,
  openA,
  passes,
  proves,
  refuses,
  restarted,
  restored,
  silent,
  since,
  stops,
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
