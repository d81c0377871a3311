import { COMMANDS, HELP_COMMAND } from '../usage/program.ts'
import { aboutOption, plain } from '../usage/text.ts'
import type { CommandUsage, OptionUsage, ValueKind } from '../usage/types.ts'
import { HEADER, NAMES, optionsOf, PROGRAM_OPTIONS } from './words.ts'

/** Returns the script for zsh: a file of its `fpath`, or to be sourced after `compinit`. Pure. */
export function zsh(): string {
  return `#compdef patroni-router
# zsh: ${HEADER}

_patroni-router() {
  local curcontext=$curcontext state line
  typeset -A opt_args
  _arguments -C \\
${PROGRAM_OPTIONS.map((option) => `    ${specOf(option, '- *')} \\`).join('\n')}
    '1: :->command' '*:: :->arguments'
  case $state in
  command)
    local -a commands=(
${COMMANDS.map(({ name, summary }) => `      ${quoted(`${name}:${summary}`)}`).join('\n')}
      ${quoted(`${HELP_COMMAND.name}:${HELP_COMMAND.about}`)}
    )
    _describe command commands
    ;;
  arguments)
    case $words[1] in
    help) _arguments '1:command:(${NAMES.join(' ')})' ;;
${COMMANDS.map(caseOf).join('\n')}
    esac
    ;;
  esac
}

if [[ $funcstack[1] == _patroni-router ]]; then
  _patroni-router "$@"
else
  compdef _patroni-router patroni-router
fi
`
}

function caseOf(usage: CommandUsage): string {
  const { name, argument, operand, options } = usage
  const specs = optionsOf(usage).map((option) => specOf(option, option.long === 'help' ? '- *' : ''))
  const choices = argument?.choices.map((choice) => `${choice.name}\\:"${escaped(choice.about)}"`).join(' ')
  const colons = (isOptional = false): string => (isOptional ? '::' : ':')
  const positional = [
    ...(argument === undefined ? [] : [quoted(`1${colons(argument.isOptional)}${argument.name}:((${choices ?? ''}))`)]),
    ...(operand === undefined
      ? []
      : [quoted(`${argument === undefined ? 1 : 2}${colons(operand.isOptional)}${operand.name}: `)]),
  ]
  const values = options.flatMap(({ value }) => (value?.isOptional === true ? [`'*:${value.name}:()'`] : []))
  return `    ${name})\n      _arguments \\\n        ${[...specs, ...positional, ...values].join(' \\\n        ')}\n      ;;`
}

const ACTIONS: Readonly<Record<ValueKind, string>> = {
  path: '_files',
  directory: '_files -/',
  name: ' ',
  seconds: ' ',
  time: ' ',
  duration: ' ',
  port: ' ',
}

/** Returns what `_arguments` expects of an option. `excluded`: other words that it rules out. */
function specOf(option: OptionUsage, excluded: string): string {
  const { short, long, value, conflicts } = option
  // An optional value is in the same word, or in one that is not an option.
  const [equals, joined] = value === undefined ? ['', ''] : value.isOptional === true ? ['=-', '-'] : ['=', '+']
  const colon = value?.isOptional === true ? '::' : ':'
  const text = `[${escaped(aboutOption(option))}]${value === undefined ? '' : `${colon}${value.name}:${ACTIONS[value.kind]}`}`
  const others = conflicts === undefined ? [] : [`--${conflicts}`]
  const own = short === undefined ? [`--${long}`] : [`-${short}`, `--${long}`]
  const without = excluded === '' ? [...own, ...others].join(' ') : excluded
  const names = short === undefined ? `--${long}${equals}` : `'{-${short}${joined},--${long}${equals}}'`
  return `'(${without})${names}${text.replaceAll("'", `'\\''`)}'`
}

/** Escapes a description for _arguments and _describe. */
function escaped(text: string): string {
  return plain(text).replace(/[:[\]\\]/g, '\\$&')
}

function quoted(text: string): string {
  return `'${plain(text).replaceAll("'", `'\\''`)}'`
}
