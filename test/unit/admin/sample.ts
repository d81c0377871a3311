import type { Acts } from '../../../src/admin/acts.ts'
import { statusJson } from '../../../src/admin/status/json.ts'
import { renderStatus } from '../../../src/admin/status/text.ts'
import type { ClusterStatus, RouterStatus } from '../../../src/admin/status.ts'
import { ENDINGS, REFUSALS } from '../../../src/proxy/counters.ts'
import { RouterError } from '../../../src/errors.ts'
import type { ReloadReport } from '../../../src/reload.ts'
import { type ListenerStatus, NO_COUNTS, type ProxyStatus, type SessionStatus } from '../../../src/proxy/status.ts'
import { NO_PAST, totalsOf } from '../../../src/router/totals.ts'
import { NO_TRAFFIC } from '../../../src/proxy/traffic.ts'
import { NO_WATCHER_COUNTS } from '../../../src/watcher/counts.ts'
import type { ClusterView, MemberView } from '../../../src/watcher/view.ts'

/** 2026-11-20 03:14:54Z. */
export const NOW = Date.UTC(2026, 10, 20, 3, 14, 54)

export function sampleMember(name: string, changes: Partial<MemberView> = {}): MemberView {
  return {
    name,
    host: '10.0.0.1',
    port: 5432,
    proxy: null,
    restUrl: 'http://10.0.0.1:8008',
    role: 'replica',
    state: 'running',
    timeline: 3,
    position: 67_395_656,
    replicationState: null,
    version: '3.0.2',
    tags: {},
    pendingRestart: false,
    gone: false,
    address: { host: '10.0.0.1', port: 5432 },
    place: changes.address === undefined ? { host: '10.0.0.1', port: 5432 } : changes.address,
    isLeader: false,
    isSync: false,
    lagBytes: null,
    replica: { fit: true, checked: true, down: false, reason: '' },
    ...changes,
  }
}

/** `members`: why each is not used; empty where it is. */
export function sampleListener(
  name: string,
  route: ListenerStatus['route'],
  members: Readonly<Record<string, string>>,
  changes: Partial<ListenerStatus> = {},
): ListenerStatus {
  const each = Object.entries(members).map(([member, reason]) => ({
    ...{ member, fit: reason === '', reason },
    ...{ since: NOW - 60_000, downs: 0, downMs: 0 },
  }))
  return {
    name,
    route,
    address: '[::]:5000',
    sessions: 0,
    held: 0,
    members: each,
    downs: 0,
    fallback: false,
    fault: null,
    ...{ traffic: NO_TRAFFIC, counts: NO_COUNTS, maxConnections: 0, heldByRequest: null },
    ...changes,
  }
}

export function sampleView(changes: Partial<ClusterView> = {}): ClusterView {
  const leader = { fit: false, checked: true, down: false, reason: 'the leader', cause: 'leads' } as const
  return {
    name: 'demo',
    scope: 'demo',
    namespace: 'service',
    citusGroup: null,
    dcs: {
      kind: 'etcd3',
      leaderFrom: 'lock',
      absence: 'the DCS has no cluster below /service/demo/',
      state: 'up',
      endpoint: '10.0.0.1:2379',
      readAt: NOW - 400,
      since: NOW - 90_000_000,
      error: null,
      errors: [],
      notices: [],
    },
    leader: 'pg1',
    primary: {
      state: 'open',
      member: 'pg1',
      address: { host: '10.0.0.1', port: 5432 },
      place: { host: '10.0.0.1', port: 5432 },
      reason: 'it holds the leader lock and /primary confirms it',
      since: NOW - 130_000,
      epoch: 7,
      silences: 0,
      basis: '',
    },
    members: [
      sampleMember('pg1', { role: 'master', replica: leader }),
      sampleMember('pg2', { host: '10.0.0.2', replicationState: 'streaming', position: 67_395_656 - 5 * 1024 ** 2 }),
      sampleMember('pg3', {
        host: '10.0.0.3',
        position: null,
        replica: { fit: false, checked: true, down: false, reason: 'its REST API does not answer' },
      }),
    ],
    ignoredKeys: [],
    systemId: '7268616322854375442',
    paused: false,
    standbyCluster: false,
    ...{ quorum: false, ttlMs: 30_000, switchover: null, setBack: null },
    ...changes,
  }
}

