/** The bounded history, and what is made of its lines. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { eventJson, eventOf, type HistoryEvent, parseEventJson } from '../../../src/events/event.ts'
import { eventsAfter, eventsFrom } from '../../../src/events/follow.ts'
import { History } from '../../../src/events/history.ts'
import { parseSince } from '../../../src/events/since.ts'

const line = (n: number, fields: object = {}): string =>
  `${JSON.stringify({ level: 'info', time: new Date(n).toISOString(), event: 'e', ...fields, msg: `m${n}` })}\n`
const messages = (history: History, seq = 0): string[] =>
  history.after(seq, Infinity).events.map((each) => eventOf(each)?.message ?? '')

const eventsIn = ({ value }: IteratorResult<readonly HistoryEvent[], undefined>): readonly HistoryEvent[] => value ?? []

describe('the history', () => {
  test('keeps the last events, by their number', () => {
    const history = new History({ events: 3, bytes: 1e6 }, 5)
    for (let n = 0; n < 1000; n++) history.add(line(n))
    assert.deepEqual(messages(history), ['m997', 'm998', 'm999'])
    assert.equal(history.newest, 5999)
    assert.deepEqual(messages(history, 5997), ['m998', 'm999'])
    assert.deepEqual(messages(history, 5999), [])
  })

  test('keeps the last events, by their size, and the newest however large it is', () => {
    const bytes = Buffer.byteLength(line(0, { text: 'ä'.repeat(1000) }))
    const history = new History({ events: 100, bytes: bytes * 2 }, 1)
    for (let n = 0; n < 9; n++) history.add(line(n, { text: 'ä'.repeat(1000) }))
    assert.deepEqual(messages(history), ['m7', 'm8'])
    history.add(line(9, { text: 'x'.repeat(bytes * 3) }))
    assert.deepEqual(messages(history), ['m9'])
  })

  test('says whether a reader has missed something', () => {
    const history = new History({ events: 2, bytes: 1e6 }, 1)
    for (let n = 0; n < 4; n++) history.add(line(n))
    assert.deepEqual(
      [1000, 1001, 1002].map((seq) => history.after(seq, 9).hasMissed),
      [true, false, false],
    )
    assert.equal(history.after(0, 9).hasMissed, false)
  })

  test('puts the events of earlier runs before its own', () => {
    const history = new History({ events: 4, bytes: 1e6 }, 7)
    history.add(line(1))
    history.restore([5, 6, 8, 9].map((seq) => ({ seq, line: line(seq) })))
    assert.deepEqual(messages(history), ['m6', 'm8', 'm9', 'm1'])
    assert.equal(history.newest, 7000)
  })

  test('numbers its own events behind those of a run whose clock was ahead', () => {
    const history = new History({ events: 9, bytes: 1e6 }, 7)
    history.add(line(1))
    history.restore([{ seq: 9000, line: line(9) }])
    history.add(line(2))
    assert.deepEqual(
      history.after(0, 9).events.map(({ seq }) => seq),
      [9000, 9001, 9002],
    )
    assert.deepEqual(messages(history, 1e9), ['m9', 'm1', 'm2'], 'a number that is yet to come is of such a run')
  })

  test('wakes readers that wait for more', async () => {
    const history = new History(undefined, 1)
    const over = new AbortController()
    const waiting = history.beyond(0, over.signal)
    history.add(line(1))
    await waiting
    await history.beyond(-1, over.signal)
    const second = history.beyond(history.newest, over.signal)
    over.abort()
    await second
  })
})

test('a reader gets what is there, then what comes, and learns that it has missed some', async () => {
  const history = new History({ events: 300, bytes: 1e9 }, 1)
  for (let n = 0; n < 250; n++) history.add(line(n))
  const read: string[] = []
  for await (const events of eventsAfter(history, 0)) read.push(...events.map(({ message }) => message))
  assert.equal(read.length, 250)
  const over = new AbortController()
  const following = eventsFrom(history, history.newest, over.signal)
  const next = following.next()
  history.add(line(250))
  assert.deepEqual(
    eventsIn(await next).map(({ message }) => message),
    ['m250'],
  )
  for (let n = 251; n < 900; n++) history.add(line(n))
  const [skipped, first] = eventsIn(await following.next())
  assert.deepEqual([skipped?.event, skipped?.level, first?.message], ['events-skipped', 'warn', 'm600'])
  over.abort()
  assert.equal((await following.next()).done, true)
})

test('an event is one line of JSON with stable names, and the same when it is read', () => {
  const event = eventOf({ seq: 7, line: line(0, { cluster: 'demo', member: 'p\u009bg', n: 1 }) })
  assert.ok(event)
  const json = eventJson(event)
  assert.equal(
    json,
    '{"seq":7,"time":"1970-01-01T00:00:00.000Z","level":"info","event":"e","message":"m0","cluster":"demo","member":"p\\u009bg","n":1}',
  )
  assert.deepEqual(parseEventJson(json), event)
  for (const other of ['', 'Unknown command.', '[]', '{}', '{"seq":1,"time":"x","level":"info"}'])
    assert.equal(parseEventJson(other), null)
  assert.equal(eventOf({ seq: 1, line: '{"level":"info","ti' }), null)
})

test('since is a duration or a time', () => {
  const now = Date.UTC(2026, 10, 20, 3)
  const rows: readonly [string, number | null][] = [
    ['30m', now - 1_800_000],
    ['1h', now - 3_600_000],
    ['2d', now - 2 * 86_400_000],
    ['1d12h', now - 36 * 3_600_000],
    ['2026-11-20', Date.UTC(2026, 10, 20)],
    ['2026-11-20T01:30', Date.UTC(2026, 10, 20, 1, 30)],
    ['2026-11-20 01:30:05.5Z', Date.UTC(2026, 10, 20, 1, 30, 5, 500)],
    ['2026-11-20T01:30+02:00', Date.UTC(2026, 10, 19, 23, 30)],
    ...['', 'never', '5', '-1h', '2026-13-01', '1d2'].map((text): [string, null] => [text, null]),
  ]
  for (const [text, expected] of rows) {
    const parsed = parseSince(text, now)
    assert.equal(parsed.ok ? parsed.value : null, expected, text)
  }
})
