/** A member in the status for scripts. Pure. */
import { type Address, type ClusterView, isPrimaryRole, type MemberView } from '../../watcher/view.ts'
import type { MemberCheckCounts } from '../../watcher/counts.ts'
import type { Override } from '../../override.ts'
import type { MemberJson } from './schema-cluster.ts'

/** Returns `member` of `view` with its present lag. */
export function memberJson(member: MemberView, view: ClusterView, checks?: MemberCheckCounts): MemberJson {
  const { name, host, port, proxy, restUrl, role, state, replicationState, timeline, position, version, tags } = member
  const { pendingRestart, gone, isLeader, isSync, address, place, replica } = member
  return {
    name,
    host,
    port,
    proxyAddress: addressJson(proxy),
    restUrl,
    role,
    state,
    replicationState,
    timeline,
    positionBytes: position,
    lagBytes: lagOf(member, view),
    patroniVersion: version,
    tags: { ...tags },
    pendingRestart,
    gone,
    isLeader,
    isSync,
    checks: { passed: checks?.passed ?? 0, failed: checks?.failed ?? 0, lastMs: checks?.last?.tookMs ?? null },
    address: addressJson(address),
    resolvedAddress: addressJson(place),
    replica: {
      usable: replica.fit,
      checked: replica.checked,
      down: replica.down,
      reason: replica.cause === 'leads' ? '' : replica.reason,
    },
    override: overrideJson(member.override),
  }
}

/** Returns an override with its times for scripts; null: there is none. */
export function overrideJson(override: Override | undefined): MemberJson['override'] {
  if (override === undefined) return null
  const { state, by, since, until } = override
  return {
    state,
    by,
    since: new Date(since).toISOString(),
    until: until === null ? null : new Date(until).toISOString(),
  }
}

function addressJson(address: Address | null): Address | null {
  return address && { host: address.host, port: address.port }
}

/** Returns the lag in bytes; null for the leader, and where the lag is unknown. */
export function lagOf(member: MemberView, view: ClusterView): number | null {
  return lagBehind(member, aheadOf(view))
}

/** Returns the member whose position the others are compared with. */
export function aheadOf({ leader, primary, members }: ClusterView): MemberView | undefined {
  return members.find(({ name }) => name === (leader ?? primary.member))
}

/** Returns the lag behind `ahead`, the member that all others are compared with. */
export function lagBehind(member: MemberView, ahead: MemberView | undefined): number | null {
  // The last known lag means nothing while the member's Postgres is not running.
  if (member === ahead || member.gone || member.replica.down || member.state !== 'running') return null
  // A member that is not in recovery replays nothing, whether it holds the lock or not.
  if (isPrimaryRole(member.role)) return null
  if (member.lagBytes !== null) return member.lagBytes
  const written = ahead?.position ?? null
  return member.position === null || written === null ? null : Math.max(0, written - member.position)
}
