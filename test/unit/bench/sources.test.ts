import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changesBetween } from '../../../bench/sources/changes.ts'

test('a difference between two views is named by its place, whichever member it is of', () => {
  const view = {
    dcs: { state: 'up' },
    members: [
      { name: 'pg0', lag: 1 },
      { name: 'pg1', lag: 2 },
    ],
    notices: [],
  }
  assert.deepEqual(changesBetween(view, structuredClone(view)), [])
  const lagging = { ...view, members: view.members.map((member) => ({ ...member, lag: 9 })) }
  assert.deepEqual(changesBetween(view, lagging), ['members.lag'])
  assert.deepEqual(changesBetween(view, { ...view, dcs: { state: 'lost', error: null } }), ['dcs.state', 'dcs.error'])
  assert.deepEqual(changesBetween(view, { ...view, members: [] }), ['members'])
})
