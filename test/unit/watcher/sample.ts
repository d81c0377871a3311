import type { Cluster } from '../../../src/watcher/cluster.ts'
import { type Fitness, UNKNOWN_FITNESS } from '../../../src/watcher/members/fitness.ts'
import type { Member } from '../../../src/watcher/members/member.ts'
import type { KnownMember } from '../../../src/watcher/members/known-members.ts'
import type { ClusterView, MemberView } from '../../../src/watcher/view.ts'

export function member(name: string, changes: Partial<Member> = {}): Member {
  return {
    name,
    host: `${name}.example.com`,
    port: 5432,
    proxy: null,
    restUrl: `http://${name}.example.com:8008`,
    role: 'replica',
    state: 'running',
    timeline: 1,
    position: 1,
    replicationState: 'streaming',
    version: '4.1.4',
    tags: {},
    pendingRestart: false,
    ...changes,
  }
}

export function cluster(changes: Partial<Cluster> = {}): Cluster {
  return {
    leader: { name: 'pg0', session: '1' },
    hasLock: true,
    claimed: null,
    members: [member('pg0'), member('pg1')],
    ignoredKeys: [],
    systemId: '1',
    ttlMs: 30_000,
    paused: false,
    standbyCluster: false,
    failover: null,
    optime: 1,
    syncStandbys: [],
    quorum: false,
    ...changes,
  }
}

export const FIT: Fitness = { ...UNKNOWN_FITNESS, rest: 'fit', passes: 1, reason: '' }

export function memberView(name: string, fit: boolean, changes: Partial<MemberView> = {}): MemberView {
  const known = member(name)
  return {
    ...known,
    gone: false,
    address: known.host === null ? null : { host: known.host, port: known.port },
    place: known.host === null ? null : { host: '10.0.0.1', port: known.port },
    isLeader: name === 'pg0',
    isSync: false,
    lagBytes: null,
    replica: { fit, checked: true, down: false, reason: fit ? '' : 'unfit' },
    ...changes,
  }
}

export function view(changes: Partial<ClusterView> = {}): ClusterView {
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
      endpoint: 'a:2379',
      readAt: 1,
      since: 1,
      error: null,
      errors: [],
      notices: [],
    },
    leader: 'pg0',
    primary: {
      state: 'open',
      member: 'pg0',
      address: null,
      place: null,
      reason: 'proved',
      since: 1,
      epoch: 1,
      silences: 0,
      basis: '',
    },
    members: [memberView('pg0', false), memberView('pg1', true)],
    ignoredKeys: [],
    systemId: '1',
    paused: false,
    standbyCluster: false,
    ...{ quorum: false, ttlMs: 30_000, switchover: null, setBack: null },
    ...changes,
  }
}

/** Members whose keys are in the DCS. */
export function present(...members: readonly Member[]): readonly KnownMember[] {
  return members.map((one) => ({ member: one, goneSince: null }))
}
