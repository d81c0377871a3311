/** The table of the primary while members cannot be queried: for how long their last word counts. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { basisOf, initialPrimary, nextTickAt, NO_FACTS } from '../../../../src/watcher/primary/machine.ts'
import { nextPrimary } from '../../../../src/watcher/primary/next-primary.ts'
import {
  again,
  because,
  claims,
  fact,
  FALL,
  is,
  leader,
  lost,
  openA,
  passes,
  promotes,
  proves,
  silent,
  START,
  stops,
  ttl,
  unasked,
} from '../support/story.ts'

describe('a question that this machine could not put', () => {
  fact('closes nothing while the DCS names the member, for however long', openA, unasked('a', 50), [
    passes(3_600_000),
    is('open a, dialled, live, same epoch'),
  ])
  fact('is no silence without the DCS either', openA, lost, unasked('a', 50), [
    passes(19_000),
    is('unlocked a, dialled, live, same epoch'),
  ])
  fact(
    'is no silence where there is no lock to read',
    claims('a'),
    proves('a'),
    unasked('a', 50),
    [
      is('open a, dialled, live, new epoch'),
      silent('a', 2),
      unasked('a', 5),
      is('open a, dialled, live, same epoch'),
      silent('a'),
      is('none, held, closed, new epoch'),
    ].flat(),
  )
  fact(
    'does not end the wait for a proof that is asked anew, nor make it longer',
    openA,
    leader('a/2'),
    unasked('a', 9),
    [
      is('switching a (asked-again), held, live, same epoch'),
      passes(2000),
      is('unconfirmed a, held, closed, new epoch'),
    ],
  )
  fact('is shown as the reason while the member has not proved itself', leader('a'), unasked('a'), [
    is('unconfirmed a, held, closed, same epoch'),
    because(/EMFILE/),
    promotes('a'),
    unasked('a'),
    is('unconfirmed a, held, closed, same epoch'),
  ])
})

describe('a proof of a member that the DCS does not name', () => {
  fact('lapses one ttl after the last answer of the member', openA, lost, passes(10_000), proves('a'), [
    unasked('a', 3),
    passes(19_900),
    is('unlocked a, dialled, live, same epoch'),
    passes(100),
    is('none, held, closed, new epoch'),
  ])
  fact('lapses after 30 s where the ttl is not known', ttl(null), openA, lost, passes(29_900), [
    is('unlocked a, dialled, live, same epoch'),
    passes(200),
    is('none, held, closed, new epoch'),
  ])
  fact('lapses where there is no lock to read', ttl(null), claims('a'), proves('a'), passes(29_900), [
    is('open a, dialled, live, new epoch'),
    passes(200),
    is('none, held, closed, new epoch'),
  ])
  fact('has lapsed when the DCS is lost long after the last answer', openA, passes(60_000), lost, [
    is('none, held, closed, new epoch'),
  ])
  fact('does not come back with the DCS: the member has to prove itself again', openA, lost, passes(20_100), again, [
    is('unconfirmed a, held, closed, new epoch'),
    proves('a'),
    is('open a, dialled, live, new epoch'),
  ])
  fact('gives way to one that another member shows meanwhile', openA, lost, passes(15_000), proves('b'), [
    is('none, held, closed, new epoch'),
    passes(6000),
    is('unlocked b, dialled, live, new epoch'),
  ])
  fact('is kept up by a member that is being stopped', openA, lost, passes(15_000), stops('a'), passes(15_000), [
    is('switching a (stopping), held, live, same epoch'),
    passes(6000),
    is('none, held, closed, new epoch'),
  ])
  fact('ends sooner by silence', openA, lost, silent('a', FALL), is('none, held, closed, new epoch'))
  test('outlives the silences that it may have, however short the ttl', () => {
    const opened = [
      {
        type: 'dcs',
        facts: { ...NO_FACTS, ttlMs: 1000, members: new Map([['a', { address: 'a', timeline: null }]]) },
        restored: false,
      },
    ] as const
    const machine = nextPrimary(initialPrimary(FALL, START, null, 9000), opened[0], START)
    const answer = { kind: 'proof', timeline: 1 } as const
    const about = { member: 'a', askedUnder: basisOf(machine, 'a'), askedAt: START }
    const proved = nextPrimary(machine, { type: 'rest', answer, position: null, ...about }, START)
    assert.equal(proved.phase.state, 'unlocked')
    assert.equal(nextTickAt(proved, START), START + 9000)
  })
})
