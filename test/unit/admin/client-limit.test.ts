import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientToClose, type ClientActivity } from '../../../src/admin/client-limit.ts'

const NOW = 100_000

function idle(forMs: number): ClientActivity {
  return { isInteractive: false, isBusy: false, since: NOW - forMs }
}
const person = (forMs: number): ClientActivity => ({ ...idle(forMs), isInteractive: true })
const busy = (forMs: number): ClientActivity => ({ ...idle(forMs), isBusy: true })

type Row = readonly [string, Readonly<Record<string, ClientActivity>>, string | null]

const ROWS: readonly Row[] = [
  ['the one that is idle for longest', { a: idle(2000), b: idle(9000), c: idle(5000) }, 'b'],
  ['an idle one before an interactive one, however long that one thinks', { a: person(60_000), b: idle(1500) }, 'b'],
  ['an interactive one where no other is idle', { a: person(2000), b: person(3000), c: busy(9000) }, 'b'],
  ['one that does not take its answer where no other is idle', { a: busy(20_000), b: busy(500) }, 'a'],
  [
    'nobody at work or interactive while an idle one has just come',
    { a: busy(20_000), b: person(9000), c: idle(900) },
    null,
  ],
  ['none that has just come or is at work', { a: idle(10), b: busy(500), c: person(999) }, null],
]
for (const [title, activities, expected] of ROWS) {
  test(`makes room by closing ${title}`, () => {
    assert.equal(clientToClose(new Map(Object.entries(activities)), NOW), expected)
  })
}
