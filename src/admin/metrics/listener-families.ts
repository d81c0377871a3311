/** The native families about listeners: connections, sessions, and what they carried. */
import type { ListenerFault, ListenerStatus } from '../../proxy/status.ts'
import type { MemberTraffic } from '../../proxy/traffic.ts'
import type { ClusterStatus } from '../status.ts'
import { type Family, ofHistogram, one, type Sample, seconds } from './family.ts'

type Labels = Sample['labels']

/** Makes samples for each cluster that has listeners. */
function eachProxy(
  of: (proxy: NonNullable<ClusterStatus['proxy']>, labels: Labels) => Iterable<Sample>,
): Family['samples'] {
  return function* ({ status }) {
    for (const { view, proxy } of status.clusters) if (proxy !== null) yield* of(proxy, { cluster: view.name })
  }
}

/** Makes samples for each listener. */
function each(of: (listener: ListenerStatus, labels: Labels) => Iterable<Sample>): Family['samples'] {
  return eachProxy(function* ({ listeners }, labels) {
    for (const listener of listeners) yield* of(listener, { ...labels, listener: listener.name })
  })
}

/** Makes one sample for each member that a listener has had sessions on. */
function eachMember(of: (traffic: MemberTraffic) => number): Family['samples'] {
  return each(function* ({ traffic }, labels) {
    for (const member of traffic.members) yield* one(of(member), { ...labels, member: member.member })
  })
}

const LISTENER = ['cluster', 'listener'] as const
const MEMBER = ['cluster', 'listener', 'member'] as const

const EVERY_FAULT: Readonly<Record<ListenerFault['kind'], null>> = {
  ...{ fence: null, open: null, view: null, closing: null, listen: null },
}
const FAULTS = Object.keys(EVERY_FAULT)

const CONNECTIONS: readonly Family[] = [
  {
    name: 'patroni_router_connections_total',
    help: 'Connections of clients. accepted: all. served: of these, sessions on members. refused: of these, refused ones. gave_up: of these, clients that left before a server had answered.',
    ...{ type: 'counter', labels: [...LISTENER, 'result'] },
    samples: each(function* ({ counts, traffic }, labels) {
      yield* one(counts.accepted, { ...labels, result: 'accepted' })
      yield* one(traffic.totalSessions, { ...labels, result: 'served' })
      const refused = Object.values(counts.refusals).reduce((sum, count) => sum + count, 0)
      yield* one(refused, { ...labels, result: 'refused' })
      yield* one(counts.gaveUp, { ...labels, result: 'gave_up' })
    }),
  },
  {
    name: 'patroni_router_refused_connections_total',
    help: 'Refused connections by reason.',
    ...{ type: 'counter', labels: [...LISTENER, 'reason'] },
    samples: each(function* ({ counts }, labels) {
      for (const [reason, count] of Object.entries(counts.refusals)) yield* one(count, { ...labels, reason })
    }),
  },
  {
    name: 'patroni_router_closed_sessions_total',
    help: 'Sessions that the router has closed, by reason.',
    ...{ type: 'counter', labels: [...LISTENER, 'reason'] },
    samples: each(function* ({ counts }, labels) {
      for (const [reason, count] of Object.entries(counts.endings)) yield* one(count, { ...labels, reason })
    }),
  },
  {
    name: 'patroni_router_held_connections',
    help: 'Connections that are held now.',
    ...{ type: 'gauge', labels: LISTENER },
    samples: each(({ held }, labels) => one(held, labels)),
  },
  {
    name: 'patroni_router_oldest_held_seconds',
    help: 'How long the oldest held connection has been held. 0: none is held.',
    ...{ type: 'gauge', labels: ['cluster'] },
    samples: eachProxy(({ held }, labels) => one(seconds(held.oldestMs ?? 0), labels)),
  },
  {
    name: 'patroni_router_hold_seconds',
    help: 'How long clients were held before they were connected.',
    ...{ type: 'histogram', labels: LISTENER },
    samples: each(({ traffic }, labels) => ofHistogram(traffic.hold, labels)),
  },
  {
    name: 'patroni_router_connect_seconds',
    help: 'How long connects to members took.',
    ...{ type: 'histogram', labels: LISTENER },
    samples: each(({ traffic }, labels) => ofHistogram(traffic.connect, labels)),
  },
  {
    name: 'patroni_router_listener_max_connections',
    help: "Limit of the listener's own. 0: none.",
    ...{ type: 'gauge', labels: LISTENER },
    samples: each(({ maxConnections }, labels) => one(maxConnections, labels)),
  },
  {
    name: 'patroni_router_listener_held_by_request',
    help: '1: it holds new connections by request.',
    ...{ type: 'gauge', labels: LISTENER },
    samples: each(({ heldByRequest }, labels) => one(Number(heldByRequest !== null), labels)),
  },
  {
    name: 'patroni_router_listener_fallback',
    help: '1: new connections go to the primary because no member of the route is usable.',
    ...{ type: 'gauge', labels: LISTENER },
    samples: each(({ fallback }, labels) => one(Number(fallback), labels)),
  },
  {
    name: 'patroni_router_listener_fault',
    help: '1: the listener has a fault of this kind, which is one of the router itself.',
    ...{ type: 'gauge', labels: [...LISTENER, 'kind'] },
    samples: each(function* ({ fault }, labels) {
      for (const kind of FAULTS) yield* one(Number(fault?.kind === kind), { ...labels, kind })
    }),
  },
]

const MEMBERS: readonly Family[] = [
  {
    name: 'patroni_router_member_usable',
    help: '1: new sessions of the listener go to the member.',
    ...{ type: 'gauge', labels: MEMBER },
    samples: each(function* ({ members }, labels) {
      for (const { member, fit } of members) yield* one(Number(fit), { ...labels, member })
    }),
  },
  {
    name: 'patroni_router_sessions',
    help: 'Open sessions.',
    ...{ type: 'gauge', labels: MEMBER },
    samples: eachMember(({ sessions }) => sessions),
  },
  {
    name: 'patroni_router_sessions_total',
    help: 'Sessions so far.',
    ...{ type: 'counter', labels: MEMBER },
    samples: eachMember(({ totalSessions }) => totalSessions),
  },
  {
    name: 'patroni_router_failed_connects_total',
    help: 'Failed connects to members.',
    ...{ type: 'counter', labels: MEMBER },
    samples: eachMember(({ failedDials }) => failedDials),
  },
  {
    name: 'patroni_router_bytes_total',
    help: 'Bytes of sessions. in: from clients. out: to clients.',
    ...{ type: 'counter', labels: [...MEMBER, 'direction'] },
    samples: each(function* ({ traffic }, labels) {
      for (const { member, bytesIn, bytesOut } of traffic.members) {
        yield* one(bytesIn, { ...labels, member, direction: 'in' })
        yield* one(bytesOut, { ...labels, member, direction: 'out' })
      }
    }),
  },
]

export const LISTENER_FAMILIES: readonly Family[] = [...CONNECTIONS, ...MEMBERS]
