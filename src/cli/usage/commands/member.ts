import { CLUSTER, CONFIG, INVALID, SOCKET } from '../options.ts'
import type { CommandUsage } from '../types.ts'

export const MEMBER: CommandUsage = {
  name: 'member',
  summary: 'drain a member, put it in maintenance, or end that',
  about: [
    'Has the running router send no new sessions to a member, as HAProxy does with `set server ... state`. The sessions on it stay. If it is the primary, its new clients are held until it is ready again, another member takes over, or `hold.timeout` has passed for them; they are never sent elsewhere.',
    'That holds for all listeners, and over a reload of the router. With a `state_dir` it holds over a restart, too. `status` shows it wherever it shows the member, with the user that has requested it. Templates leave a drained replica out of `replicas`; the primary stays the primary for templates and track files. Patroni is not involved.',
  ],
  argument: {
    name: 'ACTION',
    choices: [
      { name: 'drain', about: 'no new sessions; to be taken out of use' },
      { name: 'maint', about: 'the same, shown as in maintenance; for work on it' },
      { name: 'ready', about: 'new sessions again; ends a drain and a maintenance' },
    ],
  },
  operand: { name: 'NAME', about: 'the member, as `status` shows it' },
  options: [
    CONFIG,
    SOCKET,
    {
      long: 'for',
      value: { name: 'TIME', kind: 'duration' },
      about: 'end it after this time, such as 30m or 2h, if it was not ended before',
    },
    CLUSTER,
  ],
  exits: [
    { exit: 'ok', when: 'it is so' },
    { exit: 'failed', when: 'the router refuses it, for example because there is no such member' },
    INVALID,
    { exit: 'noRouter', when: 'no router answers on the admin socket' },
  ],
  examples: [
    { about: 'take a replica out of use for an hour at most', text: 'patroni-router member drain pg2 --for 1h' },
    { about: 'use it again', text: 'patroni-router member ready pg2' },
  ],
}
