/** The status of a router in which every family has samples. Pure. */
import { HTTP_REFUSALS } from '../../../../src/admin/http/status.ts'
import type { RouterStatus } from '../../../../src/admin/status.ts'
import { ENDINGS, REFUSALS } from '../../../../src/proxy/counters.ts'
import { NO_TRAFFIC } from '../../../../src/proxy/traffic.ts'
import type { WatcherCounts } from '../../../../src/watcher/counts.ts'
import { NOW, noted, sampleListener, sampleMember, sampleProxy, sampleStatus, sampleView } from '../sample.ts'

/** What must not get into a label, wherever it is: texts of errors, addresses, commands' output. */
export const PRIVATE = 'private 10.20.30.40'

const COUNTS: WatcherCounts = {
  ...{ primaryChanges: 3, dcsErrors: 5, checkDurations: { bounds: [1, 2.5], counts: [4, 2, 1], sum: 1234.5 } },
  members: [
    {
      ...{ member: 'pg1', passed: 6, failed: 1 },
      last: { at: NOW, tookMs: 2.5, outcome: 'no', httpStatus: 503, reason: PRIVATE },
    },
    { member: 'pg2', passed: 0, failed: 0, last: null },
  ],
}

const PRIMARY = sampleListener(
  'primary',
  'primary',
  { pg1: '', pg2: PRIVATE },
  {
    ...{ held: 2, maxConnections: 500, fault: { kind: 'closing', reason: PRIVATE }, address: PRIVATE },
    counts: {
      ...{ accepted: 100, failedDials: 4, gaveUp: 3 },
      ...{ refusals: noted(REFUSALS, { 'hold-timeout': 7, silent: 2 }), endings: noted(ENDINGS, { fence: 11 }) },
    },
    traffic: {
      ...NO_TRAFFIC,
      ...{ totalSessions: 90, hold: { bounds: [1, 500], counts: [3, 1, 1], sum: 61_500 } },
      connect: { bounds: [0.5], counts: [80, 9], sum: 250 },
      members: [
        {
          ...{ ...withoutMembers(), member: 'pg1', sessions: 12, totalSessions: 90, failedDials: 4 },
          ...{ bytesIn: 2 ** 50, bytesOut: 4096, closedByRouter: 11 },
        },
      ],
    },
  },
)

function withoutMembers(): Omit<typeof NO_TRAFFIC, 'members' | 'maxHeld' | 'hold' | 'connect'> {
  const own = Object.entries(NO_TRAFFIC).filter(([key]) => !['members', 'maxHeld', 'hold', 'connect'].includes(key))
  return Object.fromEntries(own) as Omit<typeof NO_TRAFFIC, 'members' | 'maxHeld' | 'hold' | 'connect'>
}

const VIEW = sampleView({
  members: [
    sampleMember('pg1', { isLeader: true, role: 'primary' }),
    sampleMember('pg2', {
      ...{ lagBytes: 1024, timeline: 4, host: PRIVATE },
      override: { state: 'drain', by: PRIVATE, since: NOW - 3_600_000, until: null },
    }),
    sampleMember('pg3', {
      gone: true,
      timeline: null,
      replica: { fit: false, checked: true, down: true, reason: PRIVATE },
    }),
  ],
  ...{ paused: true, setBack: { timeline: 3, served: 4 } },
})

const RESULT = { ok: false, outcome: PRIVATE, exitCode: 1, startedAt: NOW, durationMs: 5, output: PRIVATE }

/** Returns it; `name`: of its cluster. */
export function richStatus(name = 'demo'): RouterStatus {
  const status = sampleStatus({
    ...{ view: { ...VIEW, name }, counts: COUNTS, faults: [{ part: 'proxy', message: PRIVATE, since: NOW }] },
    proxy: sampleProxy({
      listeners: [PRIMARY, sampleListener('replicas', 'replica', {}, { heldByRequest: heldByRequest() })],
      held: { connections: 2, oldestMs: 1500 },
    }),
  })
  return {
    ...status,
    ...{
      log: { dropped: 8 },
      maxConnections: 1000,
      eventLoopDelay: { medianMs: 0.25, p99Ms: 3, maxMs: 17.5, idlePercent: 92 },
    },
    http: {
      ...{ addresses: ['127.0.0.1:7000'], isTls: false, fault: PRIVATE, connections: 3, readers: 1 },
      refusals: noted(HTTP_REFUSALS, { host: 1 }),
    },
    configuration: {
      ...{ file: PRIVATE, loadedAt: NOW - 9000, reloads: 2, refusals: 1, differsSince: NOW - 5000 },
      ...{ problems: [PRIVATE], lastReload: null },
    },
    templates: {
      groups: [
        {
          ...{ name: 'lb', clusters: [name], state: 'failed', since: NOW, reason: PRIVATE, retryAt: null },
          templates: [
            {
              ...{ source: '/a.hbs', destination: '/etc/a.cfg', renders: 9, writtenAt: NOW, error: PRIVATE },
              ...{ checks: 5, checkFailures: 2, check: RESULT, leftOut: [] },
            },
          ],
          reload: { pending: true, runs: 4, failures: 1, last: RESULT },
        },
      ],
      hooks: [
        {
          ...{ name: 'notify', cluster: name, state: 'open', member: 'pg1', running: false },
          ...{ runs: 3, failures: 3, last: RESULT },
        },
      ],
      keys: [{ cluster: name, root: '/app', state: 'lost', count: 2, readAt: NOW, error: PRIVATE }],
    },
    track: [
      {
        ...{ path: '/run/track', cluster: name, when: 'primary', member: null, holds: true },
        ...{ reason: PRIVATE, since: NOW, error: PRIVATE },
      },
    ],
  }
}

function heldByRequest(): { readonly by: string; readonly since: number; readonly until: number } {
  return { by: PRIVATE, since: NOW, until: NOW + 1000 }
}
