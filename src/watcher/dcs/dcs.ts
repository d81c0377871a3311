/** What every kind of DCS gives to the watcher. */
import type { RouterError } from '../../errors.ts'
import type { Cluster } from '../cluster.ts'

/** Something about a DCS that a person should mend, or know, while it is being read or not. */
export interface DcsNotice {
  /** Stable, for scripts: `foreign-etcd`. */
  readonly event: string
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
      /** The history is another one, or went back: the DCS was restored from a backup. */
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

export interface Dcs {
  /** Which kind of source it is, for people. */
  readonly kind: 'etcd3' | 'file' | 'rest' | 'demo'
  /**
   * Observes until `signal` aborts; then it ends, without an error. It tries again by itself, for ever. `remembered`: of
   * an earlier run, for who has nothing more certain to begin with.
   */
  observe(signal: AbortSignal, remembered?: Remembered | null): AsyncIterable<DcsObservation>
}
