/** The leader is being promoted, as it says itself. */
import { describe } from 'node:test'
import { because, deleted, fact, is, leader, openA, promotes, proves, refuses, silent } from '../support/story.ts'

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
