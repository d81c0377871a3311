/** Which members a route may use, from the view. Pure. */
import { takesNew } from '../watcher/machine.ts'
import type { Address, ClusterView } from '../watcher/view.ts'

export interface Target {
  readonly member: string
  readonly address: Address
  /** The epoch of the primary; a dial that completes under another one is closed. 0 on other routes. */
  readonly epoch: number
  /** Handed back with a failed dial; null on other routes. */
  readonly basis: string | null
}

/** The member to write to, if one is open. */
export function primaryTarget({ primary }: ClusterView): Target | null {
  const { state, member, address, epoch, basis } = primary
  return !takesNew(state) || member === null || address === null ? null : { member, address, epoch, basis }
}

/** The replicas that take new sessions, sorted by name. */
export function replicaTargets({ members }: ClusterView): readonly Target[] {
  return members.flatMap(({ name, host, port, replica }) =>
    replica.fit && host !== null ? [{ member: name, address: { host, port }, epoch: 0, basis: null }] : [],
  )
}

/** Members whose replica sessions are of no use any more: proved down, or forgotten. */
export function isDown({ members }: ClusterView, name: string): boolean {
  return members.find((member) => member.name === name)?.replica.down ?? true
}
