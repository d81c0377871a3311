/** Judges whether a member is close enough behind the leader for a route, with hysteresis. Pure. */
import type { MemberView } from '../watcher/view.ts'

/** A replica that was too far behind comes back at this part of the limit, so that one at the limit does not flap. */
const BACK_AT = 0.8

/** By member; one whose lag was never known is not in it. */
export type WithinLag = ReadonlyMap<string, boolean>

/**
 * Returns which members are within the lag now. A lag that is not known changes nothing. The leader has none, and its lag
 * before it led does not count for the replica that it becomes. `maxLagBytes` null: however far.
 */
export function lagStep(before: WithinLag, members: readonly MemberView[], maxLagBytes: number | null): WithinLag {
  const within = new Map<string, boolean>()
  for (const { name, isLeader, lagBytes } of members) {
    if (isLeader) continue
    const was = before.get(name)
    if (maxLagBytes === null) within.set(name, true)
    else if (lagBytes !== null) within.set(name, lagBytes <= (was === false ? maxLagBytes * BACK_AT : maxLagBytes))
    else if (was !== undefined) within.set(name, was)
  }
  return within
}

/** Returns why a member that is not within the lag is out. */
export function whyLagging({ lagBytes }: MemberView, maxLagBytes: number): string {
  if (lagBytes === null) return 'its lag is not known'
  const lag = `lag ${inUnits(lagBytes)}`
  if (lagBytes > maxLagBytes) return `${lag} above ${inUnits(maxLagBytes)}`
  return `${lag}, was above ${inUnits(maxLagBytes)}, back at ${inUnits(maxLagBytes * BACK_AT)}`
}

/** Returns a size as PostgreSQL and Patroni write it: 1 kB is 1024 bytes. */
function inUnits(bytes: number): string {
  const [unit, size] = UNITS.find(([, size]) => bytes >= size) ?? ['bytes', 1]
  return `${Math.round((bytes / size) * 10) / 10} ${unit}`
}

const UNITS: readonly (readonly [string, number])[] = [
  ['TB', 1024 ** 4],
  ['GB', 1024 ** 3],
  ['MB', 1024 ** 2],
  ['kB', 1024],
]