export function sampleProxy(changes: Partial<ProxyStatus> = {}): ProxyStatus {
  return {
    listeners: [
      sampleListener('primary', 'primary', { pg1: '', pg2: 'is a replica', pg3: 'is a replica' }, { sessions: 12 }),
      sampleListener(
        ...(['replicas', 'replica', { pg1: 'is the leader', pg2: '', pg3: 'its REST API does not answer' }] as const),
        {
          address: '[::]:5001',
          sessions: 4,
        },
      ),
    ],
    sessions: [
      { member: 'pg1', listener: 'primary', sessions: 12 },
      { member: 'pg2', listener: 'replicas', sessions: 4 },
    ],
    maxConnections: 0,
    held: { connections: 0, oldestMs: null },
    totals: {
      accepted: 1234,
      refused: 0,
      fenced: 3,
      failedDials: 1,
      gaveUp: 0,
      sessions: 1230,
      bytesIn: 52_000,
      bytesOut: 9_100_000,
    },
    refusals: noted(REFUSALS),
    endings: noted(ENDINGS),
    ...changes,
  }
}

/** Every reason, with how often it has occurred. */
export function noted<K extends string>(
  reasons: readonly K[],
  counts: Partial<Record<K, number>> = {},
): Readonly<Record<K, number>> {
  return Object.fromEntries(reasons.map((reason) => [reason, counts[reason] ?? 0])) as Record<K, number>
}

export function sampleStatus(
  ...clusters: (Pick<ClusterStatus, 'view' | 'proxy'> & Partial<Pick<ClusterStatus, 'faults' | 'counts'>>)[]
): RouterStatus {
  const all = clusters.length > 0 ? clusters : [{ view: sampleView(), proxy: sampleProxy() }]
  return {
    ...{ version: '0.1.0', nodeVersion: 'v24.0.0', eventLoopDelay: null, lookups: { failed: 0 } },
    pid: 4711,
    node: 'lb1',
    startedAt: NOW - 100_000_000,
    now: NOW,
    stopping: false,
    maxConnections: 0,
    totals: totalsOf(
      all.flatMap(({ proxy }) => proxy ?? []),
      NO_PAST,
    ),
    log: { dropped: 0 },
    clusters: all.map((cluster) => ({ faults: [], counts: NO_WATCHER_COUNTS, ...cluster, localMember: null })),
    templates: null,
    track: [],
    configuration: null,
    http: null,
  }
}

/** What came of a reload. */
export function sampleReload(changes: Partial<ReloadReport> = {}): ReloadReport {
  return {
    ...{ outcome: 'applied', refusedBy: null, file: '/etc/patroni-router/config.yml', problems: [], warnings: [] },
    changes: ['proxy.check.interval: 1s -> 2s'],
    ...{ endingSessions: 0, tookMs: 240 },
    ...changes,
  }
}

/** The text of `status`, from what the router knows of itself. */
export function rendered(status: RouterStatus, width?: number): string {
  return renderStatus(statusJson(status), width)
}

/** Acts that note what they are asked for, as JSON; `refusal`: and refuse it. */
export function sampleActs(noted: string[] = [], refusal: string | null = null): Acts {
  const act = (...asked: readonly unknown[]): Promise<string> => {
    noted.push(JSON.stringify(asked))
    if (refusal === null) return Promise.resolve('done')
    return Promise.reject(new RouterError('ACT_REFUSED', refusal))
  }
  const session: SessionStatus = {
    ...({ id: '0x1f', cluster: 'demo', listener: 'replicas', route: 'replica', member: 'pg2' } as const),
    ...{ server: '10.0.0.2:5432', client: '10.0.0.9:40000', since: NOW - 60_000, bytesIn: 1024, bytesOut: 4_000_000 },
  }
  return {
    setMember: (...asked) => act('setMember', ...asked),
    hold: (...asked) => act('hold', ...asked),
    release: (...asked) => act('release', ...asked),
    sessions: (...asked) => act('sessions', ...asked).then(() => ({ sessions: [session], total: 3 })),
    closeSessions: (...asked) => act('closeSessions', ...asked).then(() => 2),
    limitListener: (...asked) => act('limitListener', ...asked),
  }
}
