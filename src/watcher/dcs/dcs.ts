/** What every kind of DCS gives to the watcher. */
import type { RouterError } from '../../errors.ts'
import type { Cluster } from '../cluster.ts'

/** docs/operations.md has a row for each. */
type NoticeEvent =
  | 'foreign-etcd'
  | 'no-cluster'
  | 'group-not-followed'
  | 'local-member-unknown'
  | 'local-member-elsewhere'
  | 'name-leads-elsewhere'

/** Something about a DCS that a person should correct, or be aware of, while it is being read or not. */
export interface DcsNotice {
  /** Stable, for scripts. */
  readonly event: NoticeEvent
  /** What it is about; with `event` it tells one notice from another. */
  readonly subject: string
  readonly message: string
  /** What is logged when it no longer holds. */
  readonly over: string
}

export type DcsObservation =
  /** The whole cluster, after a change or as a confirmation that nothing has changed (then `cluster` is the same object). */
  | {
      readonly type: 'snapshot'
      readonly cluster: Cluster
      /** The history is a different one, or went back: the DCS was restored from a backup. */
      readonly restored: boolean
      readonly endpoint: string
      /** All that hold now. */
      readonly notices?: readonly DcsNotice[]
    }
  /** The endpoint cannot be read, or not with certainty. Repeated while that lasts. */
  | {
      readonly type: 'lost'
      readonly endpoint: string
      readonly error: RouterError
      readonly notices?: readonly DcsNotice[]
    }

export interface Remembered {
  readonly systemId: string | null
  /** Where the members' REST API was. */
  readonly restUrls: readonly string[]
}

/** The differences between kinds that matter to the reader of their observations. */
export interface DcsTraits {
  /** Its kind, for people. */
  readonly kind: string
  /** Where the name of the leader comes from: Patroni's lock, a description that a person writes, or what the members say. */
  readonly leaderFrom: 'lock' | 'description' | 'members'
  /** What is said while it can be read and has no such cluster; null: nothing, it names a cluster or none is known. */
  readonly absence: string | null
}

export interface ClusterSource {
  /**
   * Observes until `signal` aborts; then it ends, without an error. It tries again by itself, for ever. `remembered`:
   * of an earlier run, for a kind that has nothing more certain to begin with.
   */
  observe(signal: AbortSignal, remembered?: Remembered | null): AsyncIterable<DcsObservation>
}

/** A source with what is known of its kind. */
export interface Dcs extends DcsTraits, ClusterSource {}
