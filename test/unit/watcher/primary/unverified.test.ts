/** The leader has a REST API that has never answered. */
import { describe } from 'node:test'
import { asked, because, fact, is, leader, proves, refuses, silent } from '../support/story.ts'

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
