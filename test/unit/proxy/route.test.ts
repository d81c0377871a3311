import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isDown, primaryTarget, replicaTargets } from '../../../src/proxy/route.ts'
import { sampleMember, sampleView } from '../admin/sample.ts'

describe('the primary route', () => {
  const { primary } = sampleView()
  for (const state of ['open', 'unlocked'] as const) {
    test(`${state}: the member that is open, with its epoch and basis`, () => {
      const view = sampleView({ primary: { ...primary, state, epoch: 9, basis: 'b' } })
      const address = { host: '10.0.0.1', port: 5432 }
      assert.deepEqual(primaryTarget(view), { member: 'pg1', address, epoch: 9, basis: 'b' })
    })
  }
  for (const state of ['switching', 'promoting', 'unreachable', 'unverified', 'none'] as const) {
    test(`${state}: nobody`, () => assert.equal(primaryTarget(sampleView({ primary: { ...primary, state } })), null))
  }
  test('nobody without an address', () => {
    assert.equal(primaryTarget(sampleView({ primary: { ...primary, address: null } })), null)
    assert.equal(primaryTarget(sampleView({ primary: { ...primary, member: null } })), null)
  })
})

describe('the replica route', () => {
  const unfit = { fit: false, down: false, reason: 'lag' }
  const down = { fit: false, down: true, reason: 'dead' }
  const view = sampleView({
    members: [
      sampleMember('a', { port: 6000 }),
      sampleMember('b', { replica: unfit }),
      sampleMember('c', { replica: down }),
      sampleMember('d', { host: null }),
    ],
  })
  test('those that are fit and have an address', () => {
    assert.deepEqual(replicaTargets(view), [
      { member: 'a', address: { host: '10.0.0.1', port: 6000 }, epoch: 0, basis: null },
    ])
  })
  for (const [name, expected] of Object.entries({ a: false, b: false, c: true, d: false, forgotten: true })) {
    test(`sessions of ${name} are ${expected ? 'closed' : 'kept'}`, () => assert.equal(isDown(view, name), expected))
  }
})
