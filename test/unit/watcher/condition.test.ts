import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Condition } from '../../../src/config/conditions.ts'
import { PRIMARY_STATES } from '../../../src/config/config.ts'
import { judge } from '../../../src/watcher/condition.ts'
import type { ClusterView } from '../../../src/watcher/view.ts'
import { memberView, view } from './sample.ts'

const PRIMARY: Condition = { name: 'primary' }
const REPLICAS: Condition = { name: 'replicas' }
const local = (member: string): Condition => ({ name: 'local-leader', member })

const NEVER = { ...view().dcs, state: 'never' } as const
const NOBODY = { ...view().primary, state: 'none', member: null, reason: 'nobody' } as const

test('a member is open for writes in open and unlocked; the leader leads until it has stopped', () => {
  const holdsIn = (condition: Condition): string[] =>
    PRIMARY_STATES.filter((state) => {
      const member = state === 'none' ? null : 'pg0'
      return judge(condition, view({ primary: { ...view().primary, state, member } })).holds
    })
  assert.deepEqual(holdsIn(PRIMARY), ['open', 'unlocked'])
  assert.deepEqual(holdsIn(local('pg0')), ['open', 'switching', 'unlocked'])
  assert.deepEqual(holdsIn(local('pg1')), [])
})

test('a local member that the cluster does not have is reported as that, whichever is the primary', () => {
  const reason = 'no member is called pg2: did you mean "pg0"? (the members are pg0, pg1)'
  assert.deepEqual(judge(local('pg2'), view()), { holds: false, reason })
  assert.deepEqual(judge(local('pg2'), view({ primary: NOBODY })), { holds: false, reason })
  assert.equal(judge(local('pg2'), view({ dcs: NEVER })).holds, null)
})

test('says in words what it is', () => {
  assert.deepEqual(judge(local('pg0'), view()), { holds: true, reason: 'pg0 is the primary (open)' })
  assert.deepEqual(judge(local('pg1'), view()), { holds: false, reason: 'the primary is pg0, not pg1' })
  const reason = 'no member is open for writes (none: nobody)'
  assert.deepEqual(judge(PRIMARY, view({ primary: NOBODY })), { holds: false, reason })
  assert.deepEqual(judge(REPLICAS, view()), { holds: true, reason: 'reads are served by pg1' })
  assert.deepEqual(judge(REPLICAS, view({ members: [memberView('pg0', false)] })), {
    holds: false,
    reason: 'no replica serves reads',
  })
})

const REPLICA_CASES: readonly (readonly [title: string, changes: Partial<ClusterView>, holds: boolean | null])[] = [
  ['one that is fit', {}, true],
  ['one that is not', { members: [memberView('pg1', false)] }, false],
  ['one that is tagged', { members: [memberView('pg1', true, { tags: { noloadbalance: true } })] }, false],
  ['one tagged otherwise', { members: [memberView('pg1', true, { tags: { noloadbalance: false } })] }, true],
  ['the leader alone, however fit', { members: [memberView('pg0', true)] }, false],
  [
    'one that has not been asked yet',
    { members: [memberView('pg1', false, { replica: { fit: false, checked: false, down: false, reason: '' } })] },
    null,
  ],
  ['no member', { members: [] }, false],
  ['no member of a DCS that was never read', { members: [], dcs: NEVER }, null],
  ['one that is remembered and fit, of a DCS that was never read', { dcs: NEVER }, true],
  ['one that is fit while nobody is the primary', { primary: NOBODY }, true],
]
for (const [title, changes, holds] of REPLICA_CASES)
  test(`replicas: ${title}: ${String(holds)}`, () => {
    assert.equal(judge(REPLICAS, view(changes)).holds, holds)
  })

test('nothing is known of a primary while the DCS was never read, unless one is confirmed', () => {
  const unread = view({ dcs: NEVER, primary: NOBODY })
  for (const condition of [PRIMARY, local('pg0')]) assert.equal(judge(condition, unread).holds, null)
  const proved = view({ dcs: NEVER, primary: { ...view().primary, state: 'unlocked' } })
  assert.equal(judge(local('pg0'), proved).holds, true)
  // That it is another one is no proof that it is not this one.
  assert.equal(judge(local('pg1'), proved).holds, null)
})

test('a DCS that is lost changes nothing: the primary is decided by proof', () => {
  const lost = view({ dcs: { ...view().dcs, state: 'lost' } })
  assert.equal(judge(local('pg0'), lost).holds, true)
  assert.equal(judge(PRIMARY, view({ dcs: lost.dcs, primary: NOBODY })).holds, false)
})
