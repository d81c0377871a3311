import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DemoEvent } from '../../../src/demo/events.ts'
import { commandName, hintsOf } from '../../../src/demo/hints.ts'
import { KEYS, renderScreen, type ScreenFacts } from '../../../src/demo/screen.ts'
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
    command: commandName({ npm_lifecycle_event: 'demo' }),
  }),
  lockExpiresAt: NOW + 7000,
  blocking: null,
  columns: 80,
  rows: 24,
}
const screen = (changes: Partial<ScreenFacts> = {}) => renderScreen({ ...FACTS, ...changes })

test('fills a terminal of 80 by 24 and no more, whatever there is to show', () => {
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

test('shows when the lock of a leader that is frozen expires, and not that of one that renews it', () => {
  const conditions = new Map([['pg1', 'frozen']] as const)
  assert.match(screen({ conditions }).join('\n'), /Cluster: demo, lock of pg1 expires in 7\.0s, no clients held/)
  assert.ok(!screen().join('\n').includes('expires'))
})

test('shows whose open transaction keeps others waiting', () => {
  const blocking = { member: 'pg1', forMs: 4000, waiting: 2 }
  assert.match(screen({ blocking }).join('\n'), /Cluster: demo, open transaction on pg1 blocks 2 sessions for 4\.0s,/)
})

test('names the command as it can be called here', () => {
  assert.equal(commandName({}), 'patroni-router')
})
