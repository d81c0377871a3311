import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Availability,
  availabilityStep,
  downMsAt,
  NO_SERVICE,
  serviceStep,
} from '../../../src/proxy/availability.ts'

/** Which members are fit at which time; one that is not named is gone. */
type Step = readonly [at: number, members: Readonly<Record<string, boolean>>]

function after(...steps: readonly Step[]): ReadonlyMap<string, Availability> {
  return steps.reduce<ReadonlyMap<string, Availability>>(
    (before, [at, members]) =>
      availabilityStep(
        before,
        Object.entries(members).map(([member, fit]) => ({ member, fit, reason: '', cause: null })),
        at,
      ),
    new Map(),
  )
}

for (const [title, steps, expected] of [
  [
    'a member that comes unfit has not gone down',
    [[10, { pg1: false }]],
    { fit: false, since: 10, downs: 0, downMs: 0 },
  ],
  [
    'a view that changes nothing of a member changes nothing here',
    [
      [10, { pg1: true }],
      [20, { pg1: true }],
    ],
    { fit: true, since: 10, downs: 0, downMs: 0 },
  ],
  [
    'a member that becomes unfit has gone down once more',
    [
      [10, { pg1: true }],
      [20, { pg1: false }],
      [30, { pg1: true }],
      [45, { pg1: false }],
    ],
    { fit: false, since: 45, downs: 2, downMs: 10 },
  ],
  [
    'a member that is gone is down until it comes back',
    [
      [10, { pg1: true }],
      [20, {}],
      [25, {}],
      [50, { pg1: true }],
    ],
    { fit: true, since: 50, downs: 1, downMs: 30 },
  ],
] as const satisfies readonly (readonly [string, readonly Step[], Availability])[])
  test(title, () => assert.deepEqual(after(...steps).get('pg1'), expected))

test('the time that a member is down grows while it is', () => {
  const [down, up] = [after([10, { pg1: false }]), after([10, { pg1: false }], [20, { pg1: true }])]
  assert.deepEqual(
    [down, up].map((members) => downMsAt(members.get('pg1') ?? assert.fail(), 100)),
    [90, 10],
  )
})

test('members whose names never come again are forgotten, the first ones first', () => {
  const steps = Array.from({ length: 1000 }, (_, n): Step => [n, { pg1: true, [`pod-${n}`]: true }])
  const members = after(...steps)
  assert.ok(members.size < 300)
  assert.deepEqual(
    ['pg1', 'pod-0', 'pod-998', 'pod-999'].map((name) => members.get(name)?.fit),
    [true, undefined, false, true],
  )
})

test('a listener is down each time that it loses its last member, not before it has had one', () => {
  const downs = (...states: readonly boolean[]): number => states.reduce(serviceStep, NO_SERVICE).downs
  assert.deepEqual(
    [downs(), downs(false), downs(true, true), downs(false, true, false, false, true, false)],
    [0, 0, 0, 2],
  )
})
