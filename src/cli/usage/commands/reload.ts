import { CONFIG, SOCKET } from '../options.ts'
import type { CommandUsage } from '../types.ts'

export const RELOAD: CommandUsage = {
  name: 'reload',
  summary: 'have the running router load its configuration again',
  about: [
    'Has the running router read its configuration again, through its admin socket, waits until the changes are applied, and lists them. Sessions, waiting clients and connections to the DCS that a change does not concern are left alone. A configuration with any problem changes nothing: all problems are listed, and the router continues as before. SIGHUP does the same without waiting.',
    'The router reads its own file, with the environment of its start. The configuration here only says where its admin socket is; if the file was just edited to name another socket, name the one before with --socket.',
  ],
  options: [
    CONFIG,
    SOCKET,
    { long: 'json', about: 'print the result as one line of JSON, like `configuration.lastReload` of `status --json`' },
  ],
  exits: [
    { exit: 'ok', when: 'the changes are applied, or nothing has changed' },
    {
      exit: 'failed',
      when: 'the router could not apply the changes, for example because an address is in use or the DCS shows another cluster; it continues as before',
    },
    {
      exit: 'usage',
      when: 'the configuration is wrong, and the router continues as before; or the command line is invalid',
    },
    { exit: 'noRouter', when: 'no router answers on the admin socket' },
  ],
  examples: [
    { about: 'see what would change, then change it', text: 'patroni-router check --diff && patroni-router reload' },
    { about: 'in a script', text: "patroni-router reload --json | jq -r '.changes[]'" },
  ],
}
