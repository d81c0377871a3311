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
      long: 'diff',
      about: 'also show what a reload of the running router would change, and how many sessions it would end',
    },
    {
      long: 'socket',
      value: { name: 'PATH', kind: 'path' },
      about: 'with --diff: admin socket of the running router, if it is not the one in the configuration',
    },
    {
      long: 'startup',
      about:
        'report faulty templates and busy ports as warnings: the first do not prevent a start, the second may be free by then',
    },
  ],
  exits: [
    {
      exit: 'ok',
      when: 'no problem was found (there may be warnings; with --diff: also if a reload would change something)',
    },
    {
      exit: 'failed',
      when: 'only with --online: the DCS did not answer, which does not mean that the configuration is wrong',
    },
    {
      exit: 'usage',
      when: 'a problem was found, the running router reads another file (with --diff), or the command line is invalid',
    },
    { exit: 'noRouter', when: 'only with --diff: no router answers on the admin socket' },
  ],
  examples: [
    {
      about: 'the configuration of Patroni itself, its DCS and its members',
      text: 'patroni-router check -c /etc/patroni/config.yml --online',
    },
    { about: 'before a reload', text: 'patroni-router check --diff' },
    {
      about: 'as the user of the service',
      text: 'sudo -u postgres patroni-router check',
    },
  ],
}
