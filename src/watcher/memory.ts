/** What is known of the members, also of those whose keys have gone: a lost key is not an unknown address (edge 7). Pure. */
import type { Cluster } from './cluster.ts'
import type { DcsFacts } from './machine.ts'
import type { Member } from './member.ts'
import type { Address } from './view.ts'

export interface Known {
  readonly member: Member
  /** When its key left the DCS; null while it is there. Milliseconds since the epoch. */
  readonly goneSince: number | null
}

export type Memory = ReadonlyMap<string, Known>

/** How long a member without a key is remembered, unless it is still needed. Longer than any sensible ttl. */
const REMEMBER_MS = 10 * 60_000

/** The members of `cluster`, and those that were there before; `needed` is never forgotten. */
export function remember(before: Memory, cluster: Cluster, needed: string | null, now: number): Memory {
  const present = new Map<string, Known>(cluster.members.map((member) => [member.name, { member, goneSince: null }]))
  for (const [name, known] of before) {
    if (present.has(name)) continue
    const goneSince = known.goneSince ?? now
    if (name === needed || now - goneSince < REMEMBER_MS) present.set(name, { member: known.member, goneSince })
  }
  return present
}

/** The part of a snapshot that the primary's state machine decides by. */
export function factsOf(cluster: Cluster, memory: Memory): DcsFacts {
  const { leader, systemId, standbyCluster, paused, failover } = cluster
  const members = [...memory].map(([name, { member }]) => {
    const { host, port, restUrl, timeline } = member
    return [name, { address: host === null ? null : `${host}:${port} ${restUrl ?? '-'}`, timeline }] as const
  })
  return { leader, systemId, standbyCluster, paused, failover, members: new Map(members) }
}

/** Where a member's Postgres is; null where that is not known. */
export function addressOf(memory: Memory, name: string): Address | null {
  const { host = null, port = 0 } = memory.get(name)?.member ?? {}
  return host === null ? null : { host, port }
}
