import type { Address, ClusterView, MemberView, PrimaryView } from '../../../../src/watcher/view.ts'

/** A view in which nobody is open. */
export function closedView(epoch: number, changes: Partial<Omit<PrimaryView, 'place'>> = {}): ClusterView {
  return view([], { state: 'none', member: null, address: null, epoch, reason: 'no leader key', ...changes })
}

/** A view in which `member` is open. */
export function openView(member: string, address: Address, epoch: number): ClusterView {
  return view([], { state: 'open', member, address, epoch, reason: 'proved', basis: `basis of ${member} ${epoch}` })
}

/** A view with replicas and without a primary; what is given of a member besides its address is changed. */
export function replicaView(
  members: Readonly<Record<string, Address | { down: boolean }>>,
  changes: Readonly<Record<string, Partial<MemberView>>> = {},
): ClusterView {
  const views = Object.entries(members).map(([name, what]) => ({
    ...('down' in what
      ? member(name, null, { fit: false, checked: true, down: what.down, reason: 'unfit' })
      : member(name, what)),
    ...changes[name],
  }))
  return view(views, { state: 'none', member: null, address: null, epoch: 1, reason: 'none' })
}

/** `others`, with a leader that is open. */
export function withPrimary(others: ClusterView, name: string, address: Address, epoch: number): ClusterView {
  const { primary } = openView(name, address, epoch)
  const leader = {
    ...member(name, address, { fit: false, checked: true, down: false, reason: 'the leader' }),
    isLeader: true,
  }
  const replicas = others.members.filter((each) => each.name !== name)
  return { ...others, leader: name, members: [leader, ...replicas], primary }
}

function member(
  name: string,
  address: Address | null,
  replica: MemberView['replica'] = { fit: true, checked: true, down: false, reason: '' },
): MemberView {
  return {
    ...{
      name,
      host: address?.host ?? null,
      port: address?.port ?? 5432,
      proxy: null,
      restUrl: null,
      address,
      place: address,
    },
    ...{ role: 'replica', state: 'running', timeline: 1, position: 1, replicationState: null, version: null },
    ...{ tags: {}, pendingRestart: false, gone: false, isLeader: false, isSync: false, lagBytes: null, replica },
  }
}

function view(
  members: readonly MemberView[],
  primary: Omit<PrimaryView, 'since' | 'basis' | 'silences' | 'place'> & Partial<PrimaryView>,
): ClusterView {
  return {
    ...{ name: 'demo', scope: 'demo', namespace: 'service', citusGroup: null },
    ...{ leader: primary.member, members, ignoredKeys: [] },
    dcs: {
      kind: 'etcd3',
      leaderFrom: 'lock',
      absence: 'the DCS has no cluster below /service/demo/',
      state: 'up',
      endpoint: null,
      readAt: null,
      since: 0,
      error: null,
      errors: [],
      notices: [],
    },
    primary: { since: 0, basis: '', silences: 0, place: primary.address, ...primary },
    ...{ systemId: null, paused: false, standbyCluster: false },
    ...{ quorum: false, ttlMs: null, switchover: null, setBack: null },
  }
}
