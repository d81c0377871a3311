/** How the parts of a command line are written. Pure. */
import { EXIT } from '../io.ts'
import type { ArgumentUsage, CommandUsage, ExitUsage, OperandUsage, OptionUsage } from './types.ts'

/** Returns a text without its Markdown, for a terminal. */
export function plain(markdown: string): string {
  return markdown.replaceAll('`', '')
}

/** Returns an option as it is declared and shown: `-c, --config <FILE>`. */
export function flagsOf({ short, long, value }: OptionUsage): string {
  const names = short === undefined ? `--${long}` : `-${short}, --${long}`
  if (value === undefined) return names
  return `${names} ${value.isOptional === true ? `[${value.name}]` : `<${value.name}>`}`
}

/** Returns what an option is for, with its default. */
export function aboutOption({ about, default: value }: OptionUsage): string {
  return value === undefined ? about : `${about} (default: ${value})`
}

/** Returns how a command is called: `track [options] <CONDITION>`. */
export function synopsisOf({ name, options, argument, operand }: CommandUsage): string {
  const words = [argument, operand].filter((word) => word !== undefined).map(wordOf)
  return [name, ...(options.length > 0 ? ['[options]'] : []), ...words].join(' ')
}

/** Returns a word of a command as it is declared and shown: `<NAME>`, `[LISTENER]`. */
export function wordOf({
  name,
  isOptional = false,
}: Pick<ArgumentUsage | OperandUsage, 'name' | 'isOptional'>): string {
  return isOptional ? `[${name}]` : `<${name}>`
}

export function codeOf({ exit }: ExitUsage): number {
  return EXIT[exit]
}
