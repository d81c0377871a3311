/** The leader has not proved itself, or not any more. */
import { describe } from 'node:test'
import {
  because,
  cause,
  fact,
  is,
  leader,
  member,
  openA,
  passes,
  proves,
  refuses,
  restarts,
  silent,
  since,
} from '../support/story.ts'

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
  fact('says that the leader is being checked, is restarted, or neither', leader('a'), cause('being-checked'), [
    refuses('a'),
    cause(null),
    restarts('a'),
    cause('restarting'),
    refuses('a'),
    cause(null),
    restarts('a'),
    leader('a/2'),
    cause('being-checked'),
    proves('a'),
    cause(null),
    leader('b'),
    cause('being-checked'),
  ])
  fact(
    'is no longer that of a restart once it does not answer',
    leader('a'),
    restarts('a'),
    ...silent('a'),
    cause(null),
  )
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
