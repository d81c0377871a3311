import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  afterChange,
  afterLook,
  afterNotice,
  afterPass,
  afterRender,
  afterResync,
  afterTake,
  type Due,
  nextPass,
  nextRender,
  type Schedule,
  type Timing,
  UNSCHEDULED,
} from '../../../../src/templates/groups/debounce.ts'

const TIMING: Timing = { minMs: 200, maxMs: 2000, intervalMs: 60_000 }
const START = 1_000_000
/** Whose last pass was at START, a full one that wrote. */
const QUIET = passed(UNSCHEDULED, { full: true, worked: true })

type PassEnd = { at?: number; tookMs?: number; full?: boolean; worked?: boolean; failed?: boolean }

function passed(schedule: Schedule, end: PassEnd = {}): Schedule {
  const { at = START, tookMs = 0, full = false, worked = false, failed = false } = end
  const begun = afterTake(full ? afterLook(schedule, at) : schedule)
  return afterPass(begun, { beganAt: at, endedAt: at + tookMs, worked, failed })
}

/** Changes at these times after START; those that begin with `!` are urgent. */
function changed(schedule: Schedule, ...changes: (number | `!${number}`)[]): Schedule {
  return changes.reduce<Schedule>((all, change) => {
    const urgent = typeof change === 'string'
    return afterChange(all, START + Number(urgent ? change.slice(1) : change), urgent)
  }, schedule)
}

const failedTimes = (times: number, schedule: Schedule): Schedule =>
  Array.from({ length: times }).reduce<Schedule>((all) => passed(all, { failed: true, full: true }), schedule)

interface Row {
  readonly is: string
  readonly schedule: Schedule
  readonly timing?: Partial<Timing>
  /** After START; null: none. */
  readonly due: { readonly at: number; readonly full: boolean } | null
}

const rows: readonly Row[] = [
  { is: 'a full pass when the interval is over', schedule: QUIET, due: { at: 60_000, full: true } },
  { is: 'none without an interval', schedule: QUIET, timing: { intervalMs: 0 }, due: null },
  { is: 'min after a change', schedule: changed(QUIET, 5000), due: { at: 5200, full: false } },
  { is: 'min after the last change', schedule: changed(QUIET, 5000, 5100, 5150), due: { at: 5350, full: false } },
  {
    is: 'max after the first change, however many follow',
    schedule: changed(QUIET, ...Array.from({ length: 30 }, (_, index) => 5000 + index * 100)),
    due: { at: 7000, full: false },
  },
  { is: 'at once when it is urgent', schedule: changed(QUIET, '!5000'), due: { at: 5000, full: false } },
  {
    is: 'at once when something urgent joins what waits',
    schedule: changed(QUIET, 5000, '!5050'),
    due: { at: 5050, full: false },
  },
  {
    is: 'still at once when something else follows what is urgent',
    schedule: changed(QUIET, '!5000', 5010),
    due: { at: 5010, full: false },
  },
  {
    is: 'min after the last pass that has done something, however urgent',
    schedule: changed(passed(QUIET, { at: START + 4900, worked: true }), '!5000'),
    due: { at: 5100, full: false },
  },
  {
    is: 'at once after a pass that has found nothing to do',
    schedule: changed(passed(QUIET, { at: START + 4900 }), '!5000'),
    due: { at: 5000, full: false },
  },
  {
    is: 'min after the begin of a long pass, not after its end',
    schedule: changed(passed(QUIET, { at: START + 1000, tookMs: 3900, worked: true }), '!4950'),
    due: { at: 4950, full: false },
  },
  {
    is: 'the one of the storm, as a full one, when the interval ends in its middle',
    schedule: changed(QUIET, 59_900),
    due: { at: 60_100, full: true },
  },
  {
    is: 'the one of the change before the interval is over',
    schedule: changed(QUIET, 59_700),
    due: { at: 59_900, full: false },
  },
  { is: 'at once and full at the start', schedule: UNSCHEDULED, due: { at: -START, full: true } },
  {
    is: 'full and min after the last one when it is asked for',
    schedule: afterResync(passed(QUIET, { at: START + 100, worked: true })),
    due: { at: 300, full: true },
  },
  { is: '1 s after a failure', schedule: failedTimes(1, QUIET), due: { at: 1000, full: true } },
  { is: '2 s after the second one', schedule: failedTimes(2, QUIET), due: { at: 2000, full: true } },
  { is: '32 s after the sixth one', schedule: failedTimes(6, QUIET), due: { at: 32_000, full: true } },
  { is: '60 s after the hundredth one', schedule: failedTimes(100, QUIET), due: { at: 60_000, full: true } },
  {
    is: 'again after a failure without an interval',
    schedule: failedTimes(3, QUIET),
    timing: { intervalMs: 0 },
    due: { at: 4000, full: true },
  },
  {
    is: 'counted from the end of the pass that has failed',
    schedule: passed(QUIET, { at: START + 100, tookMs: 30_000, failed: true }),
    due: { at: 31_100, full: true },
  },
  {
    is: '1 s after a failure that follows a success',
    schedule: passed(passed(failedTimes(5, QUIET)), { failed: true }),
    due: { at: 1000, full: true },
  },
  {
    is: 'the one of a change while a failure waits for its turn',
    schedule: changed(failedTimes(4, QUIET), 500),
    due: { at: 700, full: false },
  },
  {
    is: 'later than a failure asks for where min is longer',
    schedule: passed(QUIET, { worked: true, failed: true }),
    timing: { minMs: 5000 },
    due: { at: 5000, full: true },
  },
]

