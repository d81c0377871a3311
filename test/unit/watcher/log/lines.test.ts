/** What a person on call reads: one line an event, none for what repeats. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { linesFor } from '../../../../src/watcher/log/lines.ts'
import { NOTHING_LOGGED } from '../../../../src/watcher/log/line.ts'
import type { ClusterView, DcsView, MemberView, PrimaryView, ReplicaCause } from '../../../../src/watcher/view.ts'
import { memberView, view } from '../sample.ts'

const lines = (before: ClusterView, after: ClusterView): string[] =>
  linesFor(before, after, NOTHING_LOGGED).lines.map(({ level, message }) => `${level} ${message}`)
const dcs = (changes: Partial<DcsView>): DcsView => ({ ...view().dcs, ...changes })
const primary = (changes: Partial<PrimaryView>): PrimaryView => ({ ...view().primary, ...changes })
const LOST = dcs({ state: 'lost', error: 'refused' })
const NEVER = dcs({ state: 'never', error: null })

const NOTICE = {
  event: 'foreign-etcd' as const,
  subject: 'http://b',
  message: 'http://b leads elsewhere',
  over: 'it is over',
}
const silent = (silences: number): ClusterView => view({ primary: primary({ silences, reason: 'refused' }) })
const NOW = { leader: 'pg0', member: 'pg1', scheduledAt: null }
const TOMORROW = { leader: 'pg0', member: 'pg1', scheduledAt: Date.UTC(2030, 0, 1) }

const RESTARTING = 'it holds the lock but is not running as a primary (role master, state restarting)'

const STANDBY = 'this is a standby cluster: its leader is read-only'

const NOT_YET = 'the leader key is gone and no member reports that it is the primary yet'

const TWO_PRIMARIES = 'pg0 and pg1 both report that they are the primary'

const NOT_CHECKED = { fit: false, checked: false, down: false, reason: 'not checked yet' }

const unfit = (reason: string, cause?: ReplicaCause): MemberView => ({
  ...memberView('pg1', false),
  replica: { fit: false, checked: true, down: false, reason, ...(cause === undefined ? {} : { cause }) },
})

describe('the lines of the log', () => {
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
    [
      'tells that the leader key is deleted',
      view(),
      view({ leader: null }),
      ['warn leader key of pg0 is gone (expired or deleted)'],
    ],
    [
      'tells another state',
      view(),
      view({ primary: primary({ state: 'switching', reason: 'asked for' }) }),
      ['info primary: pg0 SWITCHING: asked for'],
    ],
    [
      'warns of what holds clients',
      view(),
      view({ primary: primary({ state: 'unreachable', reason: 'refused' }) }),
      ['warn primary: pg0 UNREACHABLE: refused'],
    ],
    [
      'warns of no primary',
      view(),
      view({ primary: primary({ state: 'none', member: null, reason: 'nobody' }) }),
      ['warn no primary: nobody'],
    ],
    [
      'tells another member',
      view(),
      view({ primary: primary({ member: 'pg1', reason: 'proved' }) }),
      ['info primary: pg1 OPEN: proved'],
    ],
    ['tells no new epoch or basis', view(), view({ primary: primary({ epoch: 9, basis: 'y' }) }), []],
    [
      'tells another reason for the same state',
      view({ primary: primary({ state: 'none', member: null, reason: 'nobody' }) }),
      view({ primary: primary({ state: 'none', member: null, reason: 'two' }) }),
      ['info no primary: two'],
    ],
    [
      'does not warn of a leader that is asked for the first time',
      view({ leader: null, primary: primary({ state: 'none', member: null }) }),
      view({ primary: primary({ state: 'unconfirmed', reason: 'it is being checked', cause: 'being-checked' }) }),
      ['info leader is pg0', 'info primary: checking pg0, which holds the leader lock'],
    ],
    [
      'warns of a leader that is not confirmed',
      view(),
      view({ primary: primary({ state: 'unconfirmed', reason: 'it holds the lock but /primary answers 503' }) }),
      ['warn primary: pg0 NOT CONFIRMED: it holds the lock but /primary answers 503'],
    ],
    [
      'tells a promotion that is going on, which is the way of things',
      view(),
      view({ primary: primary({ state: 'promoting', reason: 'it holds the lock and is being promoted' }) }),
      ['info primary: pg0 PROMOTING: it holds the lock and is being promoted'],
    ],
    [
      'warns of an open primary that does not answer, and says how long it stays open',
      view(),
      view({ primary: primary({ silences: 2, reason: 'refused' }) }),
      [
        'warn primary: pg0 does not answer and stays OPEN until its leader key expires, ' +
          'which takes at most 30 s if its Patroni has stopped: refused',
      ],
    ],
    [
      'warns of one that nobody vouches for',
      view({ leader: null, primary: primary({ state: 'unlocked' }) }),
      view({ leader: null, primary: primary({ state: 'unlocked', silences: 2, reason: 'refused' }) }),
      ['warn primary: pg0 does not answer and stays UNLOCKED until several checks in a row have failed: refused'],
    ],
    ['waits for a second silence', view(), silent(1), []],
    ['tells that once', silent(2), silent(3), []],
    ['tells that it answers again', silent(2), view(), ['info primary: the REST API of pg0 answers again: proved']],
    [
      'tells that Patroni is paused',
      view(),
      view({ paused: true }),
      ['info Patroni is paused: no automatic failover (maintenance mode)'],
    ],
    ['tells that the pause is over', view({ paused: true }), view(), ['info Patroni is no longer paused']],
    [
      'tells that a cluster becomes a standby cluster',
      view(),
      view({ standbyCluster: true }),
      ['info this is a standby cluster: its leader is read-only'],
    ],
    [
      'warns of nothing that a switchover brings along',
      view({ switchover: { leader: 'pg0', member: 'pg1', scheduledAt: null } }),
      view({
        ...{ leader: null, switchover: { leader: 'pg0', member: 'pg1', scheduledAt: null } },
        primary: primary({ state: 'none', member: null, reason: 'gone' }),
        members: [memberView('pg0', false), memberView('pg1', false)],
      }),
      [
        'info leader key of pg0 is gone (switchover)',
        'info no primary: gone',
        'info replica pg1 is not available for reads: unfit',
      ],
    ],
    [
      'warns of the same before the switchover is due',
      view({ switchover: TOMORROW }),
      view({ leader: null, switchover: TOMORROW, primary: primary({ state: 'none', member: null, reason: 'gone' }) }),
      ['warn leader key of pg0 is gone (expired or deleted)', 'warn no primary: gone'],
    ],
    [
      'tells when a switchover is scheduled for',
      view(),
      view({ switchover: TOMORROW }),
      ['info switchover from pg0 to pg1 scheduled for 2030-01-01T00:00:00.000Z'],
    ],
    [
      'tells that a scheduled switchover is no longer wanted',
      view({ switchover: TOMORROW }),
      view(),
      ['info cancelled: switchover from pg0 to pg1 scheduled for 2030-01-01T00:00:00.000Z'],
    ],
    [
      'tells that one whose time has come is gone without a switchover',
      view({ switchover: { ...TOMORROW, scheduledAt: 1 } }),
      view({ switchover: null }),
      ['info request to switch over to pg1 is gone: pg0 is still the leader'],
    ],
    [
      'tells that of one that was requested for now, too',
      view({ switchover: NOW }),
      view({ switchover: null }),
      ['info request to switch over to pg1 is gone: pg0 is still the leader'],
    ],
    [
      'says nothing of a request that the next leader removes',
      view({ switchover: NOW, leader: 'pg1' }),
      view({ switchover: null, leader: 'pg1' }),
      [],
    ],
    [
      'says nothing of a request to fail over to a member that the new leader removes',
      view({ switchover: { ...NOW, leader: null }, leader: 'pg1' }),
      view({ switchover: null, leader: 'pg1' }),
      [],
    ],
    [
      'notes a request to switch over now',
      view(),
      view({ switchover: NOW }),
      ['note switchover from pg0 to pg1 requested'],
    ],
    ['notes it once', view({ switchover: NOW }), view({ switchover: { ...NOW } }), []],
    [
      'notes a scheduled request when it is due',
      view({ switchover: TOMORROW }),
      view({ switchover: TOMORROW, primary: primary({ cause: 'failover-key' }) }),
      ['note switchover from pg0 to pg1 requested'],
    ],
    [
      'warns of what happens long after the time of a switchover that did not take place',
      view({ switchover: { ...TOMORROW, scheduledAt: 1 }, dcs: dcs({ readAt: 400_000 }) }),
      view({ switchover: { ...TOMORROW, scheduledAt: 1 }, dcs: dcs({ readAt: 400_000 }), leader: null }),
      ['warn leader key of pg0 is gone (expired or deleted)'],
    ],
    [
      'does not tell a scheduled switchover again with another leader',
      view({ switchover: { ...TOMORROW, leader: null } }),
      view({ switchover: { ...TOMORROW, leader: null }, leader: 'pg1' }),
      ['info leader changed from pg0 to pg1'],
    ],
    [
      'does not warn of a restart that Patroni was asked for',
      view(),
      view({
        primary: primary({ state: 'unconfirmed', reason: RESTARTING, cause: 'restarting' }),
        members: [
          memberView('pg0', false),
          unfit('/replica answers 503 (role replica, state restarting)', 'restarting'),
        ],
      }),
      [
        `info primary: pg0 NOT CONFIRMED: ${RESTARTING}`,
        'info replica pg1 is not available for reads: /replica answers 503 (role replica, state restarting)',
      ],
    ],
    [
      'warns of no primary from the start',
      view({ dcs: NEVER, leader: null, primary: primary({ state: 'none', member: null, reason: 'not read' }) }),
      view({ leader: null, primary: primary({ state: 'none', member: null, reason: 'gone' }) }),
      ['info DCS: reading a:2379', 'warn no primary: gone'],
    ],
    [
      'does not warn of no primary before all members are heard',
      view({ dcs: NEVER, leader: null, primary: primary({ state: 'none', member: null, reason: 'not read' }) }),
      view({ leader: null, primary: primary({ state: 'none', member: null, reason: NOT_YET, cause: 'being-asked' }) }),
      ['info DCS: reading a:2379', `info no primary: ${NOT_YET}`],
    ],
    [
      'warns of it then',
      view({ primary: primary({ state: 'none', member: null, reason: NOT_YET, cause: 'being-asked' }) }),
      view({ primary: primary({ state: 'none', member: null, reason: 'no member reports it' }) }),
      ['warn no primary: no member reports it'],
    ],
    [
      'does not warn of a standby cluster that has none',
      view(),
      view({
        standbyCluster: true,
        primary: primary({ state: 'none', member: null, reason: STANDBY, cause: 'standby-cluster' }),
      }),
      ['info this is a standby cluster: its leader is read-only', `info no primary: ${STANDBY}`],
    ],
    [
      'two primaries are an error, whatever was wrong before',
      view({ primary: primary({ state: 'none', member: null, reason: 'nobody' }) }),
      view({ primary: primary({ state: 'none', member: null, reason: TWO_PRIMARIES, cause: 'two-primaries' }) }),
      [`error no primary: ${TWO_PRIMARIES}`],
    ],
    [
      'warns of a primary without the lock, even if it was not available before',
      view({ members: [unfit('starting')] }),
      view({ members: [unfit('it runs as a primary without the leader lock (timeline 2)', 'second-primary')] }),
      ['warn pg1 is not available for reads: it runs as a primary without the leader lock (timeline 2)'],
    ],
    [
      'tells as an error that a primary is on a lower timeline than one before it',
      view(),
      view({ setBack: { timeline: 3, served: 5 } }),
      [
        'error primary: pg0 is on timeline 3, but a primary on timeline 5 served before: ' +
          'writes acknowledged there are gone',
      ],
    ],
    ['tells it once', view({ setBack: { timeline: 3, served: 5 } }), view({ setBack: { timeline: 3, served: 5 } }), []],
    [
      'tells that the timeline is reached again',
      view({ setBack: { timeline: 3, served: 5 } }),
      view(),
      ['info primary: pg0 is on timeline 5 or later again'],
    ],
    [
      'does not tell that it is reached by another database cluster',
      view({ setBack: { timeline: 3, served: 5 }, systemId: '1' }),
      view({ systemId: '2' }),
      ['info the system identifier is 2 now: timelines of the previous cluster no longer count'],
    ],
    [
      'tells of a router that starts, before anybody serves',
      view({ primary: primary({ state: 'none', member: null }) }),
      view({ primary: primary({ state: 'none', member: null }), setBack: { timeline: 3, served: 5 } }),
      [
        'error primary: the last one was on timeline 3, but a primary on timeline 5 served before: ' +
          'writes acknowledged there are gone',
      ],
    ],
    [
      'tells a replica that falls',
      view(),
      view({ members: [memberView('pg1', false)] }),
      ['warn replica pg1 is not available for reads: unfit'],
    ],
    [
      'tells a replica that rises',
      view({ members: [memberView('pg1', false)] }),
      view(),
      ['info replica pg1 is available for reads'],
    ],
    [
      'tells a new replica that is fit',
      view({ members: [] }),
      view({ members: [memberView('pg1', true)] }),
      ['info replica pg1 is available for reads'],
    ],
    [
      'says nothing of a new one before its first check',
      view({ members: [] }),
      view({ members: [{ ...memberView('pg1', false), replica: NOT_CHECKED }] }),
      [],
    ],
    [
      'tells what the first check of a new one has found',
      view({ members: [{ ...memberView('pg1', false), replica: NOT_CHECKED }] }),
      view({ members: [memberView('pg1', false)] }),
      ['info replica pg1 is not available for reads: unfit'],
    ],
    [
      'tells another reason why one is not available',
      view({ members: [memberView('pg1', false)] }),
      view({ members: [unfit('creating replica')] }),
      ['info replica pg1 is not available for reads: creating replica'],
    ],
    [
      'tells that the leader of a standby cluster serves readers',
      view({ standbyCluster: true }),
      view({ standbyCluster: true, members: [memberView('pg0', true), memberView('pg1', true)] }),
      ['info standby leader pg0 is available for reads'],
    ],
    [
      'and that it does no longer',
      view({ standbyCluster: true, members: [memberView('pg0', true)] }),
      view({ standbyCluster: true, members: [memberView('pg0', false)] }),
      ['warn standby leader pg0 is not available for reads: unfit'],
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
      'tells a key that is ignored',
      view(),
      view({ ignoredKeys: [{ key: 'members/x', reason: 'strange' }] }),
      ['warn members/x ignored: strange'],
    ],
    [
      'tells that once',
      view({ ignoredKeys: [{ key: 'a', reason: 'b' }] }),
      view({ ignoredKeys: [{ key: 'a', reason: 'b' }] }),
      [],
    ],
    [
      'tells another reason',
      view({ ignoredKeys: [{ key: 'a', reason: 'b' }] }),
      view({ ignoredKeys: [{ key: 'a', reason: 'c' }] }),
      ['warn a ignored: c'],
    ],
    ['tells that it is over', view({ ignoredKeys: [{ key: 'a', reason: 'b' }] }), view(), ['info a no longer ignored']],
  ]
  for (const [title, before, after, expected] of rows)
    test(title, () => assert.deepEqual(lines(before, after), expected))

  test('logs a reason once in a state, whatever numbers are in it', () => {
    const states = ['1 of 3', '2 of 3', 'two claim it', '3 of 3', 'two claim it'].map((reason) =>
      view({ primary: primary({ state: 'none', member: null, reason }) }),
    )
    let [before, logged] = [view(), NOTHING_LOGGED]
    const messages = states.flatMap((after) => {
      const made = linesFor(before, after, logged)
      ;[before, logged] = [after, made.logged]
      return made.lines.map(({ message }) => message)
    })
    assert.deepEqual(messages, ['no primary: 1 of 3', 'no primary: two claim it'])
  })

  test('does not follow a replica through the states of its way back', () => {
    const states = ['stopped', 'starting', 'restarting'].map((state) =>
      view({ members: [unfit(`/replica answers 503 (role replica, state ${state})`)] }),
    )
    let [before, logged] = [view(), NOTHING_LOGGED]
    const messages = [...states, view()].flatMap((after) => {
      const made = linesFor(before, after, logged)
      ;[before, logged] = [after, made.logged]
      return made.lines.map(({ message }) => message)
    })
    assert.deepEqual(messages, [
      'replica pg1 is not available for reads: /replica answers 503 (role replica, state stopped)',
      'replica pg1 is available for reads',
    ])
  })

  test('deceives no terminal, and is of bounded length', () => {
    const error = `\u001b[2J\u202e${'x'.repeat(5000)}`
    const [line] = linesFor(view(), view({ dcs: dcs({ state: 'lost', error }) }), NOTHING_LOGGED).lines
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
    const events = linesFor(view(), after, NOTHING_LOGGED).lines.map(({ fields }) => fields['event'])
    assert.deepEqual(events, ['dcs-lost', 'leader-changed', 'primary-none', 'replica-down'])
  })
})
