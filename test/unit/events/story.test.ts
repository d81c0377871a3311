/** Switchovers and failovers, told from recorded events. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { HistoryEvent } from '../../../src/events/event.ts'
import { LiveNarrator, Narrator } from '../../../src/events/narration.ts'
import type { Story } from '../../../src/events/story.ts'
import { BEGINNING, CRASH, PLANNED, recorded, REFUSED_BY_PATRONI } from './recorded.ts'

const ALL = { since: null, cluster: null }

function narrated(
  events: readonly HistoryEvent[],
  now = BEGINNING + 60_000,
  selection = ALL as { since: number | null; cluster: string | null },
) {
  const narrator = new Narrator(selection)
  for (const event of events) narrator.take(event)
  return narrator.items(now)
}

function storiesOf(events: readonly HistoryEvent[], now?: number): readonly Story[] {
  return narrated(events, now).flatMap((item) => (item.kind === 'story' ? [item.story] : []))
}

const stepsOf = (story: Story | undefined): string =>
  (story?.steps ?? []).map(({ what, at }) => `${at - BEGINNING} ${what}`).join(', ')
const figures = ({ kind, outcome, from, to, heldMs, waited, longestWaitMs, fenced, refused }: Story) => ({
  ...{ kind, outcome, from, to, heldMs, waited, longestWaitMs, fenced, refused },
})

describe('a story', () => {
  test('of a planned switchover has its steps, and what it cost', () => {
    const [story, ...others] = storiesOf(recorded(PLANNED))
    assert.ok(story)
    assert.deepEqual(others, [])
    assert.equal(
      stepsOf(story),
      '0 requested, 0 switching, 94 held, 202 switching, 1320 fenced, 1324 lock gone, 1460 new leader, 1642 confirmed, 1643 released, 1643 released, 1645 opened',
    )
    assert.deepEqual(figures(story), {
      ...{ kind: 'switchover', outcome: 'done', from: 'pg1', to: 'pg0' },
      ...{ heldMs: 1551, waited: 80, longestWaitMs: 1550, fenced: 12, refused: 0 },
    })
  })

  test('of a crash is a failover, which begins when the primary is no longer open', () => {
    const [story, ...others] = storiesOf(recorded(CRASH))
    assert.ok(story)
    assert.deepEqual(others, [])
    assert.match(stepsOf(story), /^10 unreachable, 10 held, 19510 lock gone, 19510 no primary, 19586 new leader, /)
    assert.deepEqual(figures(story), {
      ...{ kind: 'failover', outcome: 'done', from: 'pg0', to: 'pg2' },
      ...{ heldMs: 19_652, waited: 1, longestWaitMs: 19_650, fenced: 0, refused: 3 },
    })
  })

  test('of a request that Patroni refuses says that it was not carried out', () => {
    const [story, ...others] = storiesOf(recorded(REFUSED_BY_PATRONI))
    assert.ok(story)
    assert.deepEqual(others, [])
    assert.deepEqual(
      [story.kind, story.outcome, story.from, story.to, story.heldMs],
      ['switchover', 'withdrawn', 'pg0', 'nobody', 1751],
    )
  })

  test('of a request continues while its primary is open again, and adds up how long it was not', () => {
    const opened = [600, 'opened', 'new connections go to pg1', { member: 'pg1' }] as const
    const held = [900, 'held', 'new connections to the primary are held', { member: 'pg1' }] as const
    const at = PLANNED.findIndex(([, event]) => event === 'fenced')
    const [story, ...others] = storiesOf(recorded([...PLANNED.slice(0, at), opened, held, ...PLANNED.slice(at)]))
    assert.deepEqual(others, [])
    assert.deepEqual([story?.outcome, story?.to, story?.heldMs], ['done', 'pg0', 600 - 94 + 1645 - 900])
  })

  test('of a leader that loses its key and comes back is an interruption', () => {
    const events = recorded([
      [0, 'primary-open', '', { state: 'open', member: 'pg0' }],
      [5, 'leader-changed', '', { from: 'pg0', to: null }],
      [5, 'primary-switching', '', { state: 'switching', member: 'pg0' }],
      [5, 'held', '', { member: 'pg0' }],
      [30, 'leader-changed', '', { from: null, to: 'pg0' }],
      [40, 'primary-open', '', { state: 'open', member: 'pg0' }],
      [41, 'opened', '', { member: 'pg0' }],
    ])
    const [story] = storiesOf(events)
    assert.ok(story)
    assert.deepEqual(
      [story.kind, story.outcome, story.from, story.to, story.heldMs],
      ['interruption', 'done', 'pg0', 'pg0', 36],
    )
    assert.equal(stepsOf(story), '5 lock gone, 5 switching, 5 held, 30 new leader, 40 confirmed, 41 opened')
  })

  test('is not made of a drain of the primary, and one of a failover that follows does not begin with it', () => {
    const drained = [
      [0, 'primary-open', '', { state: 'open', member: 'pg1' }],
      [1, 'opened', '', { member: 'pg1' }],
      [100, 'held', '', { member: 'pg1', override: 'drain' }],
    ] as const
    const ready = [
      [4100, 'released', '', { connections: 2, waitedMs: 4000 }],
      [4101, 'opened', '', { member: 'pg1' }],
    ] as const
    const failover = [
      [5000, 'leader-changed', '', { from: 'pg1', to: 'pg2' }],
      [5001, 'primary-unconfirmed', '', { state: 'unconfirmed', member: 'pg2' }],
      [5010, 'primary-open', '', { state: 'open', member: 'pg2' }],
      [5013, 'opened', '', { member: 'pg2' }],
    ] as const
    assert.deepEqual(storiesOf(recorded([...drained, ...ready])), [])
    const [story, ...others] = storiesOf(recorded([...drained, ...failover]))
    assert.deepEqual(others, [])
    assert.deepEqual([story?.kind, story?.from, story?.to, story?.heldMs], ['failover', 'pg1', 'pg2', null])
    assert.equal(stepsOf(story), '5000 new leader, 5001 checked, 5010 confirmed')
  })

  test('continues over a restart of the router', () => {
    const at = CRASH.findIndex(([, event]) => event === 'leader-changed')
    const restarted = [
      [15_000, 'stopped', 'patroni-router has stopped'],
      [16_000, 'starting', 'patroni-router starts'],
      [16_100, 'primary-none', 'no primary: not read', { state: 'none', member: null }],
    ] as const
    const [story, ...others] = storiesOf(recorded([...CRASH.slice(0, at), ...restarted, ...CRASH.slice(at + 2)]))
    assert.deepEqual(others, [])
    assert.match(
      stepsOf(story),
      /10 held, 15000 router stopped, 16000 router starts, 16100 no primary, 19586 new leader, .* 19662 opened$/,
    )
    assert.deepEqual([story?.kind, story?.from, story?.to, story?.heldMs], ['failover', 'pg0', 'pg2', 19_652])
  })

  test('is not made of a start of the router', () => {
    const events = recorded([
      [0, 'starting', ''],
      [1, 'leader-changed', 'leader is pg1', { from: null, to: 'pg1' }],
      [1, 'primary-unconfirmed', '', { state: 'unconfirmed', member: 'pg1' }],
      [2, 'primary-open', '', { state: 'open', member: 'pg1' }],
      [3, 'opened', '', { member: 'pg1' }],
    ])
    assert.deepEqual(storiesOf(events), [])
    assert.equal(narrated(events).length, events.length)
  })

  test('of each of two clusters is its own, though their events alternate', () => {
    const [one, two] = [recorded(PLANNED, { cluster: 'a' }), recorded(CRASH, { cluster: 'b', first: 1000 })]
    const events = [...one, ...two].toSorted((a, b) => a.time.localeCompare(b.time))
    const stories = storiesOf(events).toSorted((a, b) => String(a.cluster).localeCompare(String(b.cluster)))
    const alone = [...storiesOf(one), ...storiesOf(two)]
    assert.deepEqual(stories, alone)
    assert.deepEqual(
      stories.map(({ cluster, kind }) => [cluster, kind]),
      [
        ['a', 'switchover'],
        ['b', 'failover'],
      ],
    )
  })

  test('that is not over says so, and counts up to now', () => {
    const [story] = storiesOf(recorded(CRASH.slice(0, 5)), BEGINNING + 30_010)
    assert.deepEqual([story?.outcome, story?.kind, story?.heldMs], ['under-way', 'interruption', 30_000])
  })

  test('of a request that leads to nothing ends with what comes five minutes later', () => {
    const request = PLANNED[0] ?? [0, '', '']
    const opened = [2000, 'opened', '', { member: 'pg1' }] as const
    assert.equal(storiesOf(recorded([request, opened]), BEGINNING + 302_001)[0]?.outcome, 'overdue')
    const later = PLANNED.map(([ms, ...rest]) => [ms + 400_000, ...rest] as const)
    const stories = storiesOf(recorded([request, opened, ...later]), BEGINNING + 500_000)
    assert.deepEqual(
      stories.map(({ outcome, to }) => [outcome, to]),
      [
        ['overdue', 'pg0'],
        ['done', 'pg0'],
      ],
    )
  })

  test('ends with the state of the primary where no listener holds', () => {
    const events = recorded(PLANNED.filter(([, event]) => !['held', 'opened', 'released', 'fenced'].includes(event)))
    const [story, ...others] = storiesOf(events)
    assert.deepEqual(others, [])
    assert.deepEqual([story?.outcome, story?.to, story?.heldMs], ['done', 'pg0', null])
  })

  test('has no more steps than can be read, and its end', () => {
    const many = Array.from(
      { length: 500 },
      (_, n) => [20 + n, 'primary-reason', '', { state: 'none', member: null }] as const,
    )
    const [story] = storiesOf(recorded([...CRASH.slice(0, 3), ...many, ...CRASH.slice(-1)]))
    assert.deepEqual([story?.steps.length, story?.steps.at(-1)?.what, story?.outcome], [201, 'opened', 'done'])
  })
})

describe('the text for people', () => {
  test('has the story instead of its events, and all others as they are', () => {
    const shown = narrated(recorded(PLANNED)).map((item) => (item.kind === 'story' ? 'story' : item.event.event))
    assert.deepEqual(shown, ['story', 'replica-down', 'replica-up'])
  })

  test('since a time begins with the story that was not over by then, whole', () => {
    const shown = narrated(recorded(PLANNED), undefined, { since: BEGINNING + 1500, cluster: null })
    assert.deepEqual(
      shown.map((item) => (item.kind === 'story' ? item.story.steps.length : item.event.event)),
      [11, 'replica-up'],
    )
    assert.deepEqual(narrated(recorded(PLANNED), undefined, { since: BEGINNING + 1701, cluster: null }), [])
  })

  test('of a cluster has what is of none as well', () => {
    const events = [...recorded(PLANNED, { cluster: 'a' }), ...recorded([[5000, 'stopped', '']], { first: 50 })]
    const count = (cluster: string) => narrated(events, undefined, { since: null, cluster }).length
    assert.deepEqual([count('a'), count('b')], [4, 1])
  })

  test('while it happens is each event at once, and the story behind its last one', () => {
    const live = new LiveNarrator(ALL)
    const shown = recorded(PLANNED).map((event) =>
      live
        .take(event)
        .map(({ kind }) => kind)
        .join('+'),
    )
    assert.deepEqual(shown, [...Array<string>(11).fill('event'), 'event+story', 'event'])
  })
})
