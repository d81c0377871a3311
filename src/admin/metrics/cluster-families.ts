/** The native families about clusters: their primary, their DCS, their members. */
import { PRIMARY_STATES } from '../../config/config.ts'
import { isForPrimary } from '../../proxy/status.ts'
import { type ClusterView, isServing, type MemberView, takesNew } from '../../watcher/view.ts'
import type { ClusterStatus, RouterStatus } from '../status.ts'
import { aheadOf, lagBehind } from '../status/member-json.ts'
import { type Family, ofHistogram, one, oneOf, type Sample, seconds } from './family.ts'

type Labels = Sample['labels']

/** Makes samples for each cluster. */
function each(
  of: (cluster: ClusterStatus, labels: Labels, status: RouterStatus) => Iterable<Sample>,
): Family['samples'] {
  return function* ({ status }) {
    for (const cluster of status.clusters) yield* of(cluster, { cluster: cluster.view.name }, status)
  }
}

/** Makes one sample for each member; none where the value is not known. */
function eachMember(of: (member: MemberView, view: ClusterView) => number | null): Family['samples'] {
  return each(function* ({ view }, labels) {
    for (const member of view.members) yield* one(of(member, view), { ...labels, member: member.name })
  })
}

const CLUSTER = ['cluster'] as const
const MEMBER = ['cluster', 'member'] as const
const OVERRIDES = ['drain', 'maint'] as const

const PRIMARY: readonly Family[] = [
  {
    name: 'patroni_router_primary_state',
    help: 'State of the primary: 1 for the present one, 0 for all others.',
    ...{ type: 'gauge', labels: ['cluster', 'state'] },
    samples: each(({ view: { primary } }, labels) => oneOf(PRIMARY_STATES, primary.state, labels)),
  },
  {
    name: 'patroni_router_primary_state_seconds',
    help: 'For how long the primary has been in its state.',
    ...{ type: 'gauge', labels: CLUSTER },
    samples: each(({ view }, labels, { now }) => one(seconds(Math.max(0, now - view.primary.since)), labels)),
  },
  {
    name: 'patroni_router_primary_info',
    help: 'Always 1, with the member that the state of the primary is about.',
    ...{ type: 'gauge', labels: MEMBER },
    samples: each(({ view: { primary } }, labels) =>
      primary.member === null ? [] : one(1, { ...labels, member: primary.member }),
    ),
  },
  {
    name: 'patroni_router_primary_accepts_connections',
    help: '1: new connections are connected to the primary. 0: they are held, or not accepted any more.',
    ...{ type: 'gauge', labels: CLUSTER },
    samples: each((cluster, labels, { stopping }) => one(Number(!stopping && accepts(cluster)), labels)),
  },
  {
    name: 'patroni_router_primary_changes_total',
    help: 'Times another member than before became the primary and was opened.',
    ...{ type: 'counter', labels: CLUSTER },
    samples: each(({ counts }, labels) => one(counts.primaryChanges, labels)),
  },
  {
    name: 'patroni_router_epoch',
    help: 'Grows whenever the primary changes or there is none: sessions of older epochs are closed.',
    ...{ type: 'gauge', labels: CLUSTER },
    samples: each(({ view }, labels) => one(view.primary.epoch, labels)),
  },
  {
    name: 'patroni_router_cluster_paused',
    help: '1: Patroni is paused (maintenance mode).',
    ...{ type: 'gauge', labels: CLUSTER },
    samples: each(({ view }, labels) => one(Number(view.paused), labels)),
  },
  {
    name: 'patroni_router_cluster_standby',
    help: '1: it is a standby cluster, whose leader is read-only.',
    ...{ type: 'gauge', labels: CLUSTER },
    samples: each(({ view }, labels) => one(Number(view.standbyCluster), labels)),
  },
  {
    name: 'patroni_router_cluster_timeline_set_back',
    help: '1: the primary is on a lower timeline than one before it, so writes acknowledged there are gone.',
    ...{ type: 'gauge', labels: CLUSTER },
    samples: each(({ view }, labels) => one(Number(view.setBack !== null), labels)),
  },
  {
    name: 'patroni_router_part_fault',
    help: 'Always 1, for each part with a lasting error of the router itself.',
    ...{ type: 'gauge', labels: ['cluster', 'part'] },
    samples: each(function* ({ faults }, labels) {
      for (const { part } of faults) yield* one(1, { ...labels, part })
    }),
  },
]

