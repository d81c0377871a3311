/**
 * Makes one cluster of what several members report, which may disagree: `/cluster` has no order (docs/patroni.md, edge
 * 18). Pure.
 */
import type { Cluster } from '../../cluster.ts'
import type { Member } from '../../members/member.ts'
import { MAX_MEMBERS, type Topology } from './topology.ts'

/** The report of one source. */
export interface Account {
  readonly topology: Topology
  /** Of two, the one with the greater number was requested later. */
  readonly order: number
}

/**
 * Merges these accounts, of which there is at least one, into one cluster. `before` is the result of the last time.
 *
 * - The claimed leader is the one that most accounts name; of as many, the one that was before, or the one that the
 *   latest account names. The latest account that names it also decides whether there is a pause, what is scheduled, the
 *   synchronous set, and the members' states.
 * - A member is there as long as any account names it. Its addresses are those in most accounts, of as many the ones
 *   that it had before: an address that goes to and fro would end its sessions each time.
 * - It is a standby cluster when all accounts that name a leader say so, because that closes the primary's route, while
 *   a primary is opened by its own proof only. Without a leader it stays as it was.
 */
export function mergeAccounts(before: Cluster | null, accounts: readonly Account[]): Omit<Cluster, 'systemId'> {
  const latestFirst = accounts.toSorted((a, b) => b.order - a.order).map(({ topology }) => topology)
  const claimed = mostOf(
    latestFirst.map(({ leader }) => leader),
    before?.claimed,
  )
  const base = latestFirst.find(({ leader }) => leader === claimed)
  const ordered = latestFirst.toSorted((a, b) => Number(b === base) - Number(a === base))
  const standby = ordered.map(({ standbyCluster }) => standbyCluster).filter((one) => one !== null)
  const ignoredKeys = new Map(
    ordered.flatMap((topology) => topology.ignoredKeys).map((ignored) => [ignored.key, ignored]),
  )
  return {
    leader: null,
    hasLock: false,
    claimed: claimed ?? null,
    members: mergeMembers(before, ordered),
    ignoredKeys: [...ignoredKeys.values()].slice(0, MAX_MEMBERS).toSorted((a, b) => (a.key < b.key ? -1 : 1)),
    ttlMs: null,
    paused: base?.paused ?? false,
    standbyCluster: standby.length === 0 ? (before?.standbyCluster ?? false) : standby.every(Boolean),
    // Only a scheduled one counts: where there is no lock it changes what is shown, and nothing else.
    failover: base?.switchover ?? null,
    optime: null,
    syncStandbys: base?.syncStandbys ?? [],
    quorum: base?.quorum ?? false,
  }
}

function mergeMembers(before: Cluster | null, topologies: readonly Topology[]): readonly Member[] {
  const records = new Map<string, Member[]>()
  for (const member of topologies.flatMap(({ members }) => members)) {
    records.set(member.name, [...(records.get(member.name) ?? []), member])
  }
  const old = new Map(before?.members.map((member) => [member.name, addressOf(member)]))
  const named = [...records].toSorted(([, a], [, b]) => b.length - a.length).slice(0, MAX_MEMBERS)
  const members = named.flatMap(([name, told]) => {
    const address = mostOf(told.map(addressOf), old.get(name))
    return told.find((member) => addressOf(member) === address) ?? []
  })
  return members.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function addressOf({ host, port, restUrl }: Member): string {
  return JSON.stringify([host, port, restUrl])
}

/** Returns what occurs most often; of several the `preferred`, or the first. */
function mostOf<T>(values: readonly T[], preferred: T | undefined): T | undefined {
  const counts = new Map<T, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  const most = Math.max(...counts.values())
  const best = [...counts].flatMap(([value, count]) => (count === most ? [value] : []))
  return preferred !== undefined && best.includes(preferred) ? preferred : best[0]
}
