import { CONFIG } from '../options.ts'
import type { CommandUsage } from '../types.ts'

export const CHECK: CommandUsage = {
  name: 'check',
  summary: 'check the configuration, and the files and addresses in it',
  about: [
    'Reads the configuration as `run` does, compiles the templates and tries the files, commands, addresses and ports that it names. All problems are listed on standard error. Nothing is changed: no file is written, no command is run, and the ports of a running router are left alone.',
    'Run it as the user of the service: other users have other permissions.',
  ],
  options: [
    CONFIG,
    { long: 'online', about: 'also query the DCS and the members; each failure is a line that begins with FAILED' },
    {
      long: 'startup',
      about:
        'report faulty templates and busy ports as warnings: the first do not prevent a start, the second may be free by then',
    },
  ],
  exits: [
    { exit: 'ok', when: 'no problem was found (there may be warnings)' },
    {
      exit: 'failed',
      when: 'only with --online: the DCS did not answer, which does not mean that the configuration is wrong',
    },
    { exit: 'usage', when: 'a problem was found, or the command line is invalid' },
  ],
  examples: [
    {
      about: 'the configuration of Patroni itself, its DCS and its members',
      text: 'patroni-router check -c /etc/patroni/config.yml --online',
    },
    {
      about: 'as the user of the service',
      text: 'sudo -u postgres patroni-router check',
    },
  ],
}
