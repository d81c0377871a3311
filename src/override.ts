/** What a person has decided about a member, against what the router finds itself. Plain data. */

/** `drain`: no new sessions, and the sessions on it stay. `maint`: the same, and it is shown as in maintenance. */
export type OverrideState = 'drain' | 'maint'

export interface Override {
  readonly state: OverrideState
  /** The user of the command, the name of a token, or `admin socket`. Fit to be shown. */
  readonly by: string
  /** Milliseconds since the epoch. */
  readonly since: number
  /** When it ends by itself; null: only by request. Milliseconds since the epoch. */
  readonly until: number | null
}

/** A listener that holds all its clients by request: as PgBouncer's PAUSE, with a limit. */
export interface HeldByRequest {
  readonly by: string
  /** Milliseconds since the epoch. */
  readonly since: number
  /** When it is released at the latest. Milliseconds since the epoch. */
  readonly until: number
}
