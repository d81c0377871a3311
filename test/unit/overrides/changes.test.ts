import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  applied,
  type Change,
  expired,
  keptLineOf,
  limited,
  lineOf,
  nextEnd,
  renamed,
  withoutPlace,
} from '../../../src/overrides/changes.ts'
import { decodeOverrides, encodeOverrides, type OverridesByCluster } from '../../../src/overrides/kept-overrides.ts'
import { NOW } from '../admin/sample.ts'

const DRAIN = { state: 'drain', by: 'alice', since: NOW, until: NOW + 60_000 } as const
const MAINT = { state: 'maint', by: 'bob', since: NOW, until: null } as const
const HELD = { by: 'carol', since: NOW, until: NOW + 30_000 } as const

function set(member: string, after: typeof DRAIN | typeof MAINT, cluster = 'demo'): Change {
  return { kind: 'override', cluster, member, before: null, after }
}
function held(listener: string, cluster = 'demo'): Change {
  return { kind: 'hold', cluster, listener, before: null, after: HELD }
}

const ALL = applied(new Map(), [set('pg1', DRAIN), set('pg2', MAINT), held('primary'), set('pg1', MAINT, 'other')])

function whatOf(changes: readonly Change[]): readonly string[] {
  return changes.map((change) => `${change.cluster} ${change.kind === 'hold' ? change.listener : change.member}`)
}

test('an override and a hold with an end are over in their time, and one without an end is not', () => {
  assert.equal(nextEnd(ALL), NOW + 30_000)
  assert.deepEqual(whatOf(expired(ALL, NOW + 29_999)), [])
  assert.deepEqual(whatOf(expired(ALL, NOW + 30_000)), ['demo primary'])
  assert.deepEqual(whatOf(expired(ALL, NOW + 60_000)), ['demo pg1', 'demo primary'])
  const later = applied(ALL, expired(ALL, NOW + 60_000))
  assert.equal(nextEnd(later), null)
  assert.deepEqual(later.get('demo'), { members: new Map([['pg2', MAINT]]), holds: new Map() })
})

test('an override of an earlier run lasts no longer than it was to last, and a hold an hour at most', () => {
  const hour = 3_600_000
  const timesOf = (now: number, hold: typeof HELD | { by: string; since: number; until: number }): unknown => {
    const all = applied(ALL, [{ kind: 'hold', cluster: 'demo', listener: 'primary', before: HELD, after: hold }])
    const { members, holds } = limited(all, now).get('demo') ?? assert.fail()
    return [members.get('pg1'), members.get('pg2'), holds.get('primary')].map((each) => [each?.since, each?.until])
  }
  assert.deepEqual(timesOf(NOW + 10_000, HELD), [[NOW, NOW + 60_000], [NOW, null], [NOW, NOW + 30_000]]) // prettier-ignore
  // The clock was set back by ten days.
  const then = NOW - 240 * hour
  assert.deepEqual(timesOf(then, HELD), [[then, then + 60_000], [then, null], [then, then + 30_000]]) // prettier-ignore
  // The file was edited.
  const long = { ...HELD, until: NOW + 720 * hour }
  assert.deepEqual(timesOf(NOW, long), [[NOW, NOW + 60_000], [NOW, null], [NOW, NOW + hour]]) // prettier-ignore
})

test('a cluster or a listener that is removed loses what it had', () => {
  assert.deepEqual(whatOf(withoutPlace(ALL, new Map([['demo', ['primary']], ['other', []]]))), []) // prettier-ignore
  assert.deepEqual(whatOf(withoutPlace(ALL, new Map([['demo', ['replicas']]]))), ['demo primary', 'other pg1'])
})

test('a cluster that gets another name keeps what it has', () => {
  const next = renamed(ALL, 'demo', 'main')
  assert.deepEqual([...next.keys()], ['main', 'other'])
  assert.deepEqual(next.get('main'), ALL.get('demo'))
})

test('a cluster without any is not kept', () => {
  const end: Change = { kind: 'override', cluster: 'other', member: 'pg1', before: MAINT, after: null }
  assert.deepEqual([...applied(ALL, [end]).keys()], ['demo'])
})

test('the file gives back what was written into it', () => {
  assert.deepEqual(decodeOverrides(encodeOverrides(ALL)), ALL)
  const none: OverridesByCluster = new Map()
  assert.deepEqual(decodeOverrides(encodeOverrides(none)), none)
})

for (const [title, text] of [
  ['nothing', ''],
  ['half a file', encodeOverrides(ALL).slice(0, 200)],
  ['another format', encodeOverrides(ALL).replace('"format": 1', '"format": 2')],
  ['another state', encodeOverrides(ALL).replace('"drain"', '"gone"')],
  ['a hold without an end', encodeOverrides(ALL).replace(`"until": ${NOW + 30_000}`, '"until": null')],
  ['a time that is no date', encodeOverrides(ALL).replace(`"since": ${NOW}`, '"since": 9000000000000000')],
  ['a key that is not known', encodeOverrides(ALL).replace('"by"', '"of"')],
] as const)
  test(`a file is not used that holds ${title}`, () => {
    assert.equal(decodeOverrides(text), null)
  })

test('a name from the file can deceive no reader of a terminal', () => {
  const kept = decodeOverrides(encodeOverrides(ALL).replace('alice', String.raw`al\u001b[2Jice`))
  assert.equal(kept?.get('demo')?.members.get('pg1')?.by, 'al\ufffd[2Jice')
})

test('the log names the subject, the user and the end', () => {
  const ended = { ...set('pg1', DRAIN), before: DRAIN, after: null } as Change
  const released = { ...held('primary'), before: HELD, after: null } as Change
  const lines = [
    lineOf(set('pg1', DRAIN), { by: 'alice' }),
    lineOf(set('pg2', MAINT), { by: 'bob' }),
    lineOf(ended, { by: 'dora' }),
    lineOf(ended, 'expired'),
    lineOf(held('primary'), { by: 'carol' }),
    lineOf(released, 'removed'),
    keptLineOf(ended),
  ]
  assert.deepEqual(
    lines.map(({ message, fields }) => [fields['event'], message]),
    [
      ['override-set', 'pg1: drained by alice until 2026-11-20 03:15:54Z'],
      ['override-set', 'pg2: in maintenance by bob'],
      ['override-ended', 'pg1: no longer drained (by dora)'],
      ['override-ended', 'pg1: no longer drained (its time is over)'],
      ['hold-begun', 'primary: new clients are held by carol until 2026-11-20 03:15:24Z'],
      ['hold-ended', 'primary: new clients are no longer held (it is no longer configured)'],
      ['override-kept', 'pg1: drained by alice until 2026-11-20 03:15:54Z, since before the restart'],
    ],
  )
  const { fields } = lines[0] ?? {}
  const until = '2026-11-20T03:15:54.000Z'
  assert.deepEqual(fields, { event: 'override-set', member: 'pg1', state: 'drain', by: 'alice', until })
})
