import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { basisOf, type DcsFacts, NO_FACTS, type PrimaryEvent } from '../../../../src/watcher/primary/machine.ts'
import { Epochs, RunningMachine } from '../../../../src/watcher/primary/running-machine.ts'

const CHECK = { intervalMs: 2000, fastIntervalMs: 100, timeoutMs: 1000, rise: 1, fall: 3 }

function ledBy(name: string, changes: Partial<DcsFacts> = {}): PrimaryEvent {
  const members = new Map(['a', 'b'].map((each) => [each, { address: each, timeline: 1 }]))
  const facts = { ...NO_FACTS, leader: { name, session: '1' }, ttlMs: 30_000, members, ...changes }
  return { type: 'dcs', facts, restored: false }
}

function proof(machine: RunningMachine, member: string): PrimaryEvent {
  const askedUnder = basisOf(machine.state, member)
  return {
    type: 'rest',
    member,
    answer: { kind: 'proof', timeline: 1 },
    position: null,
    askedUnder,
    askedAt: Date.now(),
  }
}

/** Every epoch that a watcher has over a switchover there and back. */
function reign(machine: RunningMachine): number[] {
  const epochs = [machine.state.epoch]
  for (const name of ['a', 'b', 'a', 'b']) {
    for (const event of [() => ledBy(name), () => proof(machine, name)]) {
      machine.step(event())
      epochs.push(machine.state.epoch)
    }
    assert.equal(machine.state.phase.state, 'open')
  }
  return [...new Set(epochs)]
}

describe('epochs', () => {
  test('of a watcher that takes the place of another one are all new, and grow', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const epochs = new Epochs()
    const machines = [1, 2, 3].map(() => new RunningMachine(CHECK, epochs, () => undefined))
    const each = machines.map(reign)
    assert.ok(each.every((numbers) => numbers.length > 4))
    assert.equal(new Set(each.flat()).size, each.flat().length)
    for (const numbers of each)
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
      )
    for (const machine of machines) machine.close()
  })

  test('stay what they are when a watcher recalls an earlier run, and with every step that changes no owner', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const machine = new RunningMachine(CHECK, new Epochs(), () => undefined)
    const { epoch } = machine.state
    machine.recall({ facts: NO_FACTS, timelineFloor: 3 })
    assert.deepEqual([machine.state.epoch, machine.state.timelineFloor], [epoch, 3])
    machine.step(ledBy('a'))
    machine.step(proof(machine, 'a'))
    const opened = machine.state.epoch
    machine.step(proof(machine, 'a'))
    machine.step(ledBy('a', { paused: true }))
    assert.equal(machine.state.epoch, opened)
    machine.close()
  })
})

test('ticks when a wait of the machine is over, and not after it is closed', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let ticks = 0
  const machine = new RunningMachine(CHECK, new Epochs(), () => ticks++)
  machine.step(ledBy('a'))
  machine.step(proof(machine, 'a'))
  machine.step(ledBy('a', { failover: { leader: 'a', member: 'b', scheduledAt: null } }))
  assert.equal(machine.state.phase.state, 'switching')
  t.mock.timers.tick(1990)
  assert.equal(ticks, 0)
  t.mock.timers.tick(50)
  assert.equal(ticks, 1)
  machine.step({ type: 'dcs-lost' })
  machine.close()
  t.mock.timers.tick(100_000)
  assert.equal(ticks, 1)
})

test('takes another fall, and a proof that outlives as many questions', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const machine = new RunningMachine(CHECK, new Epochs(), () => undefined)
  assert.deepEqual([machine.state.fall, machine.state.leastProofMs], [3, 9000])
  machine.reconfigure({ ...CHECK, fall: 5 })
  assert.deepEqual([machine.state.fall, machine.state.leastProofMs], [5, 15_000])
})
