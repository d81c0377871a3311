/** What a person has decided about a member, against what the router finds itself. Plain data. */
import { instant } from './text/wording.ts'

/** `drain`: no new sessions, and the sessions on it stay. `maint`: the same, and it is shown as in maintenance. */
export type OverrideState = 'drain' | 'maint'

export interface Override {
  readonly state: OverrideState
  /** The user of the command, the name of a token, or `admin socket`. Fit to be shown. */
  readonly by: string
  /** Milliseconds since the epoch. */
  readonly since: number
  /** When it ends by itself; null: it has to be ended. Milliseconds since the epoch. */
  readonly until: number | null
}

/** What a person has decided about the members of a cluster, by name, and about its listeners, by name. */
export interface Overrides {
  readonly members: ReadonlyMap<string, Override>
  readonly holds: ReadonlyMap<string, HeldByRequest>
}

export const NO_OVERRIDES: Overrides = { members: new Map(), holds: new Map() }

/** How HAProxy writes the state of such a server. */
export const OVERRIDE_WORDS: Readonly<Record<OverrideState, string>> = { drain: 'DRAIN', maint: 'MAINT' }

/** Returns why a member is not used: `drained by alice since 2026-11-20 03:14:54Z`. */
export function overrideText({ state, by, since }: Override): string {
  return `${overriddenText(state)} by ${by} since ${instant(since)}`
}

/** Returns the same without a name: clients have no need to read that. */
export function overriddenText(state: OverrideState): string {
  return state === 'drain' ? 'drained' : 'in maintenance'
}

/** Of a hold by request. Milliseconds. */
export const MAX_HOLD_MS = 60 * 60_000

/** A listener that holds all its clients by request: as PgBouncer's PAUSE, with a limit. */
export interface HeldByRequest {
  readonly by: string
  /** Milliseconds since the epoch. */
  readonly since: number
  /** When it is released at the latest. Milliseconds since the epoch. */
  readonly until: number
}
