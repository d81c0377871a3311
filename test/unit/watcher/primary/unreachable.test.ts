/** The leader has proved itself, and its Postgres does not answer. */
import { describe } from 'node:test'
import {
  accepts,
  asked,
  askedNow,
  because,
  fact,
  is,
  isDown,
  leader,
  meanwhile,
  openA,
  probeFailsHere,
  proves,
  refuses,
} from '../support/story.ts'

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
