import type { Address, ClusterView, MemberView, PrimaryView } from '../../../../src/watcher/view.ts'

/** A view in which nobody is open. */
export function closedView(epoch: number, changes: Partial<PrimaryView> = {}): ClusterView {
  return view([], { state: 'none', member: null, address: null, epoch, reason: 'no leader key', ...changes })
}

/** A view in which `member` is open. */
export function openView(member: string, address: Address, epoch: number): ClusterView {
  return view([], { state: 'open', member, address, epoch, reason: 'proved', basis: `basis of ${member} ${epoch}` })
}

/** A view with replicas and without a primary. */
export function replicaView(members: Readonly<Record<string, Address | { down: boolean }>>): ClusterView {
  const views = Object.entries(members).map(([name, what]) =>
    'down' in what ? member(name, null, { fit: false, down: what.down, reason: 'unfit' }) : member(name, what),
  )
  return view(views, { state: 'none', member: null, address: null, epoch: 1, reason: 'none' })
}

function member(
  name: string,
  address: Address | null,
  replica: MemberView['replica'] = { fit: true, down: false, reason: '' },
): MemberView {
  return {
    ...{ name, host: address?.host ?? null, port: address?.port ?? 5432, restUrl: null },
    ...{ role: 'replica', state: 'running', timeline: 1, position: 1, replicationState: null, version: null },
    ...{ tags: {}, pendingRestart: false, gone: false, replica },
  }
}

function view(
  members: readonly MemberView[],
  primary: Omit<PrimaryView, 'since' | 'basis'> & { basis?: string },
): ClusterView {
  return {
    ...{ scope: 'demo', namespace: 'service', citusGroup: null, leader: primary.member, members, setAside: [] },
    dcs: { kind: 'etcd3', state: 'up', endpoint: null, readAt: null, since: 0, error: null },
    primary: { since: 0, basis: '', ...primary },
    ...{ systemId: null, paused: false, standbyCluster: false },
  }
}
