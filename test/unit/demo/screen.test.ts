import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DemoEvent } from '../../../src/demo/events.ts'
import { commandName, hintsOf } from '../../../src/demo/screen/hints.ts'
import { KEYS, renderScreen, type ScreenFacts } from '../../../src/demo/screen/screen.ts'
import { NOW, sampleMember, sampleProxy, sampleStatus, sampleView } from '../admin/sample.ts'

const event = (text: string): DemoEvent => ({ at: NOW, who: 'router', text })
const FACTS: ScreenFacts = {
  status: sampleStatus(),
  conditions: new Map([
    ['pg1', 'running'],
    ['pg2', 'frozen'],
    ['pg3', 'dead'],
  ]),
  events: Array.from({ length: 30 }, (_, at) => event(`event ${at}`)),
  hints: hintsOf({
    primaryPort: 5000,
    replicaPort: 5001,
    socketPath: '/tmp/pr-demo-AbCdEf/admin.sock',
    page: 'http://127.0.0.1:7000/',
    command: commandName({ npm_lifecycle_event: 'demo' }),
  }),
  lockExpiresAt: NOW + 7000,
  blocking: null,
  columns: 80,
  rows: 24,
}
const screen = (changes: Partial<ScreenFacts> = {}) => renderScreen({ ...FACTS, ...changes })

test('fills a terminal of 80 by 24 exactly, whatever there is to show', () => {
  const long = 'x'.repeat(500)
  const hostile = event(`\x1b[2J ${long}`)
  const view = sampleView({ primary: { ...sampleView().primary, reason: `${long} ${long}` } })
  for (const [columns, rows] of [
    ...[80, 100, 200].flatMap((width) => [24, 25, 60].map((height) => [width, height] as const)),
    ...[[40, 10] as const, [20, 3] as const],
  ])
    for (const facts of [
      {},
      { events: [] },
      { events: [hostile] },
      { status: sampleStatus({ view, proxy: sampleProxy() }) },
    ]) {
      const lines = screen({ ...facts, columns, rows })
      assert.equal(lines.length, rows)
      assert.ok(lines.every((line) => line.length <= columns && !line.includes('\x1b')))
    }
})

test('shows all that can be tried, the members, the last events and the keys on 80 by 24', () => {
  const text = screen().join('\n')
  assert.ok(text.includes(' psql -h localhost -p 5000 -U postgres '))
  assert.ok(text.includes(' psql -h localhost -p 5001 -U postgres '))
  assert.ok(text.includes(' npm run -s patroni-router -- status --socket /tmp/pr-demo-AbCdEf/admin.sock\n'))
  assert.ok(text.includes(' http://127.0.0.1:7000/ '))
  assert.ok(text.includes('primary: pg1 OPEN for 2m10s'))
  assert.match(text, /\| pg1 +\| 5432 \| running +\| Leader +\| +3 \| primary +\| 12 primary/)
  assert.match(text, /event 29\n\ns switch over/)
  assert.equal(screen().at(-1), KEYS)
  assert.ok(!text.includes('...'), text)
})

test('shows what a member really is beside what the router uses it for', () => {
  const text = screen().join('\n')
  assert.match(text, /\| pg2 +\| 5432 \| FROZEN +\| Replica \| +3 \| replica /)
  assert.match(text, /\| pg3 +\| 5432 \| DEAD +\| Replica \| +3 \| nothing /)
})

test('keeps every line in its place when the reason is longer or shorter', () => {
  const at = (reason: string) => {
    const view = sampleView({ primary: { ...sampleView().primary, reason }, members: [sampleMember('pg1')] })
    return screen({ status: sampleStatus({ view, proxy: sampleProxy() }) }).findIndex((line) =>
      line.startsWith('| pg1'),
    )
  }
  assert.equal(at('short'), at('a reason that takes more than one line of a terminal, '.repeat(9)))
})

test('shows the newest events whole, over several lines where they are long', () => {
  const end = 'its PostgreSQL goes on'
  const lines = screen({ events: [...FACTS.events, event(`${'a word '.repeat(12)}${end}`)] })
  assert.match(lines.at(-4) ?? '', /^\d\d:\d\d:\d\d router: a word/)
  assert.equal(lines.at(-3)?.slice(0, 9).trim(), '')
  assert.ok(lines.at(-3)?.endsWith(end), lines.join('\n'))
})

test('says how many clients are held, and for how long', () => {
  const held = sampleProxy({ held: { connections: 2, oldestMs: 3200 } })
  const text = screen({ status: sampleStatus({ view: sampleView(), proxy: held }) }).join('\n')
  assert.match(text, /Cluster: demo, 2 clients held for 3\.2s/)
})

const FROZEN_LEADER = new Map([['pg1', 'writes']] as const)
const BLOCKING = { member: 'pg1', forMs: 4000, waiting: 2 }

test('shows when the lock of a leader that is frozen expires, and not that of one that renews it', () => {
  const text = screen({ conditions: FROZEN_LEADER }).join('\n')
  assert.match(text, /\| pg1 +\| 5432 \| FROZEN, r\/w \| Leader /)
  assert.match(text, /\n lock of pg1 expires in 7\.0s\n/)
  assert.doesNotMatch(screen().join('\n'), /expires|takes writes/)
})

test('shows that a frozen leader accepts writes when another member has its lock', () => {
  const view = sampleView({ leader: 'pg2' })
  const text = screen({ status: sampleStatus({ view, proxy: sampleProxy() }), conditions: FROZEN_LEADER }).join('\n')
  assert.match(text, /\| pg1 +\| 5432 \| FROZEN, r\/w \| Replica /)
  assert.match(text, /\n pg1 lost its lock and still accepts writes: the router sends no client there\n/)
  assert.ok(!text.includes('expires'))
})

test('shows whose open transaction keeps others waiting', () => {
  assert.match(screen({ blocking: BLOCKING }).join('\n'), /\n open transaction on pg1 blocks 2 sessions for 4\.0s\n/)
})

test('shows all of it on 80 columns, and on 60', () => {
  const proxy = sampleProxy({ held: { connections: 12, oldestMs: 83_200 } })
  const status = sampleStatus({ view: sampleView(), proxy })
  for (const columns of [80, 60]) {
    const text = screen({ status, conditions: FROZEN_LEADER, blocking: BLOCKING, columns }).join('\n')
    assert.match(text, /\| pg1 .*\| FROZEN, r\/w \| Leader /)
    assert.match(text, /event 29\n/)
    assert.deepEqual(
      ['s switch over', 'c crash leader', 'f freeze leader', 'b bring back', '? help', 'q quit'].filter(
        (key) => !text.includes(key),
      ),
      [],
    )
    assert.match(text, /Cluster: demo, 12 clients held for 1m23s /)
    assert.match(text, /lock of pg1 expires in 7\.0s/)
    assert.match(text, /open transaction on pg1 blocks 2 sessions for 4\.0s/)
  }
})

test('names the command as it can be called here', () => {
  assert.equal(commandName({}), 'patroni-router')
})
