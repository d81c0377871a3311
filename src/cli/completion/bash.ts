import { COMMANDS } from '../usage/program.ts'
import type { CommandUsage, ValueKind } from '../usage/types.ts'
import { HEADER, NAMES, optionsOf, PROGRAM_OPTIONS, typedAs } from './words.ts'

/** Returns the script for bash, which needs nothing of the package bash-completion. Pure. */
export function bash(): string {
  return `# bash: ${HEADER}

_patroni_router() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} options='' choices=''
  # "--config=file" is three words here.
  if [[ $word == = ]]; then
    word=''
  elif [[ $before == = ]]; then
    before=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    options='${PROGRAM_OPTIONS.flatMap(typedAs).join(' ')}'
    choices='${NAMES.join(' ')} help'
  else
    case \${COMP_WORDS[1]} in
    help) choices='${NAMES.join(' ')}' ;;
${COMMANDS.map(caseOf).join('\n')}
    esac
  fi
  if [[ $word == -* || -z $choices ]]; then
    choices=$options
  fi
  COMPREPLY=($(compgen -W "$choices" -- "$word"))
}

complete -F _patroni_router patroni-router
`
}

/** What is done for a value: the shell's own completion of paths handles quotes, spaces and tildes. */
const VALUES: Readonly<Record<ValueKind, string>> = {
  path: 'compopt -o default; return',
  directory: 'compopt -o dirnames; return',
  name: 'return',
  seconds: 'return',
  time: 'return',
  duration: 'return',
  port: 'return',
}

function caseOf(usage: CommandUsage): string {
  const options = optionsOf(usage)
  const choices = usage.argument?.choices.map(({ name }) => name) ?? []
  // After one whose value may be missing anything may come.
  const values = options.flatMap((option) =>
    option.value === undefined || option.value.isOptional === true
      ? []
      : [`      ${typedAs(option).join(' | ')}) ${VALUES[option.value.kind]} ;;`],
  )
  return [
    `    ${usage.name})`,
    `      options='${options.flatMap(typedAs).join(' ')}'`,
    ...(choices.length === 0 ? [] : [`      choices='${choices.join(' ')}'`]),
    ...(values.length === 0 ? [] : ['      case $before in', ...values, '      esac']),
    '      ;;',
  ].join('\n')
}
