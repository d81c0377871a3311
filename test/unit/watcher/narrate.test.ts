/** What a person on call reads: one line an event, none for what repeats. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { narrate } from '../../../src/watcher/narrate.ts'
import type { ClusterView, DcsView, PrimaryView } from '../../../src/watcher/view.ts'
import { memberView, view } from './sample.ts'

const lines = (before: ClusterView, after: ClusterView): string[] =>
  narrate(before, after).map(({ level, message }) => `${level} ${message}`)
const dcs = (changes: Partial<DcsView>): DcsView => ({ ...view().dcs, ...changes })
const primary = (changes: Partial<PrimaryView>): PrimaryView => ({ ...view().primary, ...changes })
const LOST = dcs({ state: 'lost', error: 'refused' })
const NEVER = dcs({ state: 'never', error: null })

const NOTICE = { event: 'foreign-etcd', subject: 'http://b', message: 'http://b leads elsewhere', over: 'it is over' }

const NOT_CHECKED = { fit: false, checked: false, down: false, reason: 'not checked yet' }

describe('the narration', () => {
  const rows: readonly [string, ClusterView, ClusterView, readonly string[]][] = [
    ['says nothing of what stays', view(), view({ dcs: dcs({ readAt: 99 }) }), []],
    ['tells that the DCS is lost', view(), view({ dcs: LOST }), ['warn DCS lost: refused']],
    ['tells it once', view({ dcs: LOST }), view({ dcs: { ...LOST, error: 'timeout', endpoint: 'b:2379' } }), []],
    [
      'tells that it is back, and after how long',
      view({ dcs: LOST }),
      view({ dcs: dcs({ since: 3201 }) }),
      ['info DCS: reading a:2379 again, after 3.2 s'],
    ],
    ['tells a notice', view(), view({ dcs: dcs({ notices: [NOTICE] }) }), ['warn http://b leads elsewhere']],
    [
      'tells a notice once, whatever becomes of the DCS and of its words',
      view({ dcs: dcs({ notices: [NOTICE] }) }),
      view({ dcs: { ...LOST, notices: [{ ...NOTICE, message: 'other words' }] } }),
      ['warn DCS lost: refused'],
    ],
    [
      'tells that a notice is over, and one of another subject',
      view({ dcs: dcs({ notices: [NOTICE] }) }),
      view({ dcs: dcs({ notices: [{ ...NOTICE, subject: 'http://c', message: 'http://c does' }] }) }),
      ['warn http://c does', 'info it is over'],
    ],
    ['tells another endpoint', view(), view({ dcs: dcs({ endpoint: 'b:2379' }) }), ['info DCS: now reading b:2379']],
    [
      'tells that the DCS was not reached yet',
      view({ dcs: NEVER }),
      view({ dcs: { ...NEVER, error: 'refused', errors: [{ at: 1, message: 'refused' }] } }),
      ['warn DCS not reached yet: refused'],
    ],
    [
      'tells that once, too',
      view({ dcs: { ...NEVER, error: 'refused' } }),
      view({ dcs: { ...NEVER, error: 'x' } }),
      [],
    ],
    ['tells another leader', view(), view({ leader: 'pg1' }), ['info leader changed from pg0 to pg1']],
    ['tells the first leader', view({ leader: null }), view(), ['info leader is pg0']],
    ['tells that the leader key is deleted', view(), view({ leader: null }), ['warn leader key of pg0 deleted']],
    [
      'tells another state',
      view(),
      view({ primary: primary({ state: 'switching', reason: 'asked for' }) }),
      ['info primary: switching pg0: asked for'],
    ],
    [
      'warns of what holds clients',
      view(),
      view({ primary: primary({ state: 'unreachable', reason: 'refused' }) }),
      ['warn primary: unreachable pg0: refused'],
    ],
    [
      'warns of no primary',
      view(),
      view({ primary: primary({ state: 'none', member: null, reason: 'nobody' }) }),
      ['warn primary: none: nobody'],
    ],
    [
      'tells another member',
      view(),
      view({ primary: primary({ member: 'pg1', reason: 'proved' }) }),
      ['info primary: open pg1: proved'],
    ],
    [
      'tells no new reason, epoch or basis',
      view(),
      view({ primary: primary({ reason: 'x', epoch: 9, basis: 'y' }) }),
      [],
    ],
    [
      'tells a replica that falls',
      view(),
      view({ members: [memberView('pg1', false)] }),
      ['warn replica pg1 takes no new connections: unfit'],
    ],
    [
      'tells a replica that rises',
      view({ members: [memberView('pg1', false)] }),
      view(),
      ['info replica pg1 takes new connections'],
    ],
    [
      'tells a new replica that is fit',
      view({ members: [] }),
      view({ members: [memberView('pg1', true)] }),
      ['info replica pg1 takes new connections'],
    ],
    [
      'says nothing of a new one before its first check',
      view({ members: [] }),
      view({ members: [memberView('pg1', false)] }),
      [],
    ],
    [
      'tells that the leader of a standby cluster serves readers',
      view({ standbyCluster: true }),
      view({ standbyCluster: true, members: [memberView('pg0', true), memberView('pg1', true)] }),
      ['info standby leader pg0 takes new connections'],
    ],
    [
      'and that it does no longer',
      view({ standbyCluster: true, members: [memberView('pg0', true)] }),
      view({ standbyCluster: true, members: [memberView('pg0', false)] }),
      ['warn standby leader pg0 takes no new connections: unfit'],
    ],
    [
      'says nothing of a standby leader that is no longer the leader before it was asked as a replica',
      view({ standbyCluster: true, members: [memberView('pg0', true)] }),
      view({
        ...{ standbyCluster: true, leader: 'pg1' },
        members: [memberView('pg0', false, { isLeader: false, replica: NOT_CHECKED })],
      }),
      ['info leader changed from pg0 to pg1'],
    ],
    [
      'says nothing of the leader as a replica',
      view(),
      view({ leader: 'pg1', members: [memberView('pg1', false)] }),
      ['info leader changed from pg0 to pg1'],
    ],
    [
      'tells a key that is set aside',
      view(),
      view({ setAside: [{ key: 'members/x', reason: 'strange' }] }),
      ['warn members/x set aside: strange'],
    ],
    [
      'tells that once',
      view({ setAside: [{ key: 'a', reason: 'b' }] }),
      view({ setAside: [{ key: 'a', reason: 'b' }] }),
      [],
    ],
    [
      'tells another reason',
      view({ setAside: [{ key: 'a', reason: 'b' }] }),
      view({ setAside: [{ key: 'a', reason: 'c' }] }),
      ['warn a set aside: c'],
    ],
    ['tells that it is over', view({ setAside: [{ key: 'a', reason: 'b' }] }), view(), ['info a no longer set aside']],
  ]
  for (const [title, before, after, expected] of rows)
    test(title, () => assert.deepEqual(lines(before, after), expected))

  test('deceives no terminal, and is of bounded length', () => {
    const error = `\u001b[2J\u202e${'x'.repeat(5000)}`
    const [line] = narrate(view(), view({ dcs: dcs({ state: 'lost', error }) }))
    assert.ok(line !== undefined && line.message.length <= 1000)
    assert.doesNotMatch(line.message, /[\p{Cc}\p{Cf}]/u)
  })

  test('has an event for machines in each line', () => {
    const after = view({
      dcs: LOST,
      leader: null,
      primary: primary({ state: 'none', member: null }),
      members: [memberView('pg1', false)],
    })
    const events = narrate(view(), after).map(({ fields }) => fields['event'])
    assert.deepEqual(events, ['dcs-lost', 'leader-changed', 'primary-none', 'replica-down'])
  })
})
