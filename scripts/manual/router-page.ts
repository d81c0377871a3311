/** The man page patroni-router(8) as Markdown, from the description of the command line. Pure. */
import {
  ABOUT,
  COMMANDS,
  ENVIRONMENT,
  EXAMPLES,
  EXITS,
  FILES,
  HELP,
  NAME,
  SUMMARY,
  VERSION,
} from '../../src/cli/usage/program.ts'
import { aboutOption, codeOf, synopsisOf, wordOf } from '../../src/cli/usage/text.ts'
import { fenced, introduction } from '../markdown.ts'
import type { CommandUsage, Example, ExitUsage, OptionUsage } from '../../src/cli/usage/types.ts'

/** Returns the page. */
export function routerPage(): string {
  return [
    `# ${NAME}(8) -- ${SUMMARY}`,
    '## SYNOPSIS',
    [
      ...COMMANDS.map((usage) => `**${NAME}** ${escaped(synopsisOf(usage))}`),
      `**${NAME}** \\[**--help** | **--version**\\]`,
    ].join('\\\n'),
    '## DESCRIPTION',
    ...ABOUT,
    'One process serves clients directly, renders templates beside another proxy, or both. Its configuration is described in **patroni-router.yml**(5); the configuration of Patroni itself can be used as it is.',
    '## COMMANDS',
    ...COMMANDS.map(commandOf),
    '## OPTIONS',
    'COMMANDS has the options of each command. Without a command there are:',
    list([HELP, VERSION].map(optionItem)),
    '## EXIT STATUS',
    'The general meaning; COMMANDS has the exit codes of each command.',
    list(EXITS.map(exitItem)),
    '## SIGNALS',
    ...COMMANDS.flatMap(({ name, signals = [] }) =>
      signals.length === 0
        ? []
        : [
            `Of **${NAME} ${name}**; signals that are not listed do not stop it, except those that no process can ignore.`,
            list(signals.map(({ names, effect }) => [names.map(bold).join(', '), effect])),
          ],
    ),
    '## FILES',
    list(FILES.map(({ name, about }) => [`*${name}*`, about])),
    '## ENVIRONMENT',
    list(ENVIRONMENT.map(({ name, about }) => [bold(name), about])),
    '## EXAMPLES',
    ...EXAMPLES.map(exampleOf),
    '## SEE ALSO',
    '**patroni-router.yml**(5), **patroni**(1), **patronictl**(1), **haproxy**(1), **keepalived**(8), **systemctl**(1)',
    'The documents of the package: *docs/* and *examples/* in its directory, which `npm root --global` has.',
  ].join('\n\n')
}

function commandOf(usage: CommandUsage): string {
  const { argument, operand, about, options, exits, examples } = usage
  return [
    `### ${NAME} ${escaped(synopsisOf(usage))}`,
    ...about,
    list([
      ...(argument?.choices ?? []).map((choice) => [bold(choice.name), choice.about] as const),
      ...(operand === undefined ? [] : [[bold(escaped(wordOf(operand))), operand.about] as const]),
      ...options.map(optionItem),
    ]),
    'Exit status:',
    list(exits.map(exitItem)),
    ...(examples.length === 0 ? [] : examples.map(exampleOf)),
  ]
    .filter((text) => text !== '')
    .join('\n\n')
}

type Item = readonly [term: string, about: string]

/** Items with a line break: the term and the text below it. */
function list(items: readonly Item[]): string {
  return items.map(([term, about]) => `- ${term}\\\n  ${about}`).join('\n')
}

function optionItem(option: OptionUsage): Item {
  const { short, long, value } = option
  const names = [...(short === undefined ? [] : [bold(`-${short}`)]), bold(`--${long}`)].join(', ')
  const shown = value === undefined ? '' : value.isOptional === true ? ` \\[*${value.name}*\\]` : ` *${value.name}*`
  return [names + shown, aboutOption(option)]
}

function exitItem(exit: ExitUsage): Item {
  return [bold(String(codeOf(exit))), exit.when]
}

function exampleOf({ about, text }: Example): string {
  return `${introduction(about)}\n\n${fenced(text, '')}`
}

function bold(text: string): string {
  return `**${text}**`
}

function escaped(text: string): string {
  return text.replace(/[[\]<>]/g, '\\$&')
}
