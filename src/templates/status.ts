/** What the templates say of themselves: plain JSON data, a part of the router's status. No text of a rendered file is in it. */
import type { CommandResult } from './commands/run-command.ts'
import type { LeftOut } from './engine/template.ts'

export { reasonLineOf } from './commands/output.ts'
export type { CommandResult } from './commands/run-command.ts'

export interface TemplatesStatus {
  readonly groups: readonly GroupStatus[]
  readonly hooks: readonly HookStatus[]
  readonly keys: readonly KeysStatus[]
}

/** Templates that change together and reload once. */
export interface GroupStatus {
  /** The reload group, or the destination of a template of its own. */
  readonly name: string
  /** Which its templates are about. */
  readonly clusters: readonly string[]
  readonly state: GroupState
  /** Since when; milliseconds since the epoch, like every time in here. */
  readonly since: number
  /** Why, where it is not `in-sync`; one line. */
  readonly reason: string
  readonly templates: readonly TemplateStatus[]
  /** null: it has no reload command. */
  readonly reload: ReloadStatus | null
  /** The next attempt after a failure; null: none is due. */
  readonly retryAt: number | null
}

export type GroupState =
  /** What it needs is not known yet: no cluster, no keys, an answer of the DNS. */
  | 'waiting'
  /** The files are as the templates say, and reloaded. */
  | 'in-sync'
  /** A change waits for the debounce, or is on its way. */
  | 'pending'
  /** The file stays as it is, because a list is empty or there is no primary (`on_empty: keep`). */
  | 'kept'
  /** A template, a check, a commit or the reload failed: `reason`. */
  | 'failed'

export interface TemplateStatus {
  readonly source: string
  readonly destination: string
  /** How often it was rendered since the start. */
  readonly renders: number
  /** When the destination was last written; null: not since the start. */
  readonly writtenAt: number | null
  /** What is wrong with it now; null: nothing. */
  readonly error: string | null
  /** How often its check was run since the start, and how often of these it has failed. */
  readonly checks: number
  readonly checkFailures: number
  /** The last check; null: none since the start, or it has no check command. */
  readonly check: CommandResult | null
  readonly leftOut: readonly LeftOut[]
}

export interface ReloadStatus {
  /** Due, or failed and to be tried again. */
  readonly pending: boolean
  /** Since the start. */
  readonly runs: number
  readonly failures: number
  readonly last: CommandResult | null
}

export interface HookStatus {
  readonly name: string
  /** Whose primary it follows. */
  readonly cluster: string
  /** Run, or to be run, for this state and member; null: for none since the start. */
  readonly state: string | null
  readonly member: string | null
  readonly running: boolean
  /** Since the start; also those that have failed because their reload group did. */
  readonly runs: number
  readonly failures: number
  readonly last: CommandResult | null
}

/** Keys of the DCS that templates read. */
export interface KeysStatus {
  /** In whose DCS. */
  readonly cluster: string
  /** Below this. */
  readonly root: string
  readonly state: 'never' | 'up' | 'lost'
  readonly count: number
  /** When they were last known to be complete. */
  readonly readAt: number | null
  readonly error: string | null
}
