/** The DCS is read in another way, as after a change of its section: what the first snapshot from there does to the primary. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  basisOf,
  type DcsFacts,
  initialPrimary,
  NO_FACTS,
  type PrimaryMachine,
} from '../../../../src/watcher/primary/machine.ts'
import { nextPrimary } from '../../../../src/watcher/primary/next-primary.ts'

const HERE: DcsFacts = {
  ...NO_FACTS,
  leader: { name: 'a', session: '1' },
  systemId: 'X',
  members: new Map(['a', 'b'].map((name) => [name, { address: `${name}:5432`, timeline: 1 }])),
}
const THERE: DcsFacts = { ...HERE, leader: { name: 'a', session: 'of another DCS' } }

function reads(before: PrimaryMachine, facts: DcsFacts, isElsewhere: boolean): PrimaryMachine {
  return nextPrimary(before, { type: 'dcs', facts, restored: false, isElsewhere }, 3)
}

function proved(machine: PrimaryMachine, now: number): PrimaryMachine {
  const asked = { askedUnder: basisOf(machine, 'a'), askedAt: now }
  const answer = { kind: 'proof', timeline: 1, by: '/primary' } as const
  return nextPrimary(machine, { type: 'rest', member: 'a', answer, position: null, ...asked }, now)
}

const named = reads(initialPrimary(3, 0), HERE, false)
const open = proved(named, 2)

describe('a primary whose DCS is read elsewhere', () => {
  test('stays open under another lock of the same name, and is to be checked for it', () => {
    const after = reads(open, THERE, true)
    assert.deepEqual([after.phase.state, after.epoch], ['open', open.epoch])
    assert.notEqual(basisOf(after, 'a'), basisOf(open, 'a'))
    const asked = { askedUnder: basisOf(after, 'a'), askedAt: 4 }
    const answer = { kind: 'no', reason: 'it is no primary' } as const
    const denied = nextPrimary(after, { type: 'rest', member: 'a', answer, position: null, ...asked }, 4)
    assert.equal(denied.phase.state, 'unconfirmed')
  })

  test('stays open where there is no lock to read, and comes back from there', () => {
    const after = reads(open, { ...THERE, leader: null, hasLock: false, claimed: 'a' }, true)
    assert.deepEqual([after.phase.state, after.epoch], ['open', open.epoch])
    const back = reads(after, HERE, true)
    assert.deepEqual([back.phase.state, back.epoch], ['open', open.epoch])
  })

  test('is held under another lock of the same DCS', () => {
    assert.equal(reads(open, THERE, false).phase.state, 'switching')
  })

  const others: readonly (readonly [what: string, facts: Partial<DcsFacts>])[] = [
    ['names another member', { leader: { name: 'b', session: '1' } }],
    ['names no member', { leader: null }],
    ['shows another database', { systemId: 'Y' }],
    ['shows no database', { systemId: null }],
    ['shows a standby cluster', { standbyCluster: true }],
    ['has another address of it', { members: new Map([['a', { address: 'a:6432', timeline: 1 }]]) }],
    ['has it on a higher timeline', { members: new Map([['a', { address: 'a:5432', timeline: 2 }]]) }],
  ]
  for (const [what, facts] of others) {
    test(`is not open without a new proof where the next one ${what}`, () => {
      assert.notEqual(reads(open, { ...THERE, ...facts }, true).phase.state, 'open')
    })
  }

  test('is not opened by a proof that was not good enough before', () => {
    const doubted = reads(open, THERE, false)
    assert.notEqual(reads(doubted, HERE, true).phase.state, 'open')
    assert.equal(reads(named, THERE, true).phase.state, 'unconfirmed')
  })
})
