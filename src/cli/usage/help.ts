/** The texts of --help: what to do first, then every option, every exit code, and examples to copy. Pure. */
import { ABOUT, COMMANDS, ENVIRONMENT, EXAMPLES, EXITS, FILES, HELP, HELP_COMMAND, NAME, VERSION } from './program.ts'
import { aboutOption, codeOf, flagsOf, plain, synopsisOf, wordOf } from './text.ts'
import type { CommandUsage, Entry, Example, ExitUsage, OptionUsage, SignalUsage } from './types.ts'

/** What commander gives for it, as wide as the terminal allows. */
export interface Layout {
  readonly helpWidth?: number | undefined
  boxWrap(text: string, width: number): string
}

/** Returns the help of the program. */
export function programHelp(layout: Layout): string {
  return page(layout, [
    `Usage: ${NAME} <COMMAND> [options]`,
    ...ABOUT,
    items('Commands', [
      ...COMMANDS.map((command) => [command.name, command.summary] as const),
      [`${HELP_COMMAND.name} <COMMAND>`, HELP_COMMAND.about],
    ]),
    options([HELP, VERSION]),
    examples(EXAMPLES),
    items('Environment', ENVIRONMENT.map(entry)),
    items('Files', FILES.map(entry)),
    exits(EXITS),
  ])
}

/** Returns the help of a command. */
export function commandHelp(usage: CommandUsage, layout: Layout): string {
  const { argument, operand, about, signals = [] } = usage
  return page(layout, [
    `Usage: ${NAME} ${synopsisOf(usage)}`,
    ...about,
    ...(argument === undefined ? [] : [items(`<${argument.name}>`, argument.choices.map(entry))]),
    ...(operand === undefined ? [] : [items(wordOf(operand), [[operand.name, operand.about]])]),
    options([...usage.options, HELP]),
    ...(signals.length === 0 ? [] : [items('Signals', signals.map(signal))]),
    exits(usage.exits),
    examples(usage.examples),
  ])
}

type Item = readonly [term: string, about: string]

/** A heading and the list below it; a text is a paragraph. */
type Block = string | { readonly heading: string; readonly items: readonly Item[] } | { readonly text: string }

const INDENT = '  '

function page(layout: Layout, blocks: readonly Block[]): string {
  const width = layout.helpWidth ?? 80
  const texts = blocks.map((block) => {
    if (typeof block === 'string') return layout.boxWrap(plain(block), width)
    return 'text' in block ? block.text : `${block.heading}:\n${list(block.items, width, layout)}`
  })
  return `${texts.join('\n\n')}\n`
}

/** Terms that are longer than this have their text below them. */
const MAX_TERM = 26

function list(entries: readonly Item[], width: number, layout: Layout): string {
  const terms = entries.map(([term]) => term.length).filter((length) => length <= MAX_TERM)
  const column = (terms.length === 0 ? 4 : Math.max(...terms)) + 2
  const hanging = `\n${INDENT}${' '.repeat(column)}`
  return entries
    .map(([term, about]) => {
      const text = layout.boxWrap(plain(about), width - INDENT.length - column).replaceAll('\n', hanging)
      return INDENT + (term.length > MAX_TERM ? term + hanging : term.padEnd(column)) + text
    })
    .join('\n')
}

function items(heading: string, entries: readonly Item[]): Block {
  return { heading, items: entries }
}

function options(usages: readonly OptionUsage[]): Block {
  return items(
    'Options',
    usages.map((usage) => [flagsOf(usage), aboutOption(usage)] as const),
  )
}

function exits(usages: readonly ExitUsage[]): Block {
  return items(
    'Exit codes',
    usages.map((usage) => [String(codeOf(usage)), usage.when] as const),
  )
}

function signal({ names, effect }: SignalUsage): Item {
  return [names.join(', '), effect]
}

function entry({ name, about }: Entry): Item {
  return [name, about]
}

/** Shows examples unwrapped: a wrapped command cannot be copied. */
function examples(usages: readonly Example[]): Block {
  const texts = usages.map(({ about, text }) => `# ${about}\n${text}`.replaceAll(/^/gm, INDENT))
  return { text: `Examples:\n${texts.join('\n')}` }
}
