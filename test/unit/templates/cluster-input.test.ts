import assert from 'node:assert/strict'
import { test } from 'node:test'
import { urgentPartOf, whyNotYet } from '../../../src/templates/cluster-input.ts'
import type { ClusterView, PrimaryView } from '../../../src/watcher/view.ts'
import { memberView, view } from '../watcher/sample.ts'

const unread: ClusterView['dcs'] = { ...view().dcs, state: 'never' }
const primary = (state: PrimaryView['state'], member: string | null = 'pg0'): PrimaryView => {
  return { ...view().primary, state, member }
}
const unchecked = memberView('pg1', false, { replica: { fit: false, checked: false, down: false, reason: '' } })

interface Row {
  readonly is: string
  readonly changes: Partial<ClusterView>
  /** Why nothing is written at the start. */
  readonly atFirst: RegExp | null
  /** And when everybody has had the time to answer. */
  readonly later: RegExp | null
}

const rows: readonly Row[] = [
  { is: 'whose members have answered', changes: {}, atFirst: null, later: null },
  {
    is: 'whose DCS was never read',
    changes: { dcs: unread, primary: primary('none', null), leader: null },
    atFirst: /DCS has not been read/,
    later: /DCS has not been read/,
  },
  {
    is: 'whose DCS was never read, but whose primary has proved itself',
    changes: { dcs: unread, primary: primary('unlocked'), leader: null },
    atFirst: null,
    later: null,
  },
  {
    is: 'whose DCS was lost later',
    changes: { dcs: { ...unread, state: 'lost' }, primary: primary('none', null), leader: null },
    atFirst: null,
    later: null,
  },
  {
    is: 'whose leader has not answered',
    changes: { primary: primary('promoting') },
    atFirst: /^pg0 has not/,
    later: null,
  },
  {
    is: 'whose leader has been silent once',
    changes: { primary: primary('unverified') },
    atFirst: /^pg0 has not/,
    later: null,
  },
  {
    is: 'one of whose replicas has not answered',
    changes: { members: [memberView('pg0', false), unchecked] },
    atFirst: /^pg1 has not answered/,
    later: null,
  },
  {
    is: 'whose members that have not answered have gone or have no address',
    changes: { members: [memberView('pg0', false), { ...unchecked, gone: true }, { ...unchecked, address: null }] },
    atFirst: null,
    later: null,
  },
  { is: 'without a leader', changes: { leader: null, primary: primary('none', null) }, atFirst: null, later: null },
  {
    is: 'that is a standby one',
    changes: { standbyCluster: true, primary: primary('none', null) },
    atFirst: null,
    later: null,
  },
]

for (const { is, changes, atFirst, later } of rows) {
  test(`a cluster ${is} is ${atFirst === null ? '' : `not${later === null ? ' at first' : ''} `}written`, () => {
    for (const [patient, expected] of [[true, atFirst] as const, [false, later] as const]) {
      const why = whyNotYet(view(changes), patient)
      if (expected === null) assert.equal(why, null)
      else assert.match(why ?? '', expected)
    }
  })
}

test('urgent is another leader, another open primary, and its address, and nothing else', () => {
  const before = view()
  const part = urgentPartOf(before)
  const address = { host: 'elsewhere', port: 5432 }
  const urgent: Partial<ClusterView>[] = [
    { leader: 'pg1' },
    { primary: primary('open', 'pg1') },
    { primary: primary('promoting') },
    { primary: { ...before.primary, address } },
  ]
  for (const changes of urgent) assert.notEqual(urgentPartOf(view(changes)), part, JSON.stringify(changes))
  const others: Partial<ClusterView>[] = [
    { paused: true },
    { members: [memberView('pg0', false)] },
    { primary: { ...before.primary, epoch: 7, basis: 'other' } },
    { primary: primary('unlocked') },
  ]
  for (const changes of others) assert.equal(urgentPartOf(view(changes)), part, JSON.stringify(changes))
})
