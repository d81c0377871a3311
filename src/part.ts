/** A part of the router that outlives a change of its configuration. */
export interface Reconfigurable<C> {
  /**
   * Takes `next` from now on and returns true; or returns false: nothing has changed then, and the part is to be closed
   * and built again.
   */
  reconfigure(next: C): boolean
}

/** What has come of a part of the router when the configuration changed. */
export interface PartReport {
  readonly part: 'watcher' | 'proxy' | 'templates' | 'track' | 'admin' | 'http' | 'logging'
  /** The cluster that a watcher and a proxy belong to; null for the other parts. */
  readonly name: string | null
  /** `kept`: nothing has changed for it. `refused`: it continues as it was. */
  readonly outcome: 'kept' | 'reconfigured' | 'rebuilt' | 'added' | 'removed' | 'refused'
  /** Why it was refused, or what of it cannot be done yet and is tried again; null otherwise. */
  readonly reason: string | null
}

/** Another configuration of a part that is ready to take effect. Of the present one nothing has changed. */
export interface Prepared {
  /** What cannot take it: then it is to be abandoned. */
  readonly refused: readonly PartReport[]
  /** Has it take effect, and returns what has come of it. Never throws. */
  commit(): readonly PartReport[]
  /** Gives it up. Never throws. */
  abandon(): void
}
