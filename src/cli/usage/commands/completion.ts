import type { CommandUsage } from '../types.ts'

export const COMPLETION: CommandUsage = {
  name: 'completion',
  summary: 'print a script that completes this command line in a shell',
  about: [
    'Completes commands, options, conditions and file names. The script is static: pressing TAB starts no program. Print it again after an upgrade. The installed package has the same scripts as files in `dist/completion/`.',
  ],
  argument: {
    name: 'SHELL',
    choices: [
      { name: 'bash', about: 'bash 4 or newer, with or without the package bash-completion' },
      { name: 'zsh', about: 'zsh 5.1 or newer, after `compinit`' },
      { name: 'fish', about: 'fish 3 or newer' },
    ],
  },
  options: [],
  exits: [
    { exit: 'ok', when: 'the script was printed' },
    { exit: 'usage', when: 'the command line is invalid' },
  ],
  examples: [
    { about: 'bash, in this session', text: 'source <(patroni-router completion bash)' },
    {
      about: 'bash, for all users, with the package bash-completion (as root)',
      text: `patroni-router completion bash \\
    > /usr/share/bash-completion/completions/patroni-router`,
    },
    {
      about: 'zsh, for all users (as root)',
      text: `patroni-router completion zsh \\
    > /usr/local/share/zsh/site-functions/_patroni-router`,
    },
    {
      about: 'fish, for yourself',
      text: `mkdir -p ~/.config/fish/completions
patroni-router completion fish \\
    > ~/.config/fish/completions/patroni-router.fish`,
    },
  ],
}
