import assert from 'node:assert/strict'
import { test } from 'node:test'
import { heldLine, listenerLog, NOTHING_LOGGED, useLines } from '../../../src/proxy/log-lines.ts'
import type { LogLine } from '../../../src/text/log-line.ts'
import type { MemberUse, Eligibility } from '../../../src/proxy/route.ts'
import { sampleView } from '../admin/sample.ts'

const FIT: Eligibility = { fit: true, reason: '', cause: null }
const LAGS: Eligibility = { fit: false, reason: 'lag 20 MB above 16 MB', cause: 'lag' }
const LAGS_MORE: Eligibility = { fit: false, reason: 'lag 30 MB above 16 MB', cause: 'lag' }
const TAGGED: Eligibility = { fit: false, reason: 'noloadbalance', cause: 'noloadbalance' }
const SILENT: Eligibility = { fit: false, reason: 'its REST API does not answer', cause: null }

/** The lines that one member's course makes; null: the member has gone. */
function logged(...course: (Eligibility | null)[]): string[] {
  let before = NOTHING_LOGGED
  return course.flatMap((eligibility) => {
    const uses: MemberUse[] = eligibility === null ? [] : [{ member: 'pg2', ...eligibility }]
    const { lines, logged } = useLines(before, uses)
    before = logged
    const written: string[] = []
    const log = listenerLog({ name: 'reports', route: 'replica' }, ({ level, message }) => {
      written.push(`${level} ${message}`)
    })
    for (const { level, fields, message } of lines) log(level, fields, message)
    return written
  })
}

const BEGUN = 'warn reports: does not use pg2: lag 20 MB above 16 MB'
const ENDED = 'info reports: uses pg2 again'

const ROWS: readonly [string, (Eligibility | null)[], string[]][] = [
  ['says nothing of a member that is used', [FIT, FIT], []],
  ['says once when it begins and once when it ends', [FIT, LAGS, LAGS_MORE, LAGS, FIT, FIT], [BEGUN, ENDED]],
  ['says what was so from the beginning', [LAGS, FIT], [BEGUN, ENDED]],
  ['leaves to the watcher what makes a member unfit for every route', [FIT, SILENT, FIT], []],
  ['does not begin anew after a silence of the member', [LAGS, SILENT, LAGS, SILENT, FIT], [BEGUN, ENDED]],
  ['says a new cause', [LAGS, TAGGED, FIT], [BEGUN, 'info reports: does not use pg2: noloadbalance', ENDED]],
  ['forgets a member that has gone', [LAGS, null, FIT, LAGS], [BEGUN, BEGUN]],
]
for (const [title, course, expected] of ROWS) test(title, () => assert.deepEqual(logged(...course), expected))

test('the fields say which listener, which member and why', () => {
  const { lines } = useLines(NOTHING_LOGGED, [{ member: 'pg2', ...LAGS }])
  assert.deepEqual(lines[0]?.fields, {
    event: 'member-unused',
    member: 'pg2',
    reason: 'lag 20 MB above 16 MB',
  })
})

test('every line of a listener says which listener it is and which route it has, whatever else it says', () => {
  const lines: LogLine[] = []
  const log = listenerLog({ name: 'reports', route: 'replica' }, (line) => lines.push(line))
  log('warn', { event: 'fenced', route: 'reports', listener: 'replica' }, 'closed 1 session on pg1')
  const fields = { event: 'fenced', listener: 'reports', route: 'replica' }
  assert.deepEqual(lines, [{ level: 'warn', fields, message: 'reports: closed 1 session on pg1' }])
})

test('that new connections are held says so where the primary is open, but overridden', () => {
  const override = { state: 'drain', by: 'alice', since: 0, until: null } as const
  const { primary } = sampleView()
  const fieldOf = (changes: Partial<typeof primary>): unknown =>
    heldLine({ ...primary, ...changes }, 'r').fields['override']
  assert.equal(fieldOf({ override }), 'drain')
  assert.equal(fieldOf({ override, state: 'unreachable' }), undefined)
  assert.equal(fieldOf({ state: 'unreachable' }), undefined)
})
