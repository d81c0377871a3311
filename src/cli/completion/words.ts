/** The words that every shell completes. Pure. */
import { COMMANDS, HELP, VERSION } from '../usage/program.ts'
import type { CommandUsage, OptionUsage } from '../usage/types.ts'

/** Begins every script. */
export const HEADER = 'completion of patroni-router, printed by `patroni-router completion`'

export const NAMES: readonly string[] = COMMANDS.map(({ name }) => name)

/** Each ends the program: the word after `patroni-router` is one of them or the command. */
export const PROGRAM_OPTIONS: readonly OptionUsage[] = [HELP, VERSION]

/** Returns the options of a command, with the one that every command has. */
export function optionsOf({ options }: CommandUsage): readonly OptionUsage[] {
  return [...options, HELP]
}

/** Returns an option as it is typed: `-c` and `--config`. */
export function typedAs({ short, long }: OptionUsage): readonly string[] {
  return [...(short === undefined ? [] : [`-${short}`]), `--${long}`]
}
