/** The status of a router with very many members: as large as what it shows can be, with long names. Pure. */
import type { ClusterStatus, RouterStatus } from '../../../../src/admin/status.ts'
import type { Route } from '../../../../src/config/config.ts'
import type { HistogramCounts } from '../../../../src/histogram.ts'
import { NO_COUNTS } from '../../../../src/proxy/status.ts'
import { type MemberTraffic, NO_TRAFFIC } from '../../../../src/proxy/traffic.ts'
import { NOW, sampleListener, sampleMember, sampleProxy, sampleStatus, sampleView } from '../sample.ts'

const HOLD_BOUNDS = [1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000]
const CONNECT_BOUNDS = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 5000]
const CHECK_BOUNDS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000]
const ROUTES: readonly Route[] = ['primary', 'replica', 'sync', 'any']

/** Returns a router with clusters of so many members, each of whose listeners has had sessions on every member. */
export function largeStatus(clusters: number, members: number, listeners = 2): RouterStatus {
  return sampleStatus(...Array.from({ length: clusters }, (_, place) => largeCluster(place, members, listeners)))
}

function largeCluster(place: number, members: number, listeners: number): Omit<ClusterStatus, 'localMember'> {
  const names = Array.from({ length: members }, (_, member) => `cluster-${numbered(place)}-member-${numbered(member)}`)
  const view = sampleView({
    name: `cluster-${numbered(place)}`,
    members: names.map((name, member) =>
      sampleMember(name, { isLeader: member === 0, lagBytes: member === 0 ? null : 16_777_216 + member }),
    ),
    primary: { ...sampleView().primary, member: names[0] ?? null },
  })
  return {
    view,
    faults: [],
    proxy: sampleProxy({ listeners: ROUTES.slice(0, listeners).map((route) => largeListener(route, names)) }),
    counts: {
      ...{ primaryChanges: 12, dcsErrors: 345, checkDurations: histogram(CHECK_BOUNDS) },
      members: names.map((member) => ({
        ...{ member, passed: 1_234_567, failed: 1234 },
        last: { at: NOW, tookMs: 12.345, outcome: 'passed', httpStatus: 200, reason: '' },
      })),
    },
  }
}

function largeListener(route: Route, names: readonly string[]): ReturnType<typeof sampleListener> {
  const traffic = {
    ...NO_TRAFFIC,
    totalSessions: 123_456,
    hold: histogram(HOLD_BOUNDS),
    connect: histogram(CONNECT_BOUNDS),
  }
  const used = Object.fromEntries(names.map((name) => [name, '']))
  return sampleListener(`${route}-listener`, route, used, {
    traffic: { ...traffic, members: names.map((member) => memberTraffic(member)) },
    counts: NO_COUNTS,
  })
}

const BEFORE = { sessions: 1234, maxSessions: 2345, totalSessions: 123_456_789, rate: 12, maxRate: 123 }

function memberTraffic(member: string): MemberTraffic {
  return {
    ...{ member, ...BEFORE, lastSessionAt: NOW, averageHeldMs: 1, averageConnectMs: 1, averageSessionMs: 1234 },
    ...{ bytesIn: 123_456_789_012_345, bytesOut: 987_654_321_098_765, failedDials: 12_345, closedByRouter: 123 },
  }
}

function histogram(bounds: readonly number[]): HistogramCounts {
  return { bounds, counts: Array.from({ length: bounds.length + 1 }, () => 12_345), sum: 123_456.789 }
}

function numbered(place: number): string {
  return String(place).padStart(4, '0')
}
