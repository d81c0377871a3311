/** Events and stories as people read them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Narrator } from '../../../src/events/narration.ts'
import { itemText } from '../../../src/events/text.ts'
import type { HistoryEvent } from '../../../src/events/event.ts'
import { BEGINNING, CRASH, PLANNED, recorded, REFUSED_BY_PATRONI } from './recorded.ts'

function shown(events: readonly HistoryEvent[], now = BEGINNING + 60_000): string {
  const narrator = new Narrator({ since: null, cluster: null })
  for (const event of events) narrator.take(event)
  return narrator
    .items(now)
    .map((item) => itemText(item, false))
    .join('')
}

test('a switchover is one block: what it cost, and each step with its milliseconds', () => {
  assert.equal(
    shown(recorded(PLANNED)),
    `2026-11-20 03:12:44.000Z WARN  switchover from pg1 to pg0 in 1645 ms; no open primary for 1551 ms; 80 connections waited, 1550 ms at most; 12 sessions closed
        0 ms           requested   switchover from pg1 to pg0 requested
        0 ms       +0  switching   primary: pg1 SWITCHING: requested
       94 ms      +94  held        new connections to the primary are held
      202 ms     +108  switching   primary: pg1 STOPPING: r
     1320 ms    +1118  fenced      primary: closed 12 sessions on pg1: r
     1324 ms       +4  lock gone   leader key of pg1 is gone (switchover)
     1460 ms     +136  new leader  leader is pg0
     1642 ms     +182  confirmed   primary: pg0 OPEN: r
     1643 ms       +1  released    primary: released 78 held connections
     1643 ms       +0  released    other: released 2 held connections
     1645 ms       +2  opened      new connections go to pg0
2026-11-20 03:12:45.400Z INFO  replica pg1 is not available for reads: r
2026-11-20 03:12:45.700Z INFO  replica pg1 is available for reads
`,
  )
})

test('the first line says what it was, and how it ended', () => {
  const first = (events: readonly HistoryEvent[], now?: number): string =>
    /^\S+ \S+ \w+ +(.*)$/m.exec(shown(events, now).replace(/^.*pg0 OPEN: r.*\n/, ''))?.[1] ?? ''
  assert.equal(
    first(recorded(CRASH)),
    'failover from pg0 to pg2 in 19.7 s; no open primary for 19.7 s; 1 connection waited, 19.7 s at most; 3 connections refused',
  )
  assert.equal(
    first(recorded(CRASH.slice(0, 5)), BEGINNING + 5010),
    'interruption of pg0, not over yet; no open primary for 5000 ms so far',
  )
  assert.equal(
    first(recorded(REFUSED_BY_PATRONI)),
    'switchover from pg0 to nobody requested, but not carried out; no open primary for 1751 ms',
  )
})

test('one of several clusters is named once in each line, and not in the steps', () => {
  const text = shown(recorded(PLANNED.slice(0, 12), { cluster: 'demo' }))
  assert.match(text, /^\S+ \S+ WARN {2}demo: switchover from pg1 to pg0 in/)
  assert.equal(text.match(/demo/g)?.length, 2)
})

test('nothing in it is acted upon by a terminal', () => {
  const evil = { from: 'pg\u001b[2J', to: 'pg\u202e0' }
  const text = shown(
    recorded([
      [0, 'switchover-requested', 'a\u001b[2Jb', evil],
      [1, 'track', 'c\u009b1m'],
    ]),
  )
  assert.match(text, /a\\x1b\[2Jb/)
  assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u)
})