const DCS: readonly Family[] = [
  {
    name: 'patroni_router_dcs_up',
    help: '1: the DCS is being read. 0: it cannot be read, or has not been read yet.',
    ...{ type: 'gauge', labels: CLUSTER },
    samples: each(({ view }, labels) => one(Number(view.dcs.state === 'up'), labels)),
  },
  {
    name: 'patroni_router_dcs_last_read_timestamp_seconds',
    help: 'When the DCS was last read completely, in seconds since the epoch. Missing: never.',
    ...{ type: 'gauge', labels: CLUSTER },
    samples: each(({ view: { dcs } }, labels) => one(dcs.readAt && seconds(dcs.readAt), labels)),
  },
  {
    name: 'patroni_router_dcs_age_seconds',
    help: 'How long ago the DCS was last read completely. Missing: never.',
    ...{ type: 'gauge', labels: CLUSTER },
    samples: each(({ view: { dcs } }, labels, { now }) =>
      one(dcs.readAt === null ? null : seconds(Math.max(0, now - dcs.readAt)), labels),
    ),
  },
  {
    name: 'patroni_router_dcs_errors_total',
    help: 'Failed attempts to read the DCS.',
    ...{ type: 'counter', labels: CLUSTER },
    samples: each(({ counts }, labels) => one(counts.dcsErrors, labels)),
  },
]

const MEMBERS: readonly Family[] = [
  {
    name: 'patroni_router_member_up',
    help: '1: it is the primary, or answers as a running replica.',
    ...{ type: 'gauge', labels: MEMBER },
    samples: eachMember(({ name, gone, replica }, { primary }) =>
      Number(!gone && (replica.fit || (name === primary.member && takesNew(primary.state)))),
    ),
  },
  {
    name: 'patroni_router_member_leader',
    help: '1: it is the leader in the DCS, or the member that the state of the primary is about.',
    ...{ type: 'gauge', labels: MEMBER },
    samples: eachMember(({ isLeader }) => Number(isLeader)),
  },
  {
    name: 'patroni_router_member_lag_bytes',
    help: 'WAL that it still has to replay. Missing: it is the leader, or the lag is unknown.',
    ...{ type: 'gauge', labels: MEMBER },
    samples: each(function* ({ view }, labels) {
      const ahead = aheadOf(view)
      for (const member of view.members) yield* one(lagBehind(member, ahead), { ...labels, member: member.name })
    }),
  },
  {
    name: 'patroni_router_member_timeline',
    help: 'Timeline in its member key. Missing: unknown.',
    ...{ type: 'gauge', labels: MEMBER },
    samples: eachMember(({ timeline }) => timeline),
  },
  {
    name: 'patroni_router_member_override',
    help: '1: it is drained or in maintenance by request.',
    ...{ type: 'gauge', labels: ['cluster', 'member', 'state'] },
    samples: each(function* ({ view }, labels) {
      for (const { name, override } of view.members)
        yield* oneOf(OVERRIDES, override?.state ?? null, { ...labels, member: name })
    }),
  },
  {
    name: 'patroni_router_member_override_timestamp_seconds',
    help: 'When its override was requested, in seconds since the epoch. Missing: it has none.',
    ...{ type: 'gauge', labels: ['cluster', 'member', 'state'] },
    samples: each(function* ({ view }, labels) {
      for (const { name, override } of view.members)
        if (override !== undefined)
          yield* one(seconds(override.since), { ...labels, member: name, state: override.state })
    }),
  },
  {
    name: 'patroni_router_checks_total',
    help: 'Checks of REST APIs by result: /primary of the leader, /replica of all others.',
    ...{ type: 'counter', labels: ['cluster', 'member', 'result'] },
    samples: each(function* ({ counts }, labels) {
      for (const { member, passed, failed } of counts.members) {
        yield* one(passed, { ...labels, member, result: 'passed' })
        yield* one(failed, { ...labels, member, result: 'failed' })
      }
    }),
  },
  {
    name: 'patroni_router_last_check_duration_seconds',
    help: 'How long the last check of the member took.',
    ...{ type: 'gauge', labels: MEMBER },
    samples: each(function* ({ counts }, labels) {
      for (const { member, last } of counts.members) yield* one(last && seconds(last.tookMs), { ...labels, member })
    }),
  },
  {
    name: 'patroni_router_check_duration_seconds',
    help: 'How long checks took, of all members together.',
    ...{ type: 'histogram', labels: CLUSTER },
    samples: each(({ counts }, labels) => ofHistogram(counts.checkDurations, labels)),
  },
]

export const CLUSTER_FAMILIES: readonly Family[] = [...PRIMARY, ...DCS, ...MEMBERS]

/** Returns whether new connections to the primary are connected, as far as it is the cluster's and its proxy's to say. */
function accepts({ view: { primary }, proxy }: ClusterStatus): boolean {
  if (!isServing(primary)) return false
  if (proxy === null) return true
  const [hasFence, leading] = [
    proxy.listeners.some(({ fault }) => fault?.kind === 'fence'),
    proxy.listeners.filter(({ route }) => isForPrimary(route)),
  ]
  return (
    !hasFence && (leading.length === 0 || leading.some((each) => each.fault === null && each.heldByRequest === null))
  )
}
