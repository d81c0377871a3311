import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pageParts } from '../../../../src/admin/http/page/page.ts'
import { sizeText } from '../../../../src/admin/http/page/tables.ts'
import type { RouterStatus } from '../../../../src/admin/status.ts'
import { NO_TRAFFIC } from '../../../../src/proxy/traffic.ts'
import { NOW, sampleListener, sampleMember, sampleProxy, sampleStatus, sampleView } from '../sample.ts'

function page(status: RouterStatus): string {
  return [...pageParts(status, { isRefreshed: true, events: [] })].join('')
}

/** Returns the words of the page in their order. */
function words(status: RouterStatus): string {
  const [, body = ''] = page(status).split('<body>')
  return body.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ')
}

const VIEW = sampleView()
const LOST = sampleView({
  name: 'orders',
  dcs: { ...VIEW.dcs, state: 'lost', since: NOW - 42_000, error: 'no answer' },
  primary: { ...VIEW.primary, state: 'none', member: null, reason: 'the leader key is gone' },
})

test('begins with the primary, its state, for how long and why', () => {
  assert.match(words(sampleStatus()), /^ lb1 .*Z Cluster demo \(\d+\) pg1 OPEN for 2m10s it holds the leader lock/)
})

test('has a cluster without a primary before others, and what is wrong before its tables', () => {
  const held = sampleProxy({ held: { connections: 3, oldestMs: 5000 } })
  const status = sampleStatus({ view: VIEW, proxy: sampleProxy() }, { view: LOST, proxy: held })
  assert.match(page(status), /<title>NOT OPEN: 1 of 2 clusters - lb1<\/title>/)
  const text = words(status)
  assert.match(
    text,
    /orders: no primary NONE demo: pg1 OPEN Cluster orders .*no primary NONE for .* 3 clients held, the oldest for 5\.0s\. DCS LOST for 42s: no answer Members/,
  )
  assert.ok(text.indexOf('Cluster demo') > text.indexOf('Cluster orders'))
})

test('shows overrides and holds with the name behind them, and the counters of listeners and members', () => {
  const override = { state: 'drain', by: 'alice', since: NOW, until: NOW + 720_000 } as const
  const view = sampleView({ members: [...VIEW.members, sampleMember('pg4', { override })] })
  const own = { ...NO_TRAFFIC, sessions: 3, maxSessions: 8, totalSessions: 12_345, bytesIn: 5 * 1024 ** 3 }
  const traffic = {
    ...own,
    members: [
      { ...own, member: 'pg1', failedDials: 2, closedByRouter: 7 },
      { ...NO_TRAFFIC, member: 'pg2', failedDials: 0, closedByRouter: 0 },
    ],
  }
  const heldByRequest = { by: 'bob', since: NOW, until: NOW + 60_000 }
  const listener = sampleListener('primary', 'primary', { pg1: '', pg2: 'is a replica' }, { traffic, heldByRequest })
  const text = words(sampleStatus({ view, proxy: sampleProxy({ listeners: [{ ...listener, sessions: 3 }] }) }))
  assert.match(text, /pg4 DRAIN by alice, 12m00s left/)
  assert.match(text, /pg1 HELD BY REQUEST for 0\.0s held by bob since /)
  assert.match(text, /Override pg4: drained by alice since [^;]+; to end it: patroni-router member ready pg4/)
  assert.match(text, /Override listener primary: held by bob since [^;]+; to end it: patroni-router release primary/)
  assert.match(
    text,
    /primary primary on \[::\]:5000 HELD BY REQUEST by bob, 1m00s left 3 8 12,345 0 0\/s 0\/s 5\.0 GB 0 B/,
  )
  assert.match(text, /pg1 UP 1m00s 3 8 12,345 0\/s 0\/s 5\.0 GB 0 B 2 7/)
  assert.match(text, /not used: pg2 is a replica/)
})

test('counts a drained primary as not open, and shows that it is unreachable before that it is drained', () => {
  const override = { state: 'drain', by: 'alice', since: NOW, until: null } as const
  const view = sampleView({ primary: { ...VIEW.primary, override } })
  assert.match(page(sampleStatus({ view, proxy: sampleProxy() })), /<title>pg1 DRAIN - demo<\/title>/)
  const drained = words(sampleStatus({ view, proxy: sampleProxy() }))
  assert.match(drained, /pg1 DRAIN for 0\.0s drained by alice since [^:]+:\d\d:\d\dZ: new connections are held/)
  const both = sampleStatus({ view: VIEW, proxy: sampleProxy() }, { view, proxy: sampleProxy() })
  assert.match(page(both), /<title>NOT OPEN: 1 of 2 clusters - lb1<\/title>/)
  const gone = sampleView({ primary: { ...VIEW.primary, override, state: 'unreachable', reason: 'no answer' } })
  assert.match(page(sampleStatus({ view: gone, proxy: sampleProxy() })), /<title>pg1 UNREACHABLE - demo<\/title>/)
})

test('sizes are in units of 1024', () => {
  assert.deepEqual([0, 1, 1023, 1024, 1536, 150 * 1024, 1024 ** 2 * 1023, 1024 ** 5 * 5000].map(sizeText), [
    '0 B',
    '1 B',
    '1023 B',
    '1.0 kB',
    '1.5 kB',
    '150 kB',
    '1023 MB',
    '5000 PB',
  ])
})
