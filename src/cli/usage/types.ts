/**
 * What a command line is described with: the parser, --help, the man page, docs/commands.md and the shell completion are
 * made from it. Texts are Markdown with nothing but `code` in it. Pure data.
 */
import type { EXIT } from '../io.ts'

export type CommandName =
  | 'run'
  | 'check'
  | 'reload'
  | 'render'
  | 'status'
  | 'events'
  | 'sessions'
  | 'member'
  | 'hold'
  | 'release'
  | 'track'
  | 'schema'
  | 'completion'
  | 'demo'

/** Decides how a value is parsed and what the shell completes. */
export type ValueKind = 'path' | 'directory' | 'name' | 'seconds' | 'time' | 'duration' | 'port'

export interface OptionUsage {
  readonly short?: string
  readonly long: string
  /** Shown in angle brackets. */
  readonly value?: { readonly name: string; readonly kind: ValueKind; readonly isOptional?: boolean }
  readonly default?: number
  /** The option that it cannot be combined with. */
  readonly conflicts?: string
  readonly about: string
}

export interface ArgumentUsage {
  readonly name: string
  readonly isOptional?: boolean
  readonly choices: readonly { readonly name: string; readonly about: string }[]
}

/** A word of the user's, such as a name. */
export interface OperandUsage {
  readonly name: string
  readonly isOptional?: boolean
  readonly about: string
}

export interface Example {
  readonly about: string
  /** One or more lines for a shell, or for a configuration file. */
  readonly text: string
}

export type ExitName = keyof typeof EXIT

export interface ExitUsage {
  readonly exit: ExitName
  readonly when: string
}

export interface SignalUsage {
  readonly names: readonly string[]
  readonly effect: string
}

export interface CommandUsage {
  readonly name: CommandName
  /** For the list of commands: lower case, without a full stop. */
  readonly summary: string
  /** Paragraphs. */
  readonly about: readonly string[]
  readonly argument?: ArgumentUsage
  /** Comes behind `argument`. */
  readonly operand?: OperandUsage
  readonly options: readonly OptionUsage[]
  readonly signals?: readonly SignalUsage[]
  /** Every exit code that the command has, in order. */
  readonly exits: readonly ExitUsage[]
  readonly examples: readonly Example[]
}

/** A name and what it is for: a file, an environment variable. */
export interface Entry {
  readonly name: string
  readonly about: string
}