for (const { is, schedule, timing, due } of rows) {
  test(`the next pass is ${is}`, () => {
    const expected: Due | null = due === null ? null : { at: START + due.at, full: due.full }
    assert.deepEqual(nextPass(schedule, { ...TIMING, ...timing }), expected)
  })
}

test('changes during a pass are left for the next one', () => {
  const during = changed(afterTake(changed(QUIET, 5000)), 5300)
  const after = afterPass(during, {
    beganAt: START + 5200,
    endedAt: START + 5400,
    worked: true,
    failed: false,
  })
  assert.deepEqual(nextPass(after, TIMING), { at: START + 5500, full: false })
})

test('a full pass that is requested during another one is made after it', () => {
  const during = afterResync(afterTake(afterLook(QUIET, START + 5000)))
  const after = afterPass(during, { beganAt: START + 5000, endedAt: START + 5400, worked: true, failed: false })
  assert.deepEqual(nextPass(after, TIMING), { at: START + 5200, full: true })
})

test('200 changes in 2 s have no more passes than the debounce allows, and one of them after the last change', () => {
  const timing = { ...TIMING, maxMs: 700 }
  let schedule = QUIET
  const begins: number[] = []
  for (let age = 0; age < 5000; age++) {
    const at = START + 1000 + age
    if (age % 10 === 0 && age < 2000) schedule = afterChange(schedule, at, false)
    const due = nextPass(schedule, timing)
    if (due === null || due.at > at) continue
    begins.push(age)
    schedule = passed(schedule, { at, worked: true, full: due.full })
  }
  assert.deepEqual(begins, [700, 1410, 2120])
  assert.equal(schedule.change, null)
})

/** Rendered at START, which took so long. */
const rendered = (tookMs: number): Schedule =>
  afterRender(QUIET, { at: START, tookMs, changed: false, asks: false }, false)

interface RenderRow {
  readonly is: string
  readonly schedule: Schedule
  readonly groups?: number
  /** After START; null: never. */
  readonly at: number | null
}

const renderRows: readonly RenderRow[] = [
  { is: 'never when nothing has changed', schedule: rendered(1), at: null },
  { is: 'at once after a rest', schedule: afterNotice(rendered(1), START + 1000, false), at: 1000 },
  { is: 'at once when nothing was ever rendered', schedule: afterNotice(UNSCHEDULED, START, false), at: 0 },
  { is: '25 ms after the last time', schedule: afterNotice(rendered(1), START + 3, false), at: 25 },
  {
    is: '25 ms after the last time, however many changes there are',
    schedule: afterNotice(afterNotice(rendered(1), START + 3, false), START + 20, false),
    at: 25,
  },
  { is: 'a tenth of the time, at most', schedule: afterNotice(rendered(7), START + 20, false), at: 70 },
  { is: 'a tenth for all groups together', schedule: afterNotice(rendered(7), START + 20, false), groups: 3, at: 210 },
  { is: 'every 500 ms whatever it takes', schedule: afterNotice(rendered(7000), START + 20, false), at: 500 },
  { is: 'at once when it is urgent', schedule: afterNotice(rendered(7000), START + 20, true), at: 20 },
  {
    is: 'at once when something urgent joins what waits',
    schedule: afterNotice(afterNotice(rendered(7000), START + 20, false), START + 30, true),
    at: 20,
  },
]

for (const { is, schedule, groups = 1, at } of renderRows) {
  test(`the next render is ${is}`, () => {
    assert.equal(nextRender(schedule, groups), at === null ? null : START + at)
  })
}

test('a rendering is as urgent as its notice, also once its lookups are answered, and no longer', () => {
  const render = { at: START, tookMs: 1, changed: false, asks: false }
  const asking = afterRender(afterNotice(QUIET, START, true), { ...render, asks: true }, false)
  const answered = afterRender(afterNotice(asking, START, false), { ...render, changed: true }, false)
  assert.equal(answered.change?.urgent, true)
  const later = afterRender(afterNotice(afterTake(answered), START, false), { ...render, changed: true }, false)
  assert.equal(later.change?.urgent, false)
})

test('the first text is urgent, as it has been waited for', () => {
  const first = afterRender(UNSCHEDULED, { at: START, tookMs: 1, changed: true, asks: false }, true)
  assert.equal(first.change?.urgent, true)
})
