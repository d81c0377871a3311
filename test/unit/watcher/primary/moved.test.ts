/** A member whose name leads to another server now: it has to prove itself there, and its sessions end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  basisOf,
  initialPrimary,
  NO_FACTS,
  type PrimaryEvent,
  type PrimaryMachine,
} from '../../../../src/watcher/primary/machine.ts'
import { nextPrimary } from '../../../../src/watcher/primary/next-primary.ts'

const [OLD, NEW] = ['pg0:5432 - pg0=10.0.0.1', 'pg0:5432 - pg0=10.0.0.2']

function proof(machine: PrimaryMachine, askedUnder = basisOf(machine, 'pg0'), askedAt = 0): PrimaryEvent {
  return {
    type: 'rest',
    member: 'pg0',
    answer: { kind: 'proof', timeline: 1, by: '/primary' },
    position: null,
    askedUnder,
    askedAt,
  }
}

/** pg0 leads and has proved itself at its first address; nothing is known of pg1. */
function opened(): PrimaryMachine {
  const members = new Map([
    ['pg0', { address: OLD, timeline: null }],
    ['pg1', { address: 'pg1:5432', timeline: null }],
  ])
  const facts = { ...NO_FACTS, leader: { name: 'pg0', session: '1' }, members }
  const named = nextPrimary(initialPrimary(3, 0), { type: 'dcs', facts, restored: false }, 1)
  return nextPrimary(named, proof(named), 2)
}

const moves = (machine: PrimaryMachine, member: string, address: string): PrimaryMachine =>
  nextPrimary(machine, { type: 'moved', member, address }, 3)

test('the sessions of a primary that has moved are fenced, and it takes none until it is confirmed there', () => {
  const before = opened()
  assert.equal(before.phase.state, 'open')
  const moved = moves(before, 'pg0', NEW)
  assert.equal(moved.epoch, before.epoch + 1)
  assert.notEqual(moved.phase.state, 'open')
  const proved = nextPrimary(moved, proof(moved), 4)
  assert.deepEqual([proved.phase.state, proved.epoch], ['open', moved.epoch])
})

test('a proof of the old address opens nothing at the new one, nor when the old one comes back', () => {
  const before = opened()
  const asked = basisOf(before, 'pg0')
  const moved = moves(before, 'pg0', NEW)
  assert.notEqual(nextPrimary(moved, proof(moved, asked), 4).phase.state, 'open')
  const back = moves(moved, 'pg0', OLD)
  assert.notEqual(back.phase.state, 'open')
  assert.notEqual(nextPrimary(back, proof(back, asked), 4).phase.state, 'open')
})

test('the move of another member, to the same place, or of an unknown member changes nothing', () => {
  const before = opened()
  for (const [member, address] of [
    ['pg1', 'pg1:5432 - pg1=10.0.0.3'],
    ['pg0', OLD],
    ['pg9', NEW],
  ] as const) {
    const { phase, epoch } = moves(before, member, address)
    assert.deepEqual([phase.state, epoch], ['open', before.epoch])
  }
})

test('a move without a DCS does not make it readable', () => {
  const lost = nextPrimary(opened(), { type: 'dcs-lost' }, 3)
  const moved = moves(lost, 'pg0', NEW)
  assert.equal(moved.link, 'lost')
  const proved = nextPrimary(moved, proof(moved), 4)
  assert.equal(proved.phase.state, 'unlocked')
})
