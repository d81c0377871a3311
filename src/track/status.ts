/** What the track files say: plain JSON data, a part of the router's status. */
import type { ConditionName } from '../config/conditions.ts'

export interface TrackFileStatus {
  readonly path: string
  /** Name of the cluster it is about. */
  readonly cluster: string
  readonly when: ConditionName
  /** Of `local-leader`; null of the others. */
  readonly member: string | null
  /** true: the file is to say 1. null: it is not known, and the file is to say 0. */
  readonly holds: boolean | null
  readonly reason: string
  /** Since when; milliseconds since the epoch. */
  readonly since: number
  /** Why the file does not say that; null: it does. */
  readonly error: string | null
}
