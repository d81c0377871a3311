/** What the router reports of a change of its configuration while it runs. Plain data. */

/** What came of a reload, or would come of it. */
export interface ReloadReport {
  /** `unchanged`: nothing that counts differs. `refused`: everything continues as it was. */
  readonly outcome: 'applied' | 'unchanged' | 'refused'
  /** `configuration`: it is wrong. `router`: a part of the router cannot take it, as of an address in use. null: not refused. */
  readonly refusedBy: 'configuration' | 'router' | null
  /** The file that was read, as `status` names it; null: the environment alone. */
  readonly file: string | null
  /** Why it was refused: every problem with file, line, column and key; or why a part cannot take it. Empty otherwise. */
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
  /** What has changed, or would change, in the words of the file. */
  readonly changes: readonly string[]
  /** Sessions that end by it, at the latest after their `drain_timeout`. */
  readonly endingSessions: number
  /** How long it took. Milliseconds. */
  readonly tookMs: number
}

/** Why nothing is reloaded any more. */
export const SHUTTING_DOWN = 'the router is shutting down'

/** What SIGHUP and the admin socket request of the router. Never rejects. */
export interface Reloadable {
  /** Reads the configuration again and applies the difference: all of it, or nothing. */
  reload(): Promise<ReloadReport>
  /** Reports what `reload` would do, and changes nothing. */
  preview(): Promise<ReloadReport>
}
