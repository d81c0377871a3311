import { COMMANDS, HELP_COMMAND } from '../usage/program.ts'
import { aboutOption, plain } from '../usage/text.ts'
import type { CommandUsage, OptionUsage, ValueKind } from '../usage/types.ts'
import { HEADER, NAMES, optionsOf, PROGRAM_OPTIONS } from './words.ts'

/** Returns the script for fish. Pure. */
export function fish(): string {
  const lines = [
    ...PROGRAM_OPTIONS.map((option) => line(NONE, optionArguments(option))),
    ...COMMANDS.map(({ name, summary }) => line(NONE, `-a ${name} -d ${quoted(summary)}`)),
    line(NONE, `-a ${HELP_COMMAND.name} -d ${quoted(HELP_COMMAND.about)}`),
    line(`${IS} help`, `-a ${quoted(NAMES.join(' '))}`),
    ...COMMANDS.flatMap(linesOf),
  ]
  return `# fish: ${HEADER}

function ${IS}
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test $words[2] = $argv[1]
end

complete -c patroni-router -f
${lines.join('\n')}
`
}

/** True for the command line of one command. */
const IS = '__patroni_router_is'
const NONE = 'test (count (commandline -opc)) -eq 1'

function line(condition: string, rest: string): string {
  return `complete -c patroni-router -n ${quoted(condition)} ${rest}`
}

function linesOf(usage: CommandUsage): readonly string[] {
  const { name, argument } = usage
  const choices = argument?.choices ?? []
  // One of them is enough.
  const names = choices.map((choice) => choice.name).join(' ')
  const isMissing = `${IS} ${name}; and not __fish_seen_subcommand_from ${names}`
  return [
    ...choices.map((choice) => line(isMissing, `-a ${choice.name} -d ${quoted(choice.about)}`)),
    ...optionsOf(usage).map((option) => line(`${IS} ${name}`, optionArguments(option))),
  ]
}

const VALUES: Readonly<Record<ValueKind, string>> = {
  path: '-r -F',
  directory: `-x -a '(__fish_complete_directories (commandline -ct))'`,
  name: '-x',
  seconds: '-x',
  time: '-x',
  duration: '-x',
  port: '-x',
}

function optionArguments(option: OptionUsage): string {
  const { short, long, value } = option
  const requirement = value === undefined || value.isOptional === true ? [] : [VALUES[value.kind]]
  const names = [...(short === undefined ? [] : [`-s ${short}`]), `-l ${long}`]
  return [...names, ...requirement, `-d ${quoted(aboutOption(option))}`].join(' ')
}

function quoted(text: string): string {
  return `'${plain(text).replace(/['\\]/g, '\\$&')}'`
}
